"""2,000 long film reviews, cut into sentences: to be had where IMDB is not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from llm_book.data.archives import read_members
from llm_book.data.download import fetch
from llm_book.data.reading import decoded, lines

MEMBER = re.compile(r"movie_reviews/((neg|pos)/cv(\d{3})_\d+)\.txt")


@dataclass(frozen=True)
class MovieReview:
    """A review as sentences, words and signs apart by spaces; `label` is 1 for praise, else 0.

    `id` is such as "neg/cv000_29416"; `fold`, 0 to 9, is its part in the published
    cross-validation.
    """

    id: str
    label: int
    sentences: tuple[str, ...]
    fold: int

    @property
    def text(self) -> str:
        """The sentences, one a line."""
        return "\n".join(self.sentences)


def load_movie_reviews(progress: bool = True) -> tuple[MovieReview, ...]:
    """1,000 reviews with blame, then 1,000 with praise, in the order of their numbers.

    Raises DataUnavailable where the file cannot be had. Source: Pang and Lee (2004).
    """
    return read_movie_reviews(fetch("movie_reviews", progress=progress))


def read_movie_reviews(path: str | Path) -> tuple[MovieReview, ...]:
    """The reviews in an archive of files `movie_reviews/neg/cv000_….txt`, a sentence a line.

    Raises ValueError where it holds none, or one without a sentence.
    """
    reviews = []
    for name, file in read_members(path):
        if found := MEMBER.fullmatch(name):
            text = decoded(file.read(), name)
            sentences = tuple(line.strip() for line in lines(text) if line.strip())
            if not sentences:
                raise ValueError(f"{name} holds no sentence; fetch the archive again")
            reviews.append(
                MovieReview(found[1], int(found[2] == "pos"), sentences, int(found[3][0]))
            )
    if not reviews:
        raise ValueError(f"{Path(path).name} holds no movie_reviews/neg/cv….txt; fetch it again")
    return tuple(sorted(reviews, key=lambda review: review.id))
