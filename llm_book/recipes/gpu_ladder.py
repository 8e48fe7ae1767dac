"""A ladder for the training loop: one change a rung, and what each is worth.

Every rung trains one GPT from the same weights on the same texts with ``training.loop``, keeps what
the rungs below it changed and changes one thing more: float32 → TF32 → bfloat16 (float16 on GPUs
before Ampere) → fused AdamW → flash attention → compile → a larger batch → packed data. A rung that
this machine cannot run is left out, and the next one goes on without it.

A token counts where it is a target: no pad does, nor an end token, behind which nothing comes. MFU
takes 6 FLOP a weight of the matrices and 12 · layers · width · context a token, the half that a
causal mask hides included, as PaLM and nanoGPT count (Chowdhery et al. 2022, appendix B; Karpathy
2022), over the data sheet's dense peak at 16 bits, for the rungs in float32 as well. Beside it
stands the share of this machine's own fastest product of two matrices, measured in the same run.

``small`` reads the generated world, ``cpu`` and ``full`` novels. ``full`` is GPT-2's smallest size
with its 50,257 tokens made up to 50,304, a multiple of 64, from the first rung on; the tokens are
those of a tokenizer that learned from the same novels, at most as many.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from llm_book.data.novels import load_novels
from llm_book.data.packing import pack_greedily
from llm_book.data.passages import RowsInTurn, padded, passages
from llm_book.data.world.storytelling import stories
from llm_book.evaluation.accounting import training_flop
from llm_book.evaluation.ladder import ladder_numbers, ladder_table
from llm_book.evaluation.peak_flops import peak_flops
from llm_book.models.attention import MultiHeadAttention
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.recipes.job import Job
from llm_book.results import LedgerError, read_json, write_json
from llm_book.runtime import PRECISIONS, Runtime
from llm_book.shapes import Ids, TokenBatch
from llm_book.text.bpe import BPETokenizer
from llm_book.training.arithmetic import attention_kernel, float32_products
from llm_book.training.failures import (
    came_of_compiling,
    compile_failure,
    out_of_memory,
    start_afresh,
)
from llm_book.training.loop import MakeOptimizer, TrainConfig, Training, train
from llm_book.training.losses import Model, cross_entropy, full_precision
from llm_book.training.stopwatch import matmul_rate
from llm_book.training.throughput import throughput, write_trace

END = "<|endoftext|>"
FIRST = "float32"
LARGER = "larger batch"
HALF = {
    "bfloat16": "heavy arithmetic in bfloat16 by autocast; weights stay in float32",
    "float16": "heavy arithmetic in float16 by autocast, the loss scaled; weights stay in float32",
}
CHANGES = {  # every rung but the one in 16 bits, whose name depends on the GPU
    FIRST: "nothing yet: float32, attention weights stored, one padded text a row",
    "TF32": "products of float32 on tensor cores, which read 10 bits of each fraction",
    "fused AdamW": "one kernel for all of the optimiser's arithmetic",
    "flash attention": "PyTorch's fused kernel: attention weights are never stored",
    "compile": "torch.compile of the model with its loss",
    LARGER: "more rows a step",
    "packed data": "texts one after another in full rows, in place of one padded text a row",
}


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" or "novels", ``n_characters`` of it are read. A text is whole paragraphs
    until there are ``text_tokens``. A rung trains ``warmup`` steps that are not timed, then
    ``repeats`` times ``steps`` that are. ``large_batch_size`` is halved until it fits.
    ``matmul_size`` is that of the matrices multiplied for comparison. ``kernel`` is "flash" or
    "cudnn" (on NVIDIA GPUs from Ampere on). With ``profile`` 1 a trace of one more step of every
    rung is written. Raises ValueError for settings that cannot be.
    """

    data: str
    n_characters: int
    text_tokens: int
    vocab_size: int
    width: int
    n_layers: int
    n_heads: int
    context_length: int
    batch_size: int
    large_batch_size: int
    warmup: int
    repeats: int
    steps: int
    matmul_size: int
    learning_rate: float = 3e-4
    kernel: str = "flash"
    profile: int = 0

    def __post_init__(self) -> None:
        known = {"data": ("world", "novels"), "kernel": ("flash", "cudnn"), "profile": (0, 1)}
        for name, values in known.items():
            if (value := getattr(self, name)) not in values:
                raise ValueError(f"{name} is {value!r}; choose {values[0]!r} or {values[1]!r}")
        counts = ("n_characters", "batch_size", "warmup", "repeats", "steps", "matmul_size")
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not 1 <= self.text_tokens < self.context_length:
            raise ValueError(
                f"text_tokens ({self.text_tokens}) must be at least 1 and less than "
                f"context_length ({self.context_length}), so that a text fits in a row"
            )
        if self.large_batch_size <= self.batch_size:
            raise ValueError(
                f"large_batch_size ({self.large_batch_size}) must be more than batch_size "
                f"({self.batch_size})"
            )
        _ = self.gpt

    @property
    def gpt(self) -> GPTConfig:
        """The shape of the GPT; PyTorch's kernels for all but attention are used on every rung."""
        return GPTConfig.gpt2(
            vocab_size=self.vocab_size,
            context_length=self.context_length,
            width=self.width,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            engine="torch",
        )

    @property
    def training(self) -> TrainConfig:
        """How every rung trains."""
        total = self.warmup + self.repeats * self.steps
        return TrainConfig(
            steps=total + self.profile,
            learning_rate=self.learning_rate,
            warmup_steps=total // 4,
            weight_decay=0.1,
            betas=(0.9, 0.95),
        )

    @property
    def flop_per_token(self) -> float:
        """Of a training step, as PaLM and nanoGPT count them."""
        time = self.context_length
        return sum(training_flop(self.gpt, 1, time).values()) / time


PRESETS = {
    "small": Config(
        data="world", n_characters=40_000, text_tokens=16,
        vocab_size=512, width=32, n_layers=1, n_heads=2, context_length=96,
        batch_size=4, large_batch_size=16, warmup=2, repeats=3, steps=2, matmul_size=256,
    ),
    "cpu": Config(
        data="novels", n_characters=600_000, text_tokens=64,
        vocab_size=2048, width=256, n_layers=4, n_heads=4, context_length=128,
        batch_size=4, large_batch_size=16, warmup=3, repeats=5, steps=3, matmul_size=1024,
    ),
    "full": Config(
        data="novels", n_characters=100_000_000, text_tokens=512,
        vocab_size=50_304, width=768, n_layers=12, n_heads=12, context_length=1024,
        batch_size=4, large_batch_size=64, warmup=10, repeats=5, steps=10, matmul_size=8192,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """How a rung trains; two neighbours differ in one of these."""

    batch_size: int
    products: str = "float32"  # or "TF32": what is done with products of float32
    dtype: str = "float32"
    fused_optimizer: bool = False
    fused_attention: bool = False
    compiled: bool = False
    packed: bool = False


@dataclass(frozen=True)
class Corpus:
    """The same texts as rows of both kinds, in no seed's order, and what a record says of them."""

    texts: list[list[int]]
    end: int
    facts: dict[str, Any]


def run(config: Config, job: Job) -> dict[str, Any]:
    """Climb the ladder with one seed and write the run's documents.

    What a rung gave is kept as soon as it is measured: a run that was killed goes on above it.
    """
    missing = obstacles(job.runtime)
    corpus = load_corpus(config, missing)
    document = job.begin(config, corpus.facts)
    with job.noting_how_it_ends(document):
        rates = kept(job, "matmul", lambda: matmul_rates(config, missing, job.runtime))["rates"]
        rungs = climbed(tables(corpus, config, job.seed), missing, config, job)
        peak = peak_flops(gpu_name(job.runtime) or "")
        if peak is None:
            job.say("MFU is left out: there is no data sheet's peak for this device")
        metrics = ladder_numbers(rungs, config.flop_per_token, rates, peak)
        job.say(ladder_table(metrics, changes(job.runtime.dtype)))
        document["rungs"] = rungs
        memory = [rung["numbers"]["memory"] for rung in rungs if "memory" in rung["numbers"]]
        return job.finish(
            document,
            metrics=metrics,
            rivals={},
            seconds=sum(rung.get("seconds", 0.0) for rung in rungs),
            tokens=sum(rung.get("tokens", 0) for rung in rungs),
            peak_memory_bytes=max(memory, default=job.runtime.peak_memory()),
        )


def changes(dtype: str) -> dict[str, str]:
    """Every rung in its order → what it changed, on a machine whose best precision is ``dtype``."""
    rungs, half = list(CHANGES.items()), half_of(dtype)
    return dict([*rungs[:2], (half, HALF[half]), *rungs[2:]])


def half_of(dtype: str) -> str:
    """The precision in 16 bits that goes with a machine's best: float16 on GPUs before Ampere."""
    return "float16" if dtype == "float16" else "bfloat16"


def changed_settings(rung: str, config: Config) -> dict[str, Any]:
    """The one setting that a rung changes, and none for the first."""
    known: dict[str, dict[str, Any]] = {
        FIRST: {},
        "TF32": {"products": "TF32"},
        **{half: {"dtype": half} for half in HALF},
        "fused AdamW": {"fused_optimizer": True},
        "flash attention": {"fused_attention": True},
        "compile": {"compiled": True},
        LARGER: {"batch_size": config.large_batch_size},
        "packed data": {"packed": True},
    }
    return known[rung]


def obstacles(runtime: Runtime) -> dict[str, str]:
    """Rungs that this machine cannot run, and why not.

    The precision that ``Runtime.detect`` chose tells the generation of an NVIDIA GPU.
    """
    on_gpu = runtime.device.startswith("cuda")
    found = {}
    if not (on_gpu and runtime.dtype == "bfloat16"):
        found["TF32"] = "NVIDIA's tensor cores have it, from Ampere on"
    if on_gpu and runtime.dtype == "float32":
        found["bfloat16"] = "this GPU has no units for 16 bits"
    if failure := compile_failure(runtime.device):
        found["compile"] = f"torch.compile ended in {failure} on this machine"
    return found


def load_corpus(config: Config, missing: Mapping[str, str]) -> Corpus:
    """The texts of the preset as ids; the record also says what was left out on this machine."""
    if config.data == "novels":
        text = load_novels()[: config.n_characters]
    else:
        told = stories(1 + config.n_characters // 40, split="train")
        text = "\n".join(story.text for story in told)[: config.n_characters]
    tokenizer = BPETokenizer.train(text, config.vocab_size, (END,))
    length = config.context_length
    paragraphs = (f"{paragraph}\n" for paragraph in text.split("\n") if paragraph)
    encode = partial(tokenizer.encode, specials="plain")
    texts = passages(paragraphs, encode, config.text_tokens, length - 1)
    pads = 1 - sum(len(ids) + 1 for ids in texts) / (len(texts) * length)
    said = [f"{len(texts):,} texts; of rows padded to {length} tokens {pads:.0%} is pads"]
    said += [f"{rung} left out: {why}" for rung, why in missing.items()]
    facts = {
        "name": config.data,
        "content_sha256": sha256(text.encode()).hexdigest(),
        "report": "; ".join(said),
    }
    return Corpus(texts, tokenizer.specials[END], facts)


def tables(corpus: Corpus, config: Config, seed: int) -> dict[bool, TokenBatch]:
    """The texts in the seed's order as rows: one padded text a row (False), or packed (True).

    Packed rows are read as one text, as GPT-3's were (Brown et al. 2020, appendix B): what stands
    behind an end token may look at what stands before it, and one kernel serves both tables.
    """
    order = torch.randperm(len(corpus.texts), generator=torch.Generator().manual_seed(seed))
    texts = [corpus.texts[i] for i in order.tolist()]
    packed = pack_greedily(texts, config.context_length, corpus.end)
    return {False: padded(texts, config.context_length, corpus.end), True: packed}


def matmul_rates(config: Config, missing: Mapping[str, str], runtime: Runtime) -> dict[str, Any]:
    """FLOP/s of the fastest product of matrices in each precision of the ladder."""
    rates = {}
    for name in (FIRST, "TF32", half_of(runtime.dtype)):
        if name not in missing:
            with float32_products("TF32" if name == "TF32" else "float32"):
                dtype = PRECISIONS.get(name, torch.float32)
                rates[name] = matmul_rate(config.matmul_size, runtime.device, dtype)
    return {"rates": rates}


def kept(job: Job, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``NAME.json`` in the run's folder holds, made and written where it is not there yet.

    Raises LedgerError where it was measured on another GPU than this.
    """
    path, gpu = job.folder / f"{name}.json", gpu_name(job.runtime)
    if not path.exists():
        write_json(path, {"gpu": gpu, **make()})
    found = read_json(path)
    if found["gpu"] != gpu:
        raise LedgerError(
            f"{name} was measured on {found['gpu']}, this is {gpu}; go on there, or run without "
            "--resume to begin anew"
        )
    return found


def gpu_name(runtime: Runtime) -> str | None:
    """What the GPU calls itself; None without one."""
    on_gpu = runtime.device.startswith("cuda")
    return torch.cuda.get_device_name(runtime.device) if on_gpu else None


def climbed(
    rows: dict[bool, TokenBatch], missing: Mapping[str, str], config: Config, job: Job
) -> list[dict[str, Any]]:
    """What every rung gave, from the lowest up; each stands on the settings of the one below."""
    settings, found = Settings(config.batch_size), []
    for place, rung in enumerate(changes(job.runtime.dtype)):
        make = partial(climb, rung, settings, rows, missing, config, job)
        found.append(kept(job, f"rung-{place}-{file_name(rung)}", make))
        settings = Settings(**found[-1]["settings"])
        job.say(told(found[-1]))
    return found


def climb(
    rung: str,
    below: Settings,
    rows: dict[bool, TokenBatch],
    missing: Mapping[str, str],
    config: Config,
    job: Job,
) -> dict[str, Any]:
    """One rung: its settings, and its numbers or why it has none.

    A change that cannot be made is not kept. Where memory does not suffice the change is kept, for
    a later one may need less, but a larger batch is halved until it fits.
    """
    facts: dict[str, Any] = {"rung": rung, "settings": asdict(below), "numbers": {}}
    if rung in missing:
        return facts | {"left out": missing[rung]}
    tried = replace(below, **changed_settings(rung, config))
    while True:
        try:
            found = measured(rung, tried, rows, config, job)
            found["numbers"] |= facts["numbers"]
            return facts | {"settings": asdict(tried)} | found
        except RuntimeError as error:
            if came_of_compiling(error) and not out_of_memory(error):
                return facts | {"left out": f"it ended in {type(error).__name__}"}
            if not out_of_memory(error):
                raise
        facts["numbers"] = {"out of memory at batch": tried.batch_size}
        if rung != LARGER:
            return facts | {"settings": asdict(tried)}
        tried = replace(tried, batch_size=tried.batch_size // 2)
        if tried.batch_size <= below.batch_size:
            return facts


def measured(
    rung: str, settings: Settings, rows: dict[bool, TokenBatch], config: Config, job: Job
) -> dict[str, Any]:
    """Train with these settings: numbers by name, every step's loss, all seconds and tokens.

    One process climbs all rungs: what a rung leaves behind is dropped first, and what cannot be
    (the GPU's context, its libraries) every process would have.
    """
    runtime = replace(job.runtime, dtype=settings.dtype, compile=settings.compiled)
    start_afresh(runtime.device)
    batches = RowsInTurn(rows[settings.packed], settings.batch_size)
    with arithmetic(settings, config, job.runtime):
        training = prepared(settings, batches, config, runtime, job.seed)
        found = throughput(training, config.warmup, config.repeats, config.steps)
        if config.profile:
            write_trace(training, job.folder / f"trace-{file_name(rung)}.json")
    return {
        "numbers": found.numbers | {"batch": settings.batch_size},
        "losses": found.losses,
        "seconds": found.seconds,
        "tokens": found.tokens,
    }


@contextmanager
def arithmetic(settings: Settings, config: Config, best: Runtime) -> Iterator[None]:
    """Inside, PyTorch multiplies and attends as the rung says; afterwards as before.

    GPUs before Ampere, and float32, have no flash kernel: PyTorch's memory-efficient one, which
    does not store the weights either, takes its place.
    """
    kernel = config.kernel if best.dtype == settings.dtype == "bfloat16" else "efficient"
    chosen = settings.fused_attention and best.device.startswith("cuda")
    with float32_products(settings.products), attention_kernel(kernel) if chosen else nullcontext():
        yield


class Learner(nn.Module):
    """A GPT with its loss, so that whatever compiles the one compiles the other."""

    def __init__(self, gpt: GPT) -> None:
        super().__init__()
        self.gpt = gpt

    def forward(self, ids: Ids, targets: Ids) -> Float[Tensor, ""]:
        """Mean surprise in nats at the targets: ``token_loss`` of rows that are one text each."""
        return cross_entropy(full_precision(self.gpt(ids)), targets)


class Stored(nn.Identity):
    """A look at attention's weights, for which the package computes and stores them by hand."""


def prepared(
    settings: Settings, batches: RowsInTurn, config: Config, runtime: Runtime, seed: int
) -> Training:
    """The package's own loop on a model drawn from the seed, the same for every rung."""
    torch.manual_seed(seed)
    gpt, how = GPT(config.gpt), config.training
    if not settings.fused_attention:
        for attention in gpt.modules():
            if isinstance(attention, MultiHeadAttention):
                attention.weights = Stored()
    fused: MakeOptimizer = partial(
        torch.optim.AdamW,
        lr=how.learning_rate,
        betas=how.betas,
        weight_decay=how.weight_decay,
        fused=True,
    )
    optimizer = fused if settings.fused_optimizer else None
    return train(Learner(gpt), batches, how, runtime, own_loss, optimizer)


def own_loss(model: Model, batch: TokenBatch) -> Float[Tensor, ""]:
    """The loss that a ``Learner`` computes itself."""
    return model(batch.ids, batch.targets)


def told(found: dict[str, Any]) -> str:
    """A rung in a sentence."""
    rung, own = found["rung"], found["numbers"]
    if "left out" in found:
        return f"{rung} left out: {found['left out']}"
    if "tokens/s" not in own:
        return f"{rung}: out of memory at batch {own['out of memory at batch']}"
    low, high = own["tokens/s, lowest"], own["tokens/s, highest"]
    return f"{rung}: {own['tokens/s']:,.0f} tokens/s [{low:,.0f}, {high:,.0f}], {own['loss']:.4f}"


def file_name(rung: str) -> str:
    """A rung's name without spaces."""
    return rung.replace(" ", "-")
