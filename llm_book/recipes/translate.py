"""Translation: a GRU with attention, a Transformer, and word-by-word translation beside them.

``small`` translates the generated world's sentences into Chinese; ``cpu`` German captions into
English (Multi30k) at a size for a processor, ``cpu_zh`` English sentences into Chinese (Tatoeba).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import torch
from torch import nn

from llm_book.data.pairs import ShuffledPairs
from llm_book.data.sentence_pairs import load_cmn, load_multi30k
from llm_book.data.world.translation import translation_pairs
from llm_book.evaluation.translation import bleu_with_signature, chrf_with_signature
from llm_book.generation.answering import Answering
from llm_book.generation.filtering import GREEDY
from llm_book.generation.sampling import generate
from llm_book.generation.stopping import Stopping
from llm_book.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from llm_book.models.ibm_model_1 import IBMModel1
from llm_book.models.seq2seq import Seq2Seq, Seq2SeqConfig
from llm_book.recipes.job import Job
from llm_book.results import read_json, write_json
from llm_book.text.bpe import BPETokenizer
from llm_book.training.loop import TrainConfig, train
from llm_book.training.losses import pair_loss

Pair = tuple[str, str]
SPECIALS = ("<pad>", "<start>", "<end>")
PAD, START, END = range(len(SPECIALS))
ROUNDS = 5  # of expectation and maximisation in IBM model 1
TEST_SHARE = 20  # of a set without a split of its own, one pair in twenty is tested


@dataclass(frozen=True)
class Config:
    """Everything that decides the run but the seed.

    ``data`` is "world" (``n_pairs`` generated sentences), "multi30k" or "cmn" (at most ``n_pairs``
    of each). ``vocab_size`` bounds the byte-level BPE of each side. The rest are sizes and settings
    of both models. Raises ValueError for other data and for counts below 1.
    """

    data: str
    n_pairs: int
    n_test: int
    vocab_size: int
    width: int
    n_layers: int
    n_heads: int
    dropout: float
    batch_size: int
    epochs: int
    learning_rate: float = 4e-3
    longest: int = 60

    def __post_init__(self) -> None:
        if self.data not in CORPORA:
            raise ValueError(f"data is {self.data!r}; choose one of {', '.join(CORPORA)}")
        for name in ("n_pairs", "n_test", "epochs", "batch_size", "longest"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")


@dataclass(frozen=True)
class Corpus:
    """Pairs to learn, pairs to translate, and how BLEU cuts the target (``tokenize``)."""

    train: list[Pair]
    test: list[Pair]
    tokenize: str


def world(config: Config) -> Corpus:
    """Generated sentences; the test holds combinations of words that training never does."""
    train, test = (
        [(pair.english, pair.chinese) for pair in translation_pairs(n, 0, split, "combinations")]
        for n, split in ((config.n_pairs, "train"), (config.n_test, "test"))
    )
    return Corpus(train, test, "zh")


def captions(config: Config) -> Corpus:
    """German captions of photographs and their English originals, in the published parts."""
    train, test = (
        [(pair.source, pair.target) for pair in load_multi30k(split).pairs]
        for split in ("train", "test")
    )
    return Corpus(train[: config.n_pairs], test[: config.n_test], "13a")


def sentences(config: Config) -> Corpus:
    """English sentences and one Chinese translation each; a source's hash decides its part."""
    once = {pair.source: pair.target for pair in reversed(load_cmn().pairs)}
    drawn = {source: sha256(source.encode()).digest()[0] for source in once}
    bound = 256 // TEST_SHARE
    test = [pair for pair in once.items() if drawn[pair[0]] < bound]
    train = [pair for pair in once.items() if drawn[pair[0]] >= bound]
    return Corpus(train[: config.n_pairs], test[: config.n_test], "zh")


CORPORA: dict[str, Callable[[Config], Corpus]] = {
    "world": world,
    "multi30k": captions,
    "cmn": sentences,
}

CPU: dict[str, Any] = {
    "n_pairs": 1_000_000,
    "n_test": 1000,
    "vocab_size": 4000,
    "width": 128,
    "n_layers": 2,
    "n_heads": 4,
    "dropout": 0.1,
    "batch_size": 64,
    "epochs": 3,
}
PRESETS = {
    "small": Config(
        data="world",
        n_pairs=2000,
        n_test=200,
        vocab_size=600,
        width=64,
        n_layers=2,
        n_heads=4,
        dropout=0.0,
        batch_size=32,
        epochs=8,
    ),
    "cpu": Config(data="multi30k", **CPU),
    "cpu_zh": Config(data="cmn", **CPU | {"epochs": 6}),
}


@dataclass(frozen=True)
class Reader:
    """Pairs ↔ ids: byte-level BPE of each side, its ids behind those of the special tokens."""

    source: BPETokenizer
    target: BPETokenizer

    @classmethod
    def learned(cls, pairs: Sequence[Pair], vocab_size: int) -> "Reader":
        """Both tokenizers, from training pairs only."""
        sides = zip(*pairs, strict=True)
        return cls(*(BPETokenizer.train("\n".join(side), vocab_size) for side in sides))

    def ids(self, pairs: Sequence[Pair], longest: int) -> tuple[list[list[int]], list[list[int]]]:
        """Sources and targets, of each at most the first ``longest`` tokens."""
        read = [
            [[i + len(SPECIALS) for i in tokenizer.encode(text)[:longest]] for text in side]
            for tokenizer, side in zip(
                (self.source, self.target), zip(*pairs, strict=True), strict=True
            )
        ]
        return read[0], read[1]

    def text(self, ids: Sequence[int]) -> str:
        """What target ids say; specials say nothing, half a character is shown as such."""
        return self.target.decode([i - len(SPECIALS) for i in ids if i >= len(SPECIALS)])

    @property
    def sizes(self) -> tuple[int, int]:
        """Entries of both vocabularies, specials included."""
        return (
            self.source.vocab_size + len(SPECIALS),
            self.target.vocab_size + len(SPECIALS),
        )


def run(config: Config, job: Job) -> dict[str, Any]:
    """Train both models on the same pairs, score both and the rival, write the run's documents.

    The GRU is "ours" in the record; the Transformer stands among the rivals, so that their
    difference is there as well. A model's translations are kept as soon as they are written.
    """
    corpus = CORPORA[config.data](config)
    document = job.begin(config, facts(config, corpus))
    with job.noting_how_it_ends(document):
        reader = Reader.learned(corpus.train, config.vocab_size)
        found = {
            name: kept(name, build, corpus, reader, config, job) for name, build in MODELS.items()
        }
        scores = {name: scored(one["said"], corpus) | one["facts"] for name, one in found.items()}
        scores["word by word, IBM model 1"] = scored(word_by_word(corpus, reader, config), corpus)
        for name, score in scores.items():
            job.say(f"{name}: BLEU {score['BLEU']:.4f}, chrF {score['chrF']:.4f}")
        metrics = scores.pop("GRU with attention")
        return job.finish(
            document,
            metrics=metrics,
            rivals=scores,
            seconds=metrics["seconds"],
            tokens=int(metrics["tokens"]),
            peak_memory_bytes=job.runtime.peak_memory(),
        )


def facts(config: Config, corpus: Corpus) -> dict[str, Any]:
    """The data as the record names it, with the signature of its BLEU."""
    digest = sha256()
    for part, pairs in (("train", corpus.train), ("test", corpus.test)):
        for source, target in pairs:
            digest.update(f"{part}\t{source}\t{target}\n".encode())
    signature = bleu_with_signature(["a"], [["a"]], corpus.tokenize).signature
    return {
        "name": config.data,
        "content_sha256": digest.hexdigest(),
        "report": f"{len(corpus.train):,} pairs to learn, {len(corpus.test):,} to translate",
        "bleu": signature,
    }


def gru(sizes: tuple[int, int], config: Config) -> nn.Module:
    """GRUs on both sides, additive attention between them."""
    shape = Seq2SeqConfig(
        vocab_size=sizes[0],
        target_vocab_size=sizes[1],
        embedding_width=config.width,
        width=config.width,
        dropout=config.dropout,
        engine="torch",
    )
    return Seq2Seq(shape)


def transformer(sizes: tuple[int, int], config: Config) -> nn.Module:
    """A Transformer of the same width, with weights as large as so narrow a one needs.

    With GPT-2's 0.02 at a width of 128 it learns hardly anything in so few steps. Positions are
    sinusoids added to the embeddings, so that the look across at the source may go by place.
    """
    shape = EncoderDecoderConfig(
        vocab_size=sizes[0],
        target_vocab_size=sizes[1],
        context_length=2 * config.longest,
        width=config.width,
        n_layers=config.n_layers,
        n_heads=config.n_heads,
        dropout=config.dropout,
        positions="sinusoidal",
        tied=False,
        initial_scale=0.05,
        engine="torch",
    )
    return EncoderDecoder(shape)


MODELS = {"GRU with attention": gru, "Transformer": transformer}


def kept(
    name: str,
    build: Callable[[tuple[int, int], Config], nn.Module],
    corpus: Corpus,
    reader: Reader,
    config: Config,
    job: Job,
) -> dict[str, Any]:
    """A model's translations and what they cost, read back where they were written before."""
    path = job.folder / f"{name.replace(' ', '-')}.json"
    if not path.exists():
        torch.manual_seed(job.seed)
        model = build(reader.sizes, config).to(job.runtime.device)
        write_json(path, learned(name, model, corpus, reader, config, job))
    return read_json(path)


def learned(
    name: str, model: nn.Module, corpus: Corpus, reader: Reader, config: Config, job: Job
) -> dict[str, Any]:
    """Train a model and let it translate the test part."""
    sides = reader.ids(corpus.train, config.longest)
    batches = ShuffledPairs(*sides, START, END, config.batch_size, seed=job.seed)
    steps = batches.steps_per_epoch * config.epochs
    settings = TrainConfig(
        steps=steps, learning_rate=config.learning_rate, warmup_steps=min(400, steps // 10)
    )
    training, tokens = train(model, batches, settings, job.runtime, pair_loss), 0
    for step in training:
        tokens += step.tokens
        if step.index % batches.steps_per_epoch == 0:
            job.say(f"{name}: {step}")
    began = time.perf_counter()
    said = translated(model, corpus, reader, config, job)
    return {
        "said": said,
        "facts": {
            "parameters": sum(p.numel() for p in model.parameters()),
            "seconds": training.seconds,
            "tokens": tokens,
            "seconds to translate": time.perf_counter() - began,
        },
    }


def translated(
    model: nn.Module, corpus: Corpus, reader: Reader, config: Config, job: Job
) -> list[str]:
    """The test sources' translations, each the most probable token after the other."""
    sources, _ = reader.ids(corpus.test, config.longest)
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    said: dict[int, str] = {}
    for first in range(0, len(order), config.batch_size):
        rows = order[first : first + config.batch_size]
        lengths = torch.tensor([len(sources[row]) for row in rows])
        table = torch.full((len(rows), int(lengths.max())), PAD)
        for place, row in enumerate(rows):
            table[place, : len(sources[row])] = torch.tensor(sources[row])
        device = job.runtime.device
        answering = Answering(model, table.to(device), lengths.to(device))
        begin = torch.full((len(rows), 1), START, device=device)
        written = generate(answering, begin, config.longest, GREEDY, Stopping(end=END))
        said |= {row: reader.text(new) for row, new in zip(rows, written.new, strict=True)}
    return [said[row] for row in range(len(sources))]


def word_by_word(corpus: Corpus, reader: Reader, config: Config) -> list[str]:
    """Each token's most probable translation in the order of the source: what order is worth."""
    model = IBMModel1(*reader.ids(corpus.train, config.longest))
    for _ in range(ROUNDS):
        model.step()
    sources, _ = reader.ids(corpus.test, config.longest)
    return [
        reader.text([best[0][0] for i in source if (best := model.translations(i, most=1))])
        for source in sources
    ]


def scored(said: Sequence[str], corpus: Corpus) -> dict[str, float]:
    """BLEU and chrF of translations, from 0 to 1."""
    references = [[target] for _, target in corpus.test]
    return {
        "BLEU": bleu_with_signature(said, references, corpus.tokenize).score,
        "chrF": chrf_with_signature(said, references).score,
    }
