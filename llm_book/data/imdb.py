"""The IMDB reviews (Maas et al. 2011): read from either format, identified, split without leaks."""

from __future__ import annotations

import hashlib
import lzma
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llm_book.data.archives import read_members
from llm_book.data.download import fetch
from llm_book.data.registry import DATASETS
from llm_book.shapes import Review

MEMBER = re.compile(r"aclImdb/((?:train|test)/(?:pos|neg)/\d+_\d+)\.txt")
HEADER = "split\tlabel\tid\trating\ttext\n"
ESCAPES = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}


@dataclass(frozen=True)
class ImdbReport:
    """What was read: from which file, and how often its texts repeat."""

    file: str
    content_hash: str
    n_train: int
    n_test: int
    n_distinct: int
    n_in_both: int

    def __str__(self) -> str:
        return (
            f"{self.n_train:,} train and {self.n_test:,} test reviews, "
            f"{self.n_distinct:,} distinct; {self.n_in_both} texts stand in both"
        )


@dataclass(frozen=True)
class ImdbReviews:
    """The official halves as they were published, in the order of their ids, and a report."""

    train: list[Review]
    test: list[Review]
    report: ImdbReport


def load_imdb(progress: bool = True) -> ImdbReviews:
    """The 50,000 labelled reviews; an id such as "train/pos/123_8" ends with the stars given.

    From `imdb_50k.tsv.xz` or from Stanford's `aclImdb_v1.tar.gz`, whichever is at hand, else
    downloaded; the answer is the same, because the *content* is what is checked. Raises
    DataUnavailable where neither can be had, ValueError where the content is another one.
    Source: Maas et al. (2011).
    """
    path = fetch("imdb", progress=progress)
    reviews = read_imdb(path)
    digest = checked_content(reviews, DATASETS["imdb"].content_hash)
    train = [review for review in reviews if review.id.startswith("train/")]
    test = [review for review in reviews if review.id.startswith("test/")]
    train_texts, test_texts = ({review.text for review in half} for half in (train, test))
    report = ImdbReport(
        file=path.name,
        content_hash=digest,
        n_train=len(train),
        n_test=len(test),
        n_distinct=len(train_texts | test_texts),
        n_in_both=len(train_texts & test_texts),
    )
    return ImdbReviews(train, test, report)


def rating(review: Review) -> int:
    """The stars, 1 to 10, that the author gave: 1 to 4 is blame, 7 to 10 is praise."""
    return int(review.id.rsplit("_", 1)[1])


def content_hash(reviews: Iterable[Review]) -> str:
    """One sha256 for the whole set, whatever file it came in and in whatever order.

    Over the sorted lines `split/label/id_rating.txt<TAB>sha256-of-text<NEWLINE>`.
    """
    lines = sorted(f"{review.id}.txt\t{text_hash(review.text)}\n" for review in reviews)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def text_hash(text: str) -> str:
    """sha256 of the UTF-8 text, as hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def checked_content(reviews: Sequence[Review], expected: str) -> str:
    """The content's hash where it is the expected one; raises ValueError where it is not."""
    digest = content_hash(reviews)
    if digest != expected:
        raise ValueError(
            f"these {len(reviews):,} reviews have the content {digest[:12]}…, the published IMDB "
            f"set has {expected[:12]}…; delete the file and fetch it again"
        )
    return digest


def read_imdb(path: str | Path) -> list[Review]:
    """The labelled reviews in a `.tsv.xz` or `.tar.gz` file, sorted by split, label and number."""
    path = Path(path)
    rows = _from_tsv(path) if path.name.endswith(".tsv.xz") else _from_archive(path)
    reviews = [Review(text, int("/pos/" in name), name) for name, text in rows]
    return sorted(reviews, key=_order)


def _order(review: Review) -> tuple[bool, str, int]:
    split, label, name = review.id.split("/")
    return split != "train", label, int(name.split("_")[0])


def _from_tsv(path: Path) -> Iterator[tuple[str, str]]:
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
        if (first := next(file, "")) != HEADER:
            raise ValueError(f"{path.name} begins with {first[:40]!r}, not with {HEADER!r}")
        for line in file:
            split, label, number, stars, text = line.rstrip("\n").split("\t")
            if "\\" in text:
                text = re.sub(r"\\[\\tnr]", lambda match: ESCAPES[match[0]], text)
            yield f"{split}/{label}/{number}_{stars}", text


def _from_archive(path: Path) -> Iterator[tuple[str, str]]:
    # Read as a stream, never unpacked: 100,000 small files take minutes to write on some disks.
    for name, file in read_members(path):
        if match := MEMBER.fullmatch(name):
            yield match[1], file.read().decode("utf-8")


@dataclass(frozen=True)
class SplitReport:
    """What the split did to the official training half; all are numbers of reviews."""

    n_train: int
    n_validation: int
    n_test: int
    n_removed: int
    n_texts_in_both: int
    n_repeats: int
    n_contradictions: int

    def __str__(self) -> str:
        return (
            f"{self.n_train:,} train, {self.n_validation:,} validation, {self.n_test:,} test; "
            f"{self.n_removed} train reviews removed because {self.n_texts_in_both} texts also "
            f"stand in test; {self.n_repeats} repeats kept, each on one side; "
            f"{self.n_contradictions} texts carry both labels"
        )


@dataclass(frozen=True)
class ImdbSplit:
    """Three lists that share no text, and what was done to get them."""

    train: list[Review]
    validation: list[Review]
    test: list[Review]
    report: SplitReport


def split_imdb(
    train: Sequence[Review], test: Sequence[Review], validation_share: float = 1 / 16
) -> ImdbSplit:
    """Holds validation out of `train`, by the hash of each text; `test` stays as published.

    - *By hash, not by a drawn permutation*: equal texts have equal hashes, so a repeated review
      falls on one side whole, and the split is the same on every machine, for every seed, in
      every order of reading.
    - *Texts that also stand in test leave train*, not test: the test half stays the one that all
      published figures are measured on, and nothing in it has been trained on.
    - *Repeats within train stay* and are counted: they are part of the published half, and the
      rivals see the same rows.

    Raises ValueError where the share is not between 0 and 1.
    """
    if not 0 < validation_share < 1:
        raise ValueError(
            f"validation_share is {validation_share}; it must lie between 0 and 1, such as 1/16"
        )
    test_texts = {review.text for review in test}
    kept = [review for review in train if review.text not in test_texts]
    sides: dict[bool, list[Review]] = {False: [], True: []}
    for review in kept:
        sides[_unit_hash(review.text) < validation_share].append(review)
    copies = Counter(review.text for review in kept)
    opinions = Counter(text for text, _ in {(review.text, review.label) for review in kept})
    report = SplitReport(
        n_train=len(sides[False]),
        n_validation=len(sides[True]),
        n_test=len(test),
        n_removed=len(train) - len(kept),
        n_texts_in_both=len(test_texts & {review.text for review in train}),
        n_repeats=len(kept) - len(copies),
        n_contradictions=sum(count > 1 for count in opinions.values()),
    )
    return ImdbSplit(sides[False], sides[True], list(test), report)


def _unit_hash(text: str) -> float:
    """The text's hash as a number in [0, 1): as good as drawn evenly, and always the same."""
    return int(text_hash(text)[:13], 16) / 16**13
