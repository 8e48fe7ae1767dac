"""DPO: a tuned GPT learns which of two replies is preferred, and what that costs it.

The model is pretrained by ``chat_models``, tuned to replies with all its weights, and then prefers
(Rafailov et al. 2023). ``small`` books the generated world's tables politely, ``cpu`` and ``full``
follow instructions politely; ``chat_pairs`` says what the preference is.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from llm_book.data.batches import ShuffledOrder, in_length_order
from llm_book.data.chat import ChatTemplate, Row
from llm_book.generation.sampling import Sampling, generate
from llm_book.generation.stopping import Stopping
from llm_book.models.transformer import GPT
from llm_book.recipes import chat_models
from llm_book.recipes.chat_models import Corpus, ModelConfig, copied, load_corpus, pretrained
from llm_book.recipes.chat_pairs import ACCURACY, Pair, Pairs, classical, facts, pairs_of, scores
from llm_book.recipes.chat_sft import answers, fit, log_probabilities, surprise_at
from llm_book.recipes.job import Job
from llm_book.shapes import IGNORE, TokenBatch
from llm_book.training.early_stopping import EarlyStopping
from llm_book.training.loop import TrainConfig, train
from llm_book.training.losses import full_precision
from llm_book.training.preference import PreferenceBatch, direct_preference, preference_loss

FACTORS = (1 / 3, 1.0, 3.0)  # of DPO's learning rate: what is tried
BEFORE, BEFORE_SUM, BEFORE_MEAN = "before DPO", "before DPO, log p", "before DPO, log p a token"
DRAWN = 64  # replies drawn at once

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Config(ModelConfig):
    """Everything that decides the run but the seed.

    DPO goes on for ``preference_epochs`` at most, at ``preference_rate`` times each of
    ``FACTORS``; ``beta`` holds it near the tuned model. Raises ValueError as ``ModelConfig`` does,
    for a rate or a beta not above 0 and for no epoch.
    """

    preference_rate: float
    preference_epochs: int
    beta: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("preference_rate", "beta"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        if self.preference_epochs < 1:
            raise ValueError(
                f"preference_epochs is {self.preference_epochs}; it must be at least 1"
            )


PRESETS = {
    "small": Config(**chat_models.SIZES["small"], preference_rate=5e-4, preference_epochs=3),
    "cpu": Config(**chat_models.SIZES["cpu"], preference_rate=3e-4, preference_epochs=4),
    "full": Config(**chat_models.SIZES["full"], preference_rate=1e-6, preference_epochs=3),
}


def run(config: Config, job: Job) -> dict[str, Any]:
    """Pretrain, tune, prefer at every rate, write down what the best brought and what it cost.

    Pretraining has checkpoints, the tuned model and that of each rate are kept: a run that was
    killed goes on behind them.
    """
    corpus = load_corpus(config)
    pairs = pairs_of(config, corpus)
    document = job.begin(config, facts(corpus, pairs))
    with job.noting_how_it_ends(document):
        start, before = pretrained(corpus, config, job)
        reference, sft = kept("tuned", start, job, partial(tuned, corpus, config, job))
        trials = [
            kept(
                f"rate {rate:g}",
                reference,
                job,
                partial(preferring, rate, pairs, corpus, config, job),
            )
            for rate in (config.preference_rate * factor for factor in FACTORS)
        ]
        model, best = min(trials, key=lambda trial: trial[1]["validation preference loss"])
        metrics = measured(model, reference, pairs["test"], corpus, config, job)
        rivals = untouched(reference, pairs["test"], corpus, config, job) | classical(pairs)
        job.say(summary(metrics, rivals))
        spent = [before, sft, *(found for _, found in trials)]
        return job.finish(
            document,
            metrics=metrics | {name: best[name] for name in ("learning rate", "best epoch")},
            rivals=rivals,
            seconds=sum(one["seconds"] for one in spent),
            tokens=int(sum(one["tokens"] for one in spent)),
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def kept(
    name: str, start: GPT, job: Job, learn: Callable[[GPT], dict[str, float]]
) -> tuple[GPT, dict[str, float]]:
    """A copy of ``start`` that has learned, and what ``learn`` says of it; both kept in a file."""
    model = copied(start, start.config.dropout)

    def learned() -> Arrays:
        found = learn(model)
        weights = {
            f"weights {key}": value.cpu().numpy() for key, value in model.state_dict().items()
        }
        return weights | {key: np.array(value) for key, value in found.items()}

    stored = job.kept(name, learned)
    weights = {
        key.removeprefix("weights "): torch.from_numpy(stored.pop(key))
        for key in list(stored)
        if key.startswith("weights ")
    }
    model.load_state_dict(weights)
    return model, {key: float(value) for key, value in stored.items()}


def tuned(corpus: Corpus, config: Config, job: Job, model: GPT) -> dict[str, float]:
    """Tune all weights to the replies, in place."""
    torch.manual_seed(job.seed)
    settings = config.tuning(config.tuning_rate, config.epochs)
    learner = copied(model, config.dropout)
    stopping, training, tokens = fit(learner, corpus.template, corpus.task, settings, job)
    model.load_state_dict(learner.state_dict())
    return {
        "validation loss": stopping.best_loss,
        "seconds": training.seconds,
        "tokens": tokens,
    }


@dataclass(frozen=True)
class Judged:
    """Pairs as rows, and log p of each reply under the model that is held near: [pair]."""

    chosen: list[Row]
    rejected: list[Row]
    reference_chosen: torch.Tensor
    reference_rejected: torch.Tensor

    def batch(self, template: ChatTemplate, places: Sequence[int]) -> PreferenceBatch:
        """Some of the pairs."""
        index = torch.tensor(places)
        return PreferenceBatch(
            template.batch([self.chosen[i] for i in places]),
            template.batch([self.rejected[i] for i in places]),
            self.reference_chosen[index],
            self.reference_rejected[index],
        )

    def under(
        self, model: GPT, template: ChatTemplate, job: Job
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """log p of both replies under another model, in nats: [pair] each."""
        return totals(model, template, self.chosen, job), totals(
            model, template, self.rejected, job
        )


def judged(reference: GPT, pairs: Sequence[Pair], template: ChatTemplate, job: Job) -> Judged:
    """Pairs with what the reference makes of them."""
    rows = rows_of(pairs, template)
    return Judged(*rows, *(totals(reference, template, side, job) for side in rows))


def rows_of(pairs: Sequence[Pair], template: ChatTemplate) -> tuple[list[Row], list[Row]]:
    """The preferred replies and the others, each after its prompt."""
    return [template.row(p.chosen) for p in pairs], [template.row(p.rejected) for p in pairs]


def totals(model: GPT, template: ChatTemplate, rows: Sequence[Row], job: Job) -> torch.Tensor:
    """log p of each reply and its end in nats: [row]."""
    means = log_probabilities(model, template, rows, job)
    return torch.tensor(means) * lengths(rows)


def lengths(rows: Sequence[Row]) -> torch.Tensor:
    """Tokens of each reply, its end counted: [row]."""
    return torch.tensor([len(reply) + 1 for _, reply in rows])


def preferring(
    rate: float, pairs: Pairs, corpus: Corpus, config: Config, job: Job, model: GPT
) -> dict[str, float]:
    """DPO in place, until validation gets no better; the reference is the model as it came.

    No state is dropped out, so that a difference to the reference is never chance.
    """
    template = corpus.template
    known, held_out = (
        judged(model, pairs[part], template, job) for part in ("train", "validation")
    )
    sizes = [
        len(one[1]) + len(other[1]) for one, other in zip(known.chosen, known.rejected, strict=True)
    ]
    order = ShuffledOrder(sizes, config.batch_size, job.seed)
    steps = order.steps_per_epoch * config.preference_epochs
    settings = TrainConfig(steps=steps, learning_rate=rate, warmup_steps=steps // 10)
    loss = preference_loss(config.beta)
    training = train(
        model, lambda step: known.batch(template, order.rows(step)), settings, job.runtime, loss
    )
    best, tokens = EarlyStopping(config.patience), 0
    best.see(0, preference_surprise(model, held_out, template, config, job), model)
    for step in training:
        tokens += step.tokens
        epoch, rest = divmod(step.index, order.steps_per_epoch)
        if rest == 0:
            value = preference_surprise(model, held_out, template, config, job)
            best.see(epoch, value, model)
            job.say(f"DPO at {rate:g}: {step}   validation loss {value:.4f}")
            if best.stop:
                break
    best.restore(model)
    return {
        "validation preference loss": best.best_loss,
        "best epoch": best.best_index,
        "learning rate": rate,
        "seconds": training.seconds,
        "tokens": tokens,
    }


def preference_surprise(
    model: GPT, held_out: Judged, template: ChatTemplate, config: Config, job: Job
) -> float:
    """DPO's loss in nats a pair; log 2 before the model has moved."""
    chosen, rejected = held_out.under(model, template, job)
    references = held_out.reference_chosen, held_out.reference_rejected
    return float(direct_preference(chosen, rejected, *references, beta=config.beta).loss)


def measured(
    model: GPT, reference: GPT, pairs: Sequence[Pair], corpus: Corpus, config: Config, job: Job
) -> dict[str, float]:
    """What DPO brought on the test pairs, how far it moved the model and what that cost."""
    test = judged(reference, pairs, corpus.template, job)
    chosen, rejected = test.under(model, corpus.template, job)
    up, down = chosen - test.reference_chosen, rejected - test.reference_rejected
    own = scores((chosen - rejected).numpy(), pairs)[ACCURACY]
    return scores((up - down).numpy(), pairs) | {
        f"{ACCURACY}, log p alone": own,
        "preference loss": preference_surprise(model, test, corpus.template, config, job),
        "reward margin": config.beta * float((up - down).mean()),
        "log p of the chosen": float(chosen.mean()),
        "log p of the rejected": float(rejected.mean()),
        "chosen that fell": float((up < 0).double().mean()),
        "rejected that fell": float((down < 0).double().mean()),
        "KL a reply": divergence(model, reference, corpus, config, job),
        **replies(model, corpus, config, job),
    }


def replies(model: GPT, corpus: Corpus, config: Config, job: Job) -> dict[str, float]:
    """Nats a token of the test part's true replies, and how long the model's own are."""
    template, rows = corpus.template, [corpus.template.row(one) for one in corpus.task.test]
    stopping = Stopping(template.end, decode=corpus.tokenizer.decode)
    said = answers(model, [prompt for prompt, _ in rows], config.longest, stopping, job)
    return {
        "answer loss": surprise_at(model, template, rows, job).loss,
        "characters a reply": float(np.mean([len(text) for text in said])),
    }


def untouched(
    reference: GPT, pairs: Sequence[Pair], corpus: Corpus, config: Config, job: Job
) -> dict[str, dict[str, float]]:
    """The tuned model before DPO: its own replies, and its log p as a preference."""
    rows = rows_of(pairs, corpus.template)
    chosen, rejected = (totals(reference, corpus.template, side, job) for side in rows)
    a_token = chosen / lengths(rows[0]) - rejected / lengths(rows[1])
    return {
        BEFORE: {
            "log p of the chosen": float(chosen.mean()),
            "log p of the rejected": float(rejected.mean()),
            "preference loss": math.log(2),
            **replies(reference, corpus, config, job),
        },
        BEFORE_SUM: scores((chosen - rejected).numpy(), pairs),
        BEFORE_MEAN: scores(a_token.numpy(), pairs),
    }


@torch.no_grad()
def divergence(model: GPT, reference: GPT, corpus: Corpus, config: Config, job: Job) -> float:
    """KL(π ‖ π_ref) in nats a reply, by a reply drawn from π to each test prompt.

    At each token drawn, its end counted, the divergence of the two distributions is summed over
    the whole vocabulary; only the beginnings are chance.
    """
    generator = torch.Generator().manual_seed(job.seed)
    template, device = corpus.template, job.runtime.device
    prompts = [template.row(one)[0] for one in corpus.task.test]
    total = 0.0
    for places, batch in in_length_order(prompts, range(len(prompts)), DRAWN):
        batch, ends = batch.to(device), Stopping(template.end)
        written = generate(
            model,
            batch.ids,
            config.longest,
            Sampling(),
            ends,
            generator=generator,
            lengths=batch.lengths,
        )
        rows = [(prompts[i], list(new)) for i, new in zip(places, written.new, strict=True)]
        total += float(divergences(model, reference, template.batch(rows).to(device)).sum())
    return total / len(prompts)


def divergences(model: GPT, reference: GPT, batch: TokenBatch) -> torch.Tensor:
    """KL between two models' next tokens in nats, summed over each row's targets: [row]."""
    model.eval()
    reference.eval()
    ours, theirs = (
        full_precision(one(batch.ids)).log_softmax(dim=-1) for one in (model, reference)
    )
    each = (ours.exp() * (ours - theirs)).sum(dim=-1)
    return each.masked_fill(batch.targets == IGNORE, 0).sum(dim=1)


def summary(metrics: dict[str, float], rivals: dict[str, dict[str, float]]) -> str:
    """What came out, in words: who guesses the preference how often, and the price."""
    guesses = ", ".join(
        f"{name} {found[ACCURACY]:.3f}" for name, found in rivals.items() if ACCURACY in found
    )
    before, after = rivals[BEFORE]["answer loss"], metrics["answer loss"]
    return (
        f"{ACCURACY} {metrics[ACCURACY]:.3f} by the reward; {guesses}; answer loss {before:.4f} "
        f"before, {after:.4f} after"
    )
