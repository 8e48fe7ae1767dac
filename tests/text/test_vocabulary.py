"""The vocabulary: a two-way table that does not depend on the order of the texts."""

import json
from collections import Counter
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.text.vocabulary import Vocabulary

token_lists = st.lists(st.lists(st.text(max_size=4), max_size=8), max_size=8)
SMALL = Vocabulary.build([["b", "a", "b"], ["c", "a", "b"]])


def test_pad_is_0_unk_is_1_and_the_most_frequent_word_is_2():
    assert SMALL.tokens == ("<pad>", "<unk>", "b", "a", "c")
    assert (SMALL["<pad>"], SMALL["<unk>"], SMALL["b"]) == (0, 1, 2)
    assert SMALL.words == ("b", "a", "c")


def test_equal_counts_are_ordered_alphabetically():
    assert Vocabulary.build([["pear", "fig", "apple"]]).words == ("apple", "fig", "pear")


@given(token_lists, st.randoms())
def test_the_order_of_the_texts_changes_no_id(lists, random):
    shuffled = random.sample(lists, len(lists))
    assert Vocabulary.build(lists) == Vocabulary.build(shuffled)


@given(token_lists)
def test_what_was_seen_comes_back_from_its_ids(lists):
    vocabulary = Vocabulary.build(lists)
    for tokens in lists:
        assert vocabulary.decode(vocabulary.encode(tokens)) == tokens


@given(token_lists, st.integers(1, 4), st.integers(2, 9))
def test_no_rarer_word_is_kept_while_a_more_frequent_one_is_left_out(lists, min_count, max_size):
    vocabulary = Vocabulary.build(lists, min_count=min_count, max_size=max_size)
    counts = Counter(token for tokens in lists for token in tokens)
    assert len(vocabulary) <= max_size
    assert all(counts[word] >= min_count for word in vocabulary.words)
    left_out = [n for t, n in counts.items() if t not in vocabulary and n >= min_count]
    assert not left_out or len(vocabulary) == max_size
    assert all(counts[word] >= max(left_out, default=0) for word in vocabulary.words)


@given(lists=token_lists)
def test_a_saved_vocabulary_is_the_same_when_loaded(lists, tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "new folder" / "v.json"
    vocabulary = Vocabulary.build(lists)
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary
    assert [file.name for file in path.parent.iterdir()] == ["v.json"]


def test_a_save_that_fails_leaves_the_old_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "v.json"
    SMALL.save(path)

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space left"):
        Vocabulary.build([["new"]]).save(path)
    assert Vocabulary.load(path) == SMALL
    assert [file.name for file in tmp_path.iterdir()] == ["v.json"]


def test_an_unknown_word_is_unk_and_an_empty_text_is_no_ids():
    assert SMALL.encode(["a", "zebra"]) == [3, 1]
    assert SMALL.encode([]) == []


def test_other_specials_come_first_in_their_order():
    vocabulary = Vocabulary.build([["a"]], specials=("<pad>", "<unk>", "<bos>", "<eos>"))
    assert vocabulary.tokens == ("<pad>", "<unk>", "<bos>", "<eos>", "a")


def test_a_special_that_also_occurs_in_a_text_stands_once():
    assert Vocabulary.build([["<pad>", "a"]]).tokens == ("<pad>", "<unk>", "a")


def test_a_built_vocabulary_never_changes():
    with pytest.raises(FrozenInstanceError):
        SMALL.tokens = ()


@pytest.mark.parametrize("i", [-1, 5, 10**9])
def test_an_id_outside_is_refused(i):
    with pytest.raises(IndexError, match=f"id {i} is outside .* ids go from 0 to 4"):
        SMALL.decode([0, i])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_count": 0}, "min_count is 0"),
        ({"max_size": 1}, "max_size 1 has no room for the 2 specials"),
        ({"specials": ("<pad>", "<pad>")}, "'<pad>' stands twice"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary.build([["a"]], **settings)


def test_a_token_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="'a' stands twice"):
        Vocabulary(("<pad>", "<unk>", "a", "a"))


def test_specials_that_do_not_come_first_are_refused():
    with pytest.raises(ValueError, match="begins with its specials"):
        Vocabulary(("a", "<pad>", "<unk>"))


def test_an_unknown_word_is_refused_where_there_is_no_unk():
    with pytest.raises(KeyError, match="'zebra' is not in this vocabulary"):
        Vocabulary.build([["a"]], specials=("<pad>",)).encode(["a", "zebra"])


def test_a_text_that_was_not_tokenised_is_refused():
    with pytest.raises(TypeError, match="tokenise it first"):
        SMALL.encode("a b")
    with pytest.raises(TypeError, match="tokenise it first"):
        Vocabulary.build(["a b"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        json.dumps({"format": "other", "tokens": [], "specials": []}).encode(),
        json.dumps({"format": "llm-book vocabulary 1", "tokens": [1], "specials": []}).encode(),
    ],
)
def test_a_file_that_holds_no_vocabulary_is_refused(content, tmp_path):
    (tmp_path / "v.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"v\.json does not hold a vocabulary"):
        Vocabulary.load(tmp_path / "v.json")
