"""What holds for every product of the generated world."""

import hashlib
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.data import world
from llm_book.data.world.requests import SPLITS


def task(name):
    def make(n, seed=0, split="train", language="en"):
        return world.classes(name, n, seed, split, language)

    return make


def setting(name):
    def make(n, seed=0, split="train", language="en"):
        return world.translation_pairs(n, seed, split, name)

    return make


def text(row):
    """All that a reader sees of a record, in one string."""
    if isinstance(row, world.WorldDialogue):
        return "\n".join(turn.text for turn in row.turns)
    if isinstance(row, world.WorldQuestion):
        return f"{row.context}\n{row.text}\n{row.answer}"
    if isinstance(row, world.TranslationPair):
        return f"{row.english}\t{row.chinese}\t{row.alignment}"
    if isinstance(row, world.ArithmeticQuestion):
        return f"{row.question} {row.answer}"
    return f"{row.text}\t{getattr(row, 'label', '')}"


MAKERS = {
    "stories": world.stories,
    "questions": world.questions,
    "dialogues": world.dialogues,
    "arithmetic": world.arithmetic,
    "topics": task("topics"),
    "spam": task("spam"),
    "intents": task("intents"),
    "random": setting("random"),
    "combinations": setting("combinations"),
    "length": setting("length"),
}
BILINGUAL = [name for name in MAKERS if name not in ("random", "combinations", "length")]
FROZEN = {
    "stories en": "2e87c521e4d3f06b",
    "stories zh": "865d96ad529b7464",
    "questions en": "45de53f607b8f92d",
    "questions zh": "186361e22492db2e",
    "dialogues en": "4770040dc0061cff",
    "dialogues zh": "886931e670f1dffd",
    "arithmetic en": "3f210d2ad7660d1a",
    "arithmetic zh": "f1128f1c70eb04ca",
    "topics en": "c8034187c4f28aef",
    "topics zh": "2b7cbc94de452aff",
    "spam en": "e490753e5b1fbc4a",
    "spam zh": "af3b768bb973b0fe",
    "intents en": "68c4b3a27d6e6244",
    "intents zh": "ad0dd1c201484ba8",
    "random en": "9e57cd35b9d84abe",
    "combinations en": "1e35671580ab0aaf",
    "length en": "8aa34461030f21b2",
    "facts en": "317defe2cec0d162",
    "analogies en": "56287456bee31897",
    "bias en": "09755638f18c8224",
    "canaries en": "60af78d5a9fa5ac0",
    "dirt en": "feea3893dfc90b2f",
    "zipf en": "7dae7d9e61d01abd",
    "facts zh": "ae07f03e50d9badb",
    "analogies zh": "4c0458f3e2e79dba",
    "bias zh": "aa3cc7d0c154ec28",
    "canaries zh": "35d82f49ab696370",
    "dirt zh": "74b074e3909874bd",
    "zipf zh": "2dae13a93e5044e1",
    "shuffled": "a931629a6bba577c",
}


def fingerprint(rows):
    return hashlib.sha256("".join(f"{row}\n" for row in rows).encode()).hexdigest()[:16]


def products():
    """Every product and language with its fingerprint."""
    for name, make in MAKERS.items():
        for language in ("en", "zh") if name in BILINGUAL else ("en",):
            rows = [
                f"{row.id}\t{text(row)}" for split in SPLITS for row in make(40, 0, split, language)
            ]
            yield f"{name} {language}", rows
    for language in ("en", "zh"):
        yield f"facts {language}", [f.text for f in world.facts(0, "train", language)]
        yield f"analogies {language}", world.analogy_corpus(200, 0, language)
        yield f"bias {language}", world.bias_corpus(200, 0, 0.8, language)
        some = [s.text for s in world.stories(20, 0, "train", language)]
        planted = world.with_canaries(some, [1, 3], 0, 4, language)
        yield f"canaries {language}", list(planted.texts)
        yield f"dirt {language}", list(world.with_dirt(some, language=language).texts)
        table = world.ZipfFacts(50)
        yield f"zipf {language}", [table.text(i, language) for i in table.draw(50)]
    yield "shuffled", world.shuffled_corpus(world.analogy_corpus(50))


@pytest.mark.parametrize("made", list(products()), ids=lambda made: made[0])
def test_the_same_seed_gives_the_same_bytes_on_every_machine(made):
    name, rows = made
    assert fingerprint(rows) == FROZEN[name]


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=8)
@given(
    n=st.integers(0, 12),
    more=st.integers(0, 12),
    seed=st.integers(0, 10**9),
    split=st.sampled_from(SPLITS),
)
def test_more_of_a_product_begins_with_the_same(name, n, more, seed, split):
    make = MAKERS[name]
    longer = make(n + more, seed, split)
    assert make(n, seed, split) == longer[:n]
    assert len(longer) == n + more
    assert len({row.id for row in longer}) == len(longer)


@pytest.mark.parametrize("name", MAKERS)
def test_other_seeds_and_other_splits_say_something_else(name):
    make = MAKERS[name]
    drawn = [tuple(map(text, make(20, seed, split))) for seed in (0, 1) for split in SPLITS]
    assert len(set(drawn)) == 6


@pytest.mark.parametrize("name", MAKERS)
def test_no_text_stands_in_two_splits_not_even_of_other_seeds(name):
    make = MAKERS[name]
    for language in ("en", "zh"):
        texts = {
            split: {
                getattr(row, "question", None) or text(row).split("\t")[0]
                for seed in (0, 1)
                for row in make(100, seed, split, language)
            }
            for split in SPLITS
        }
        for one, other in combinations(SPLITS, 2):
            assert not texts[one] & texts[other]


@pytest.mark.parametrize("name", BILINGUAL)
def test_both_languages_say_the_same(name):
    make = MAKERS[name]
    for split in SPLITS:
        english, chinese = make(60, 4, split, "en"), make(60, 4, split, "zh")
        assert [row.id for row in english] == [row.id for row in chinese]
        for a, b in zip(english, chinese, strict=True):
            assert text(a) != text(b)
            assert getattr(a, "label", 0) == getattr(b, "label", 0)
            assert getattr(a, "log_prob", 0) == getattr(b, "log_prob", 0)
            assert getattr(a, "relation", 0) == getattr(b, "relation", 0)
            assert getattr(a, "task", 0) == getattr(b, "task", 0)


@pytest.mark.parametrize("name", MAKERS)
def test_bad_requests_are_refused_in_one_sentence(name):
    make = MAKERS[name]
    assert make(0) == []
    with pytest.raises(ValueError, match=r"^-1 [a-z ]+ cannot be made; ask for 0 or more\.$"):
        make(-1)
    with pytest.raises(ValueError, match=r"no split 'dev'; take one of train, validation, test\."):
        make(1, split="dev")
    if name in BILINGUAL:
        with pytest.raises(ValueError, match=r"no language 'fr'; take one of en, zh\."):
            make(1, language="fr")
