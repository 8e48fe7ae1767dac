"""Secrets planted in reviews, and how exposed they are in models trained in different ways.

Every model goes on from one that learned public text, and reads sentences of reviews among which
made-up secrets stand up to 32 times. ``small`` reads the generated world's stories and reviews,
``cpu`` novels and film reviews. Private is one sentence: a secret with r copies is covered by r
times the ε at best.
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from llm_book.data.windows import step_seed
from llm_book.evaluation.intervals import bootstrap
from llm_book.evaluation.language_modelling import evaluate
from llm_book.evaluation.memorisation import exposure
from llm_book.evaluation.secret_spaces import exposure_by_chance, secret_losses
from llm_book.generation.filtering import GREEDY
from llm_book.generation.sampling import generate
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.recipes.job import Job
from llm_book.recipes.planted_secrets import DIGITS, Secrets, planted, without_copies
from llm_book.shapes import TokenBatch
from llm_book.training.early_stopping import EarlyStopping
from llm_book.training.loop import TrainConfig, train
from llm_book.training.losses import token_loss
from llm_book.training.private import Privacy, train_privately
from llm_book.training.renyi import noise_for
from llm_book.training.rows import take_rows

REPEATS = (1, 2, 4, 8, 16, 32)
PUBLIC, ORDINARY, STOPPED = "public text alone", "ordinary training", "stopped early"
DEDUPLICATED, PRIVATE = "de-duplicated text", "DP-SGD"
BOTH = "DP-SGD, de-duplicated text"
BEST = "best "
PLANTED = (0, *REPEATS)
READ_AT_ONCE = 64
DRAWS = 500  # of secrets, for the interval of their mean exposure


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" or "reviews"; ``n_public``, ``n_private`` and ``n_validation`` sentences of
    it are read. ``n_each`` secrets are planted as often as each of ``REPEATS`` says, ``n_controls``
    never. The model learns ``public_steps`` on public text, then ``steps`` on private text, or
    ``private_steps`` of DP-SGD that read a sentence with probability ``private_rate`` and keep
    within ``epsilon`` and ``delta``. The settings of DP-SGD are fixed in advance, no search is paid
    for. Raises ValueError for other data, counts below 1, sizes that make no GPT and a δ that is
    not below 1 / n_private.
    """

    data: str
    n_public: int
    n_private: int
    n_validation: int
    n_each: int
    n_controls: int
    vocab_size: int
    context_length: int
    width: int
    n_layers: int
    n_heads: int
    batch_size: int
    public_steps: int
    steps: int
    learning_rate: float
    private_steps: int
    private_rate: float
    private_learning_rate: float
    max_norm: float
    epsilon: float
    delta: float
    evaluate_every: int

    def __post_init__(self) -> None:
        if self.data not in ("world", "reviews"):
            raise ValueError(f"data is {self.data!r}; choose 'world' or 'reviews'")
        for name in COUNTS:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not 0 < self.delta * self.n_private < 1:
            raise ValueError(
                f"delta is {self.delta}; it must be above 0 and below 1 / n_private "
                f"({1 / self.n_private:.1e}), or one sentence in full may be given away"
            )
        Privacy(self.max_norm, 0.0, self.private_rate, self.delta)
        self.gpt()

    def gpt(self) -> GPTConfig:
        """The shape of every model."""
        return GPTConfig(
            vocab_size=self.vocab_size,
            context_length=self.context_length,
            width=self.width,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            initial_scale=0.05,
        )

    @property
    def privacy(self) -> Privacy:
        """The least noise that keeps all private steps within ``epsilon``."""
        noise = noise_for(self.epsilon, self.private_rate, self.private_steps, self.delta)
        return Privacy(self.max_norm, noise, self.private_rate, self.delta)


COUNTS = (
    *("n_public", "n_private", "n_validation", "n_each", "n_controls", "batch_size"),
    *("public_steps", "steps", "private_steps", "evaluate_every"),
)

PRESETS = {
    "small": Config(
        data="world",
        n_public=1500,
        n_private=1500,
        n_validation=200,
        n_each=3,
        n_controls=24,
        vocab_size=500,
        context_length=40,
        width=32,
        n_layers=1,
        n_heads=2,
        batch_size=32,
        public_steps=100,
        steps=350,
        learning_rate=1e-2,
        private_steps=50,
        private_rate=0.06,
        private_learning_rate=5e-3,
        max_norm=1.0,
        epsilon=8.0,
        delta=1e-5,
        evaluate_every=50,
    ),
    "cpu": Config(
        data="reviews",
        n_public=12_000,
        n_private=12_000,
        n_validation=1000,
        n_each=8,
        n_controls=64,
        vocab_size=500,
        context_length=48,
        width=64,
        n_layers=1,
        n_heads=2,
        batch_size=32,
        public_steps=1500,
        steps=4000,
        learning_rate=3e-3,
        private_steps=200,
        private_rate=0.02,
        private_learning_rate=2e-3,
        max_norm=1.0,
        epsilon=8.0,
        delta=1e-6,
        evaluate_every=250,
    ),
}


Arrays = dict[str, np.ndarray]


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train one seed in every way, measure how exposed the secrets are, write the run's documents.

    DP-SGD is "ours" in the record, the other ways stand among its rivals. Which secrets there are,
    and where, is drawn from the seed. A model is kept once it is trained, and so is what was
    measured on it. Raises ValueError for a device that is not the processor.
    """
    if job.runtime.device != "cpu":
        raise ValueError(
            f"device is {job.runtime.device}; this recipe computes on the processor: --device cpu"
        )
    secrets = secrets_of(config, job.seed)
    document = job.begin(config, secrets.facts)
    with job.noting_how_it_ends(document):
        models = trained(secrets, config, job)
        found = {}
        for name, weights in models.items():
            found[name] = measured(name, weights, secrets, config, job)
            said = ", ".join(f"{r}: {found[name][f'exposure, planted {r}']:.2f}" for r in PLANTED)
            job.say(f"{name}: loss {found[name]['validation loss']:.3f}; bits by copies {said}")
        costs = [weights for name, weights in models.items() if name != STOPPED]
        return job.finish(
            document,
            metrics=found.pop(PRIVATE) | spent(models[PRIVATE], config),
            rivals=found,
            seconds=float(sum(one["seconds"] for one in costs)),
            tokens=int(sum(one["tokens"] for one in costs)),
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def secrets_of(config: Config, seed: int) -> Secrets:
    """The sentences that a configuration asks for with the secrets of a seed among them."""
    repeats = [0] * config.n_controls + [often for often in REPEATS for _ in range(config.n_each)]
    sizes = (config.n_public, config.n_private, config.n_validation)
    return planted(config.data, sizes, repeats, config.vocab_size, config.context_length, seed)


def trained(secrets: Secrets, config: Config, job: Job) -> dict[str, Arrays]:
    """The weights of every way, and what each took; all but the first go on from the first."""
    torch.manual_seed(job.seed)
    private, once = (
        secrets.rows(texts) for texts in (secrets.private, without_copies(secrets.private))
    )
    fewer = round(config.steps * once.size / private.size)  # reads each sentence as often
    nothing = arrays_of(GPT(config.gpt()))
    public = job.kept(
        "public",
        lambda: openly(
            nothing, secrets.rows(secrets.public), config.public_steps, secrets, config, job
        ),
    )
    ordinary = job.kept(
        "ordinary", lambda: openly(public, private, config.steps, secrets, config, job)
    )
    return {
        PUBLIC: public,
        ORDINARY: ordinary,
        STOPPED: ordinary
        | {k.removeprefix(BEST): v for k, v in ordinary.items() if k.startswith(BEST)},
        DEDUPLICATED: job.kept("once", lambda: openly(public, once, fewer, secrets, config, job)),
        PRIVATE: job.kept("private", lambda: privately(public, private, config, job)),
        BOTH: job.kept("private-once", lambda: privately(public, once, config, job)),
    }


def arrays_of(model: GPT, before: str = "weight ") -> Arrays:
    """The weights of a model by their names."""
    return {f"{before}{name}": w.numpy().copy() for name, w in model.state_dict().items()}


def model_of(arrays: Arrays, config: Config) -> GPT:
    """A model with these weights."""
    model = GPT(config.gpt())
    state = {k.removeprefix("weight "): v for k, v in arrays.items() if k.startswith("weight ")}
    model.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    return model


def openly(
    start: Arrays, rows: TokenBatch, steps: int, secrets: Secrets, config: Config, job: Job
) -> Arrays:
    """Train without privacy: the last weights, and those that validation liked best."""
    model, tokens = model_of(start, config), 0
    settings = TrainConfig(
        steps=steps,
        learning_rate=config.learning_rate,
        final_learning_rate=config.learning_rate / 10,
        warmup_steps=min(100, steps // 10),
    )

    def batches(step: int) -> TokenBatch:
        generator = torch.Generator().manual_seed(step_seed(job.seed, step))
        return take_rows(rows, torch.randint(rows.size, (config.batch_size,), generator=generator))

    training, best = train(model, batches, settings, job.runtime, token_loss), EarlyStopping(steps)
    for step in training:
        tokens += step.tokens
        if step.index % config.evaluate_every == 0 or step.index == steps:
            loss = held_out_loss(model, secrets)
            best.see(step.index, loss, model)
            job.say(f"{step}   validation loss {loss:.3f}")
    last = arrays_of(model)
    best.restore(model)
    took = {"seconds": training.seconds, "tokens": tokens, "step": steps}
    best_of = arrays_of(model, f"{BEST}weight ") | {f"{BEST}step": np.array(best.best_index)}
    return last | best_of | {name: np.array(value) for name, value in took.items()}


def privately(start: Arrays, rows: TokenBatch, config: Config, job: Job) -> Arrays:
    """Train with DP-SGD: the last weights and the ε that it took."""
    model, started, privacy = model_of(start, config), time.perf_counter(), config.privacy
    optimizer = torch.optim.Adam(model.parameters(), lr=config.private_learning_rate)
    generator, epsilon = torch.Generator().manual_seed(job.seed), 0.0
    steps = train_privately(
        model, rows, token_loss, optimizer, privacy, config.private_steps, generator
    )
    for step in steps:
        epsilon = step.epsilon
        if step.index % config.evaluate_every == 0:
            job.say(f"private step {step.index}   ε so far {epsilon:.2f}")
    took = {
        "seconds": time.perf_counter() - started,
        "tokens": round(config.private_steps * config.private_rate * rows.ids.numel()),
        "step": config.private_steps,
        "epsilon": epsilon,
        "noise": privacy.noise,
    }
    return arrays_of(model) | {name: np.array(value) for name, value in took.items()}


def held_out_loss(model: GPT, secrets: Secrets) -> float:
    """Nats a token of the held-out sentences."""
    rows = secrets.rows(secrets.validation)
    places = range(0, rows.size, READ_AT_ONCE)
    return evaluate(model, (take_rows(rows, slice(i, i + READ_AT_ONCE)) for i in places)).loss


def measured(
    name: str, weights: Arrays, secrets: Secrets, config: Config, job: Job
) -> dict[str, float]:
    """Loss on held-out sentences, and how exposed the secrets are by the number of their copies."""
    model = model_of(weights, config).eval()
    found = job.kept(f"exposure, {name}", lambda: exposures(model, secrets))
    copies = np.array([canary.repeats for canary in secrets.canaries])
    facts = {"validation loss": held_out_loss(model, secrets), "steps": float(weights["step"])}
    for often in PLANTED:
        bits = found["bits"][copies == often]
        mean = bootstrap(np.mean, bits, draws=DRAWS)
        facts |= {
            f"exposure, planted {often}": mean.estimate,
            f"exposure low, planted {often}": mean.low,
            f"exposure high, planted {often}": mean.high,
            f"likeliest of all, planted {often}": float(found["first"][copies == often].mean()),
            f"said greedily, planted {often}": float(found["said"][copies == often].mean()),
        }
    luck = exposure_by_chance(10**DIGITS)
    deviation = luck / np.sqrt((copies == 0).sum())
    apart = (facts["exposure, planted 0"] - luck) / deviation
    return facts | {"controls above chance, standard errors": float(apart)}


def exposures(model: GPT, secrets: Secrets) -> Arrays:
    """Of every canary its bits, whether no other secret is likelier, whether the model says it."""
    bits, first, said = [], [], []
    for canary in secrets.canaries:
        prefix = secrets.prefix(canary)
        losses = secret_losses(model, prefix, secrets.symbols, DIGITS)
        own = losses[int(canary.digits.replace(" ", ""))]
        bits.append(exposure(own, losses).bits)
        first.append(np.count_nonzero(losses <= own) == 1)
        written = generate(model, prefix[None], DIGITS, GREEDY)
        said.append(list(written.new[0]) == secrets.digits(canary))
    return {"bits": np.array(bits), "first": np.array(first), "said": np.array(said)}


def spent(weights: Arrays, config: Config) -> dict[str, float]:
    """What the private steps took: never more ε than was allowed."""
    return {
        "epsilon spent": float(weights["epsilon"]),
        "delta": config.delta,
        "noise": float(weights["noise"]),
    }
