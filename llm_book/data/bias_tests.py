"""What bias is measured with: WEAT's lists of words, and CrowS-Pairs' pairs of sentences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from llm_book.data.download import fetch
from llm_book.data.reading import malformed, member, read_csv, read_json, read_text

# Caliskan et al. (2017), Table 1: targets X and Y, attributes A and B.
WEAT_TESTS = {
    1: ("flowers", "insects", "pleasant_5", "unpleasant_5a"),
    2: ("instruments", "weapons", "pleasant_5", "unpleasant_5b"),
    3: ("european_american_names_5", "african_american_names_5", "pleasant_5", "unpleasant_5a"),
    4: ("european_american_names_7", "african_american_names_7", "pleasant_5", "unpleasant_5a"),
    5: ("european_american_names_7", "african_american_names_7", "pleasant_9", "unpleasant_9"),
    6: ("male_names", "female_names", "career", "family"),
    7: ("math", "arts", "male_terms", "female_terms"),
    8: ("science", "arts_2", "male_terms_2", "female_terms_2"),
    9: ("mental_disease", "physical_disease", "temporary", "permanent"),
    10: ("young_people_names", "old_people_names", "pleasant_9", "unpleasant_9"),
}
CROWS_HEADER = (
    ",sent_more,sent_less,stereo_antistereo,bias_type,annotations,anon_writer,anon_annotators"
)
DIRECTIONS = ("stereo", "antistereo")


@dataclass(frozen=True)
class WeatTest:
    """Two lists of targets and two of attributes: do X and Y go with A and B?"""

    number: int
    x: tuple[str, ...]
    y: tuple[str, ...]
    a: tuple[str, ...]
    b: tuple[str, ...]


@dataclass(frozen=True)
class CrowsPair:
    """Two sentences that differ in whom they speak of; `more` is the more stereotyping one.

    `direction` is "stereo" where the sentence shows a stereotype, "antistereo" where it goes
    against one; `kind` is what the bias is about, such as "gender".
    """

    more: str
    less: str
    direction: str
    kind: str


def load_weat_lists(progress: bool = True) -> dict[str, tuple[str, ...]]:
    """WEAT's 31 lists of words by name: "flowers", "pleasant_5", "male_names", …

    Raises DataUnavailable where the file cannot be had. Source: Caliskan et al. (2017).
    """
    return read_word_lists(fetch("weat", progress=progress))


def read_word_lists(path: str | Path) -> dict[str, tuple[str, ...]]:
    """The lists in a JSON object of lists of words; rows are lists, counted from 1.

    Raises ValueError at one that is empty or holds anything but words.
    """
    name = Path(path).name
    content = read_json(path, dict)
    for row, key in enumerate(content, start=1):
        words = member(content, key, list, name, row)
        if not words or not all(isinstance(word, str) and word.strip() for word in words):
            raise malformed(name, row, f"{key!r} must be a list of words")
    return {key: tuple(words) for key, words in content.items()}


def weat_test(number: int, lists: dict[str, tuple[str, ...]]) -> WeatTest:
    """One of the ten published tests, its words taken from the lists.

    Raises KeyError for another number, or where a list is missing.
    """
    if number not in WEAT_TESTS:
        raise KeyError(f"WEAT has no test {number}; choose one from 1 to {len(WEAT_TESTS)}")
    names = WEAT_TESTS[number]
    if missing := [name for name in names if name not in lists]:
        raise KeyError(f"test {number} needs the list {missing[0]!r}; give WEAT's own lists")
    return WeatTest(number, *(lists[name] for name in names))


def load_crows_pairs(progress: bool = True) -> tuple[CrowsPair, ...]:
    """1,508 pairs of English sentences for nine kinds of bias, 516 of them about skin colour.

    Raises DataUnavailable where the file cannot be had. Source: Nangia et al. (2020).
    """
    return read_crows_pairs(fetch("crows_pairs", progress=progress))


def read_crows_pairs(path: str | Path) -> tuple[CrowsPair, ...]:
    """The pairs in CrowS-Pairs' own CSV file.

    Raises ValueError where the header or a record is another one.
    """
    name = Path(path).name
    pairs = []
    for row, fields in read_csv(read_text(path), name, 8, header=CROWS_HEADER):
        pair = CrowsPair(*fields[1:5])
        if pair.direction not in DIRECTIONS:
            raise malformed(name, row, f"the direction {pair.direction!r} is none of {DIRECTIONS}")
        pairs.append(pair)
    return tuple(pairs)
