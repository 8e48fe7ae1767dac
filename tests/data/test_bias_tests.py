"""WEAT's lists and tests, CrowS-Pairs' pairs."""

import json

import pytest

from llm_book.data.bias_tests import (
    CROWS_HEADER,
    WEAT_TESTS,
    CrowsPair,
    load_crows_pairs,
    load_weat_lists,
    read_crows_pairs,
    read_word_lists,
    weat_test,
)


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_lists_are_read_by_name(tmp_path):
    path = written(tmp_path / "w.json", json.dumps({"a": ["x", "y z"], "b": ["好"]}))
    assert read_word_lists(path) == {"a": ("x", "y z"), "b": ("好",)}


@pytest.mark.parametrize("words", [[], [""], ["x", 3], "xyz", None])
def test_a_list_of_anything_but_words_is_refused_by_row(words, tmp_path):
    path = written(tmp_path / "w.json", json.dumps({"a": ["x"], "b": words}))
    with pytest.raises(ValueError, match=r"w\.json, row 2: 'b'"):
        read_word_lists(path)


def test_a_test_is_two_targets_and_two_attributes():
    lists = {name: (name,) for names in WEAT_TESTS.values() for name in names}
    test = weat_test(7, lists)
    assert (test.number, test.x, test.y) == (7, ("math",), ("arts",))
    assert (test.a, test.b) == (("male_terms",), ("female_terms",))
    with pytest.raises(KeyError, match="WEAT has no test 11; choose one from 1 to 10"):
        weat_test(11, lists)
    with pytest.raises(KeyError, match="test 1 needs the list 'insects'; give WEAT's own lists"):
        weat_test(1, {"flowers": ("rose",)})


def test_pairs_are_read_with_direction_and_kind(tmp_path):
    row = '0,"He, more",He less,antistereo,gender,"[[\'gender\']]",a0,[]'
    assert read_crows_pairs(written(tmp_path / "c.csv", f"{CROWS_HEADER}\n{row}\n")) == (
        CrowsPair("He, more", "He less", "antistereo", "gender"),
    )


def test_a_malformed_pair_is_refused_by_row(tmp_path):
    path = written(tmp_path / "c.csv", f"{CROWS_HEADER}\n0,a,b,both,gender,[],a0,[]\n")
    with pytest.raises(ValueError, match=r"c\.csv, row 2: the direction 'both' is none of"):
        read_crows_pairs(path)
    with pytest.raises(ValueError, match=r"c\.csv, row 2: 3 columns where 8 were expected"):
        read_crows_pairs(written(tmp_path / "c.csv", f"{CROWS_HEADER}\n0,a,b\n"))


def test_the_published_lists_make_the_ten_tests(mirror):
    lists = load_weat_lists(progress=False)
    assert len(lists) == 31
    sizes = [(len(t.x), len(t.a)) for t in (weat_test(n, lists) for n in range(1, 11))]
    assert sizes == [(25, 25), (25, 25), (32, 25), (18, 25), (18, 8), (8, 8), (8, 8), (8, 8),
                     (6, 7), (8, 8)]  # fmt: skip
    for number in range(1, 11):
        test = weat_test(number, lists)
        assert len(test.x) == len(test.y) and len(test.a) == len(test.b)
    assert weat_test(1, lists).x[0] == "aster" and weat_test(6, lists).a[0] == "executive"


def test_the_published_pairs_are_all_there(mirror):
    pairs = load_crows_pairs(progress=False)
    assert len(pairs) == 1_508
    assert sum(pair.direction == "stereo" for pair in pairs) == 1_290
    assert len({pair.kind for pair in pairs}) == 9
    assert sum(pair.kind == "race-color" for pair in pairs) == 516
