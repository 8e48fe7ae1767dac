"""Similarities and analogies: read as people said them, refused by row."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from llm_book.data.glove import load_glove
from llm_book.data.word_tests import (
    Analogy,
    ScoredPair,
    WordSimilarities,
    load_ca8,
    load_google_analogies,
    load_simlex999,
    load_wordsim353,
    read_analogies,
    read_similarities,
)


def written(tmp_path, text):
    path = tmp_path / "w.txt"
    path.write_bytes(text.encode())
    return path


def test_pairs_come_in_order_with_their_scores(tmp_path):
    read = read_similarities(written(tmp_path, "cup\tmug\t10\r\nday\tnight\t0.0\r\nmug\tcup\t9\n"))
    assert read == WordSimilarities(
        (ScoredPair("cup", "mug", 10), ScoredPair("day", "night", 0), ScoredPair("mug", "cup", 9))
    )
    assert (len(read.pairs), read.n_distinct) == (3, 2)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("cup\tmug", "row 2: 2 columns where 3 were expected"),
        ("cup\t\t1", "row 2: a word is missing"),
        (" \tmug\t1", "row 2: a word is missing"),
        ("cup\tmug\tx", "row 2: the score 'x' is not from 0 to 10"),
        ("cup\tmug\tnan", "row 2: the score 'nan' is not from 0 to 10"),
        ("cup\tmug\t10.1", "row 2: the score '10.1' is not from 0 to 10"),
        ("cup\tmug\t-0.1", "row 2: the score '-0.1' is not from 0 to 10"),
    ],
)
def test_a_malformed_pair_is_refused_by_row(row, sentence, tmp_path):
    with pytest.raises(ValueError, match=rf"w\.txt, {sentence}"):
        read_similarities(written(tmp_path, f"a\tb\t1\n{row}\n"))


def test_analogies_come_by_section_and_unpack(tmp_path):
    read = read_analogies(written(tmp_path, ": one\r\na b c d\r\n: two\ne f g h\ni j k l\n"))
    assert list(read) == ["one", "two"]
    assert read["one"] == (Analogy("a", "b", "c", "d"),)
    assert [d for _, _, _, d in read["two"]] == ["h", "l"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a b c d\n", "row 1: it stands before the first ': section'"),
        (": one\na b c d\na b c\n", "row 3: 3 words where 4 were expected"),
        (": one\na b c d e\n", "row 2: 5 words where 4 were expected"),
        (": one\na b c d\n: one\n", "row 3: the section 'one' stands twice"),
    ],
)
def test_a_malformed_analogy_is_refused_by_row(text, sentence, tmp_path):
    with pytest.raises(ValueError, match=rf"w\.txt, {sentence}"):
        read_analogies(written(tmp_path, text))


def test_the_published_similarities_have_their_pairs(mirror):
    wordsim, simlex = load_wordsim353(progress=False), load_simlex999(progress=False)
    assert (len(wordsim.pairs), wordsim.n_distinct) == (353, 351)
    assert (len(simlex.pairs), simlex.n_distinct) == (999, 998)
    assert ScoredPair("tiger", "tiger", 10.0) in wordsim.pairs
    assert simlex.pairs[0] == ("old", "new", 1.58)


def test_the_published_analogies_have_their_sections(mirror):
    google = load_google_analogies(progress=False)
    assert len(google) == 14 and sum(map(len, google.values())) == 19_544
    assert sum(name.startswith("gram") for name in google) == 9
    assert google["family"][0] == ("boy", "girl", "brother", "sister")
    ca8 = load_ca8(progress=False)
    assert {name: len(rows) for name, rows in ca8.items()} == {
        "geography": 3192,
        "nature": 1370,
        "history": 1465,
        "people": 1609,
    }
    assert not any("\r" in word for rows in ca8.values() for row in rows for word in row)


def test_the_published_vectors_score_what_they_are_known_to(mirror):
    glove = load_glove(progress=False)
    pairs = [(a.lower(), b.lower(), s) for a, b, s in load_wordsim353(progress=False).pairs]
    covered = [(a, b, s) for a, b, s in pairs if a in glove and b in glove]
    cosines = [float(glove[a] @ glove[b]) for a, b, _ in covered]
    rho = spearmanr(cosines, [score for _, _, score in covered]).statistic
    assert rho == pytest.approx(0.525, abs=0.005)


def test_the_published_vectors_solve_the_analogies_they_are_known_to(mirror):
    glove = load_glove(progress=False)
    table = glove.vectors.numpy()
    asked = [
        row
        for rows in load_google_analogies(progress=False).values()
        for row in ([word.lower() for word in words] for words in rows)
        if all(word in glove for word in row)
    ]
    some = asked[::37]  # about 450 of them: enough for two digits
    a, b, c, d = (np.array(glove.rows(side)) for side in zip(*some, strict=True))
    scores = (table[b] - table[a] + table[c]) @ table.T
    for used in (a, b, c):
        scores[np.arange(len(some)), used] = -np.inf
    assert (scores.argmax(1) == d).mean() == pytest.approx(0.479, abs=0.05)
