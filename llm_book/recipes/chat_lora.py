"""LoRA beside full tuning: from the same pretrained GPT, the same talks, each at its best rate.

All start from the weights that ``chat_models`` pretrains, but one rival that starts from nothing;
every learning rate is chosen on the validation part. LoRA trains detours round all linear maps,
the head's too; embedding and norms stay frozen. The marks need no learning: pretraining read them.
A rival that trains the embedding as well says how much of LoRA's gap is words that pretraining
hardly met. ``small`` books the generated world's tables, ``cpu`` and ``full`` follow instructions.
"""

from dataclasses import dataclass
from typing import Any

import torch

from llm_book.models.lora import add_lora
from llm_book.models.transformer import GPT
from llm_book.recipes import chat_models
from llm_book.recipes.chat_models import Corpus, ModelConfig, copied, load_corpus, pretrained
from llm_book.recipes.chat_sft import fit, surprise_at
from llm_book.recipes.job import Job
from llm_book.results import read_json, write_json

OURS, FULL, NOTHING, UNTOUCHED = "LoRA", "full tuning", "from nothing", "pretrained, untouched"
WORDS = "LoRA and the embedding"  # which is the head as well: the two are tied
INNER = ("query", "key", "value", "output", "up", "down")
MAPS = {OURS: (*INNER, "head"), WORDS: INNER}
FACTORS = (0.5, 1.0, 2.0)  # of a learning rate: what is tried
NEAR, FEW = 0.02, 0.05  # of full tuning's answer loss, of its trained parameters


@dataclass(frozen=True, kw_only=True)
class Config(ModelConfig):
    """Everything that decides the run but the seed.

    ``rank`` is a detour's width. ``lora_rate``, ``words_rate``, ``tuning_rate`` and
    ``nothing_rate`` are learning rates of LoRA, of LoRA with the embedding, of full tuning and of
    training from nothing, which goes on for ``nothing_epochs`` at most; each is tried at
    ``FACTORS`` times as much. Raises ValueError as ``ModelConfig`` does, for rates not above 0 and
    a rank that suits no map.
    """

    rank: int
    lora_rate: float
    words_rate: float
    nothing_rate: float
    nothing_epochs: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.rank <= self.width:
            raise ValueError(
                f"rank is {self.rank}; choose from 1 to the width of the maps, {self.width}"
            )
        for name in ("lora_rate", "words_rate", "tuning_rate", "nothing_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")

    def rates(self, way: str) -> list[float]:
        """The learning rates that are tried."""
        middle = {
            OURS: self.lora_rate,
            WORDS: self.words_rate,
            FULL: self.tuning_rate,
            NOTHING: self.nothing_rate,
        }
        return [middle[way] * factor for factor in FACTORS]


PRESETS = {
    "small": Config(
        **chat_models.SIZES["small"],
        rank=2,
        lora_rate=4e-2,
        words_rate=1e-2,
        nothing_rate=1e-2,
        nothing_epochs=6,
    ),
    "cpu": Config(
        **chat_models.SIZES["cpu"],
        rank=4,
        lora_rate=2e-2,
        words_rate=4e-3,
        nothing_rate=2e-3,
        nothing_epochs=12,
    ),
    "full": Config(
        **chat_models.SIZES["full"],
        rank=16,
        lora_rate=1e-3,
        words_rate=3e-4,
        nothing_rate=3e-4,
        nothing_epochs=16,
    ),
}


def run(config: Config, job: Job) -> dict[str, Any]:
    """Pretrain, tune in every way at every rate, write down what each way's best rate reached.

    Pretraining has checkpoints and each trial is kept: a run that was killed goes on behind them.
    """
    corpus = load_corpus(config)
    document = job.begin(config, corpus.facts)
    with job.noting_how_it_ends(document):
        start, before = pretrained(corpus, config, job)
        untouched = {"answer loss": answer_loss(start, corpus, job)}
        found = {way: best(way, start, corpus, config, job) for way in (OURS, FULL, WORDS, NOTHING)}
        seconds = before["seconds"] + sum(trial.pop("seconds in all") for trial in found.values())
        tokens = before["tokens"] + sum(trial.pop("tokens in all") for trial in found.values())
        ours = found.pop(OURS)
        compared = beside(ours, found[FULL])
        job.say(sentence(compared))
        return job.finish(
            document,
            metrics=ours | compared | {"pretraining, held-out loss": before["loss"]},
            rivals={**found, UNTOUCHED: untouched},
            seconds=seconds,
            tokens=int(tokens),
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def best(way: str, start: GPT, corpus: Corpus, config: Config, job: Job) -> dict[str, float]:
    """What the rate reached that validation liked best; seconds and tokens of all rates beside."""
    trials = [kept(way, rate, start, corpus, config, job) for rate in config.rates(way)]
    chosen = min(trials, key=lambda trial: trial["validation loss"])
    job.say(f"{way}: answer loss {chosen['answer loss']:.4f} at {chosen['learning rate']:g}")
    return chosen | {
        f"{name} in all": sum(trial[name] for trial in trials) for name in ("seconds", "tokens")
    }


def kept(
    way: str, rate: float, start: GPT, corpus: Corpus, config: Config, job: Job
) -> dict[str, float]:
    """What one trial reached, read back where it was written before."""
    path = job.folder / f"{way}, {rate:g}.json"
    if not path.exists():
        write_json(path, tuned(way, rate, start, corpus, config, job))
    return read_json(path)


def tuned(
    way: str, rate: float, start: GPT, corpus: Corpus, config: Config, job: Job
) -> dict[str, float]:
    """Tune a copy until validation gets no better and measure its best weights.

    ``answer loss`` is in nats a token of the held-out replies and their ends; seconds are those
    of training alone.
    """
    torch.manual_seed(job.seed)
    model = learner(way, start, config)
    trained = chat_models.n_trained(model)
    settings = config.tuning(rate, config.nothing_epochs if way == NOTHING else config.epochs)
    stopping, training, tokens = fit(model, corpus.template, corpus.task, settings, job)
    return {
        "answer loss": answer_loss(model, corpus, job),
        "validation loss": stopping.best_loss,
        "best epoch": stopping.best_index,
        "learning rate": rate,
        "trained parameters": trained,
        "trained share": trained / chat_models.n_trained(start),
        "optimiser bytes": chat_models.state_bytes(training.optimizer),
        "seconds": training.seconds,
        "tokens": tokens,
    }


def learner(way: str, start: GPT, config: Config) -> GPT:
    """The model as it is before tuning: a copy, a copy with detours, or one drawn anew."""
    if way == NOTHING:
        drawn = GPT(config.gpt(start.config.vocab_size, config.dropout))
        return drawn.to(start.embedding.weight.device)
    model = copied(start, config.dropout)
    if way in MAPS:
        add_lora(model, MAPS[way], config.rank)
    if way == WORDS:
        model.embedding.weight.requires_grad_(True)
    return model


def answer_loss(model: GPT, corpus: Corpus, job: Job) -> float:
    """Nats a token of the test part's replies, each after its prompt."""
    rows = [corpus.template.row(one) for one in corpus.task.test]
    return surprise_at(model, corpus.template, rows, job).loss


def beside(ours: dict[str, float], full: dict[str, float]) -> dict[str, float]:
    """By what share LoRA's answer loss is above full tuning's, and 1 where the claim holds.

    The claim: no more than ``NEAR`` above it with at most ``FEW`` of the trained parameters.
    """
    gap = ours["answer loss"] / full["answer loss"] - 1
    holds = gap <= NEAR and ours["trained parameters"] <= FEW * full["trained parameters"]
    return {"gap to full tuning": gap, "near at few parameters": float(holds)}


def sentence(compared: dict[str, float]) -> str:
    """The claim's answer in words."""
    gap, holds = compared["gap to full tuning"], compared["near at few parameters"]
    return (
        f"LoRA's answer loss is {gap:+.2%} from full tuning's: within {NEAR:.0%} at no more than "
        f"{FEW:.0%} of the parameters, {'yes' if holds else 'no'}"
    )
