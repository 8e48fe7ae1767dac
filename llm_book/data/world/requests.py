"""What may be asked of the generated world, and the sentence that refuses anything else."""

from collections.abc import Collection

SPLITS = ("train", "validation", "test")
LANGUAGES = ("en", "zh")


def check_count(n: int, what: str) -> None:
    """Raise ValueError where `n`, the number of `what`, is negative."""
    if n < 0:
        raise ValueError(f"{n} {what} cannot be made; ask for 0 or more.")


def check_known(what: str, came: str, known: Collection[str]) -> None:
    """Raise ValueError where `came` is none of the `known` values of a `what`."""
    if came not in known:
        raise ValueError(f"There is no {what} {came!r}; take one of {', '.join(known)}.")


def check_share(what: str, came: float) -> None:
    """Raise ValueError where `came` is no probability."""
    if not 0 <= came <= 1:
        raise ValueError(f"{what} is {came}; it is a probability, take one from 0 to 1.")


def check_request(n: int, what: str, split: str, language: str = "en") -> None:
    """Raise ValueError for a negative `n`, an unknown `split` or an unknown `language`."""
    check_count(n, what)
    check_known("split", split, SPLITS)
    check_known("language", language, LANGUAGES)
