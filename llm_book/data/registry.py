"""The table of published data sets: what each is, where it lies, under which licence.

A new set is one more row. Names of files are relative: the same in a mirror folder, in the cache
and here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

HUGGING_FACE = "https://huggingface.co"
HUGGING_FACE_MIRROR = "https://hf-mirror.com"  # the same paths, reachable from mainland China


@dataclass(frozen=True)
class DataFile:
    """One file as it is published: its size in bytes, its sha256, its addresses in order.

    A file without an address was made from another one; only a mirror folder can hold it.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if path.is_absolute() or ".." in path.parts or "\\" in self.name:
            raise ValueError(f"a file's name is relative and goes only down, not {self.name!r}")
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise ValueError(f"{self.name} needs a sha256 of 64 hexadecimal digits")
        if self.size < 1:
            raise ValueError(f"{self.name} needs its size in bytes, {self.size} came")


@dataclass(frozen=True)
class DataSet:
    """A published set: any one of its `files` holds the content, the first at hand is taken.

    `content_hash` identifies the content itself, where two files hold it in two formats;
    `instead` says what a reader without the set can use.
    """

    name: str
    files: tuple[DataFile, ...]
    licence: str
    redistributable: bool
    citation: str
    content_hash: str = ""
    instead: str = ""


def _github(repository: str, commit: str, path: str) -> tuple[str, ...]:
    """A pinned file's two addresses: GitHub's own and jsDelivr's copy (files up to 20 MB)."""
    return (
        f"https://raw.githubusercontent.com/{repository}/{commit}/{path}",
        f"https://cdn.jsdelivr.net/gh/{repository}@{commit}/{path}",
    )


def _hugging_face(path: str) -> tuple[str, ...]:
    return f"{HUGGING_FACE}/{path}", f"{HUGGING_FACE_MIRROR}/{path}"


_TABLE = (
    DataSet(
        name="imdb",
        files=(
            DataFile(
                "imdb/imdb_50k.tsv.xz",
                17_400_468,
                "9e5b5adc7ed7d8ddff2fc2a09db906ef3ac3cfc2293fd6e8f173fcfcbbb05336",
            ),
            DataFile(
                "imdb/aclImdb_v1.tar.gz",
                84_125_825,
                "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
                (
                    "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
                    "https://bj.bcebos.com/dataset/imdb%2FaclImdb_v1.tar.gz",
                ),
            ),
        ),
        licence="none stated",
        redistributable=False,
        citation="maas2011",
        content_hash="4b0bfdfe140012ba264b743f2f135941b854bb46af27666f7613982147fe8a1a",
        instead='use the embedded reviews (preset "small")',
    ),
    DataSet(
        name="glove",
        files=(
            DataFile(
                "vectors/glove-6b-50d-top50k-q8-v1.bin",
                2_949_669,
                "fb108eef095f00bcc06a38e10d7f9671d9e6664ab79ae8a2c1cef5b31375b2ab",
                _github(
                    "adiazpar/adiaz-claude-plugins",
                    "5ea71cc800bf56dc7489e5a579bce0d4289f817a",
                    "plugins/re-discipline/knowledge/models/artifacts/"
                    "glove-6b-50d-top50k-q8-v1.bin",
                ),
            ),
            DataFile(
                "vectors/glove.6B.zip",
                862_182_613,
                "617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb",
                (
                    "https://nlp.stanford.edu/data/glove.6B.zip",
                    *_hugging_face("stanfordnlp/glove/resolve/main/glove.6B.zip"),
                ),
            ),
        ),
        licence="PDDL 1.0",
        redistributable=True,
        citation="pennington2014",
        instead="let the embedding start from random vectors",
    ),
    DataSet(
        name="movie_reviews",
        files=(
            DataFile(
                "sentiment_en/movie_reviews.zip",
                4_004_848,
                "a41211ae685019137410268134db6a1a14428c89b671eb83056151a878539008",
                _github(
                    "nltk/nltk_data",
                    "5db857e6f7df11eabb5e5665836db9ec8df07e28",
                    "packages/corpora/movie_reviews.zip",
                ),
            ),
        ),
        licence="CC BY 4.0",
        redistributable=True,
        citation="pang2004",
        instead='use the embedded reviews (preset "small")',
    ),
)

DATASETS: dict[str, DataSet] = {row.name: row for row in _TABLE}


def find(name: str) -> tuple[DataSet, tuple[DataFile, ...]]:
    """The set of that name with its files in order, or the set of that one file.

    Raises KeyError for a name that is neither.
    """
    if name in DATASETS:
        return DATASETS[name], DATASETS[name].files
    for row, file in _files():
        if file.name == name:
            return row, (file,)
    raise KeyError(f"no data set or file is called {name!r}; the sets are {', '.join(DATASETS)}")


def _files() -> Iterator[tuple[DataSet, DataFile]]:
    return ((row, file) for row in DATASETS.values() for file in row.files)
