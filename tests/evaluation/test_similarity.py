"""Similarity, neighbours and analogies are gensim's and scipy's on the same vectors."""

import math
import re

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from llm_book.data.glove import read_glove_int8
from llm_book.evaluation.analogies import AnalogyScore, analogy_scores, answers, total
from llm_book.evaluation.similarity import (
    VectorTable,
    mean_ranks,
    neighbour_overlap,
    spearman,
    word_similarity,
)

WORDS = [f"w{i}" for i in range(40)]


def vectors(seed=0, n=40, width=6):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def gensims(words, rows):
    peer = KeyedVectors(rows.shape[1])
    peer.add_vectors(words, rows)
    return peer


numbers = st.lists(st.integers(-3, 3), min_size=3, max_size=30).filter(lambda x: len(set(x)) > 1)


@given(numbers, st.data())
@settings(max_examples=60, deadline=None)
def test_spearman_is_scipys_ties_and_all(first, data):
    n = len(first)
    second = data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    if len(set(second)) > 1:
        assert spearman(first, second) == pytest.approx(spearmanr(first, second)[0], abs=1e-12)
    assert spearman(first, first) == pytest.approx(1)
    assert spearman(first, [-x for x in first]) == pytest.approx(-1)
    assert spearman(first, [math.exp(x) for x in first]) == pytest.approx(1)


def test_equal_numbers_share_their_mean_place():
    assert mean_ranks([30, 10, 20, 20]).tolist() == [4, 1, 2.5, 2.5]


def test_neighbours_are_gensims():
    rows = vectors()
    table, peer = VectorTable(WORDS, rows), gensims(WORDS, rows)
    for word in ("w0", "w7", "w39"):
        ours, theirs = table.neighbours(word, 5), peer.most_similar(word, topn=5)
        assert [w for w, _ in ours] == [w for w, _ in theirs]
        np.testing.assert_allclose([c for _, c in ours], [c for _, c in theirs], atol=1e-6)
    assert table.similarity("w1", "w2") == pytest.approx(peer.similarity("w1", "w2"), abs=1e-6)
    assert len(table.neighbours("w0", 100)) == len(table) - 1 == 39
    assert len(table.neighbours("w0")) == 10


def test_neighbours_with_equal_cosines_stand_in_the_order_of_the_table():
    table = VectorTable(["a", "b", "c", "d"], [[1, 0], [0, 2], [0, 1], [0, 3]])
    assert [word for word, _ in table.neighbours("a", 3)] == ["b", "c", "d"]


@pytest.mark.parametrize("missing_as_zero", [False, True])
def test_word_similarity_is_gensims_with_unknown_words_counted(tmp_path, missing_as_zero):
    rows, rng = vectors(1), np.random.default_rng(1)
    pairs = [
        (f"W{rng.integers(50)}", f"w{rng.integers(50)}", int(rng.integers(11))) for _ in range(90)
    ]
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{a}\t{b}\t{s}\n" for a, b, s in pairs), encoding="utf-8")
    _, theirs, share = gensims(WORDS, rows).evaluate_word_pairs(
        str(path), dummy4unknown=missing_as_zero
    )
    ours = word_similarity(VectorTable(WORDS, rows, fold_case=True), pairs, missing_as_zero)
    assert ours.rho == pytest.approx(theirs[0], abs=1e-6)
    assert ours.covered + ours.missing == 90
    assert 100 * ours.missing / 90 == pytest.approx(share)
    assert ours.coverage == pytest.approx(ours.covered / 90)
    strict = word_similarity(
        VectorTable(WORDS, rows), [("w1", "w2", 1), ("w3", "w4", 2), ("W1", "w2", 3)]
    )
    assert (strict.covered, strict.missing) == (2, 1)


def quadruples(seed, n, size):
    rng = np.random.default_rng(seed)
    return [tuple(f"w{i}" for i in rng.choice(size, 4, replace=False)) for _ in range(n)]


def planted(seed=2):
    """Vectors in which some analogies hold: half of the words are the others, moved alike."""
    half = np.random.default_rng(seed).normal(size=(20, 6))
    return np.concatenate([half, half + np.array([1.5, 0, 0, 0, 0, 0])]).astype(np.float32)


@pytest.mark.parametrize("missing_as_wrong", [False, True])
def test_analogies_are_gensims_section_by_section(tmp_path, missing_as_wrong):
    rows = planted()
    sections = {
        "planted": [
            (f"w{i}", f"w{i + 20}", f"w{j}", f"w{j + 20}")
            for i in range(12)
            for j in (i + 1, i + 3)
        ],
        "random": quadruples(0, 30, 44),
    }
    path = tmp_path / "questions.txt"
    text = "".join(
        f": {name}\n" + "".join(" ".join(q).upper() + "\n" for q in questions)
        for name, questions in sections.items()
    )
    path.write_text(text, encoding="utf-8")
    score, theirs = gensims(WORDS, rows).evaluate_word_analogies(
        str(path), dummy4unknown=missing_as_wrong
    )
    table = VectorTable(WORDS, rows, fold_case=True)
    ours = analogy_scores(table, sections, missing_as_wrong=missing_as_wrong)
    for section in theirs[:-1]:
        mine = ours[section["section"]]
        assert mine.right == len(section["correct"])
        assert mine.covered == len(section["correct"]) + len(section["incorrect"])
    whole = total(ours)
    assert whole.accuracy == pytest.approx(score)
    assert whole.missing == sum(any(int(w[1:]) >= 40 for w in q) for q in sections["random"]) > 0
    assert 0 < whole.right < whole.covered
    assert ours["planted"].accuracy > 0.5


@pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`")
@pytest.mark.parametrize("method", ["add", "multiply"])
def test_answers_are_gensims_for_both_methods(method):
    rows = vectors(3)
    table, peer = VectorTable(WORDS, rows), gensims(WORDS, rows)
    search = {"add": peer.most_similar, "multiply": peer.most_similar_cosmul}[method]
    questions = quadruples(4, 300, 40)
    expected = [search(positive=[b, c], negative=[a], topn=1)[0][0] for a, b, c, _ in questions]
    assert answers(table, questions, method) == expected
    assert answers(table, questions[:1], method) == expected[:1]
    assert answers(table, [], method) == []


def test_the_formulas_hold_without_excluding_the_query():
    rows = vectors(5)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    table, questions = VectorTable(WORDS, rows), quadruples(6, 50, 40)
    a, b, c = (unit[[int(q[i][1:]) for q in questions]] for i in range(3))
    added = (b - a + c) @ unit.T
    cosines = [(1 + part @ unit.T) / 2 for part in (a, b, c)]
    product = cosines[1] * cosines[2] / (cosines[0] + 0.5)
    for method, fit in (("add", added), ("multiply", product)):
        expected = [WORDS[i] for i in fit.argmax(1)]
        given_back = answers(table, questions, method, exclude_query=False, epsilon=0.5)
        assert given_back == expected
        assert any(d in q[:3] for d, q in zip(given_back, questions, strict=True))
        excluded = answers(table, questions, method)
        assert not any(d in q[:3] for d, q in zip(excluded, questions, strict=True))


def test_where_case_does_not_count_no_spelling_of_the_query_is_an_answer():
    words = ["a", "b", "c", "B", "d"]
    rows = [[1, 0, 0], [0, 1, 0], [0, 0.9, 0.1], [0, 1, 0.01], [-0.5, 0.5, 0.5]]
    question = [("a", "b", "c")]
    assert answers(VectorTable(words, rows), question) == ["B"]
    assert answers(VectorTable(words, rows, fold_case=True), question) == ["d"]


def test_what_is_measured_is_a_plain_number():
    first, second = vectors(1), vectors(2)
    numbers = [spearman(first[0], second[0]), VectorTable(WORDS, first).similarity("w1", "w2")]
    numbers += [cosine for _, cosine in VectorTable(WORDS, first).neighbours("w1")]
    assert {type(number) for number in numbers} == {float}


def test_one_neighbour_may_be_asked_for_and_ten_are_the_rule():
    first, second = VectorTable(WORDS, vectors(7)), VectorTable(WORDS, vectors(8))
    assert first.neighbours("w0", 1) == first.neighbours("w0")[:1]
    assert neighbour_overlap(first, second) == neighbour_overlap(first, second, n=10)
    assert neighbour_overlap(first, second, n=39) == 1


def test_an_analogy_with_an_unknown_word_is_not_covered_unless_it_is_asked_for():
    table, sections = VectorTable(WORDS, vectors()), {"s": [("w1", "w2", "w3", "x")]}
    assert analogy_scores(table, sections) == {"s": AnalogyScore(0, 0, 1)}
    assert analogy_scores(table, sections, missing_as_wrong=True)["s"].covered == 1


def test_of_several_spellings_the_first_is_the_word():
    table = VectorTable(["b", "A", "a"], [[1, 1], [1, 0], [0, 1]], fold_case=True)
    assert table.rows("a") == [1, 2]
    assert table.row("a") == 1
    assert table.similarity("A", "a") == 1


def test_scores_add_up_and_no_analogy_is_no_accuracy():
    assert AnalogyScore(1, 2, 3) + AnalogyScore(10, 20, 30) == AnalogyScore(11, 22, 33)
    assert AnalogyScore(0, 0, 4).accuracy == 0
    assert total({}) == AnalogyScore(0, 0, 0)


def test_a_table_agrees_with_itself_and_by_chance_with_another():
    first, second = VectorTable(WORDS, vectors(7)), VectorTable(WORDS, vectors(8))
    assert neighbour_overlap(first, first) == 1
    turned = VectorTable(WORDS, vectors(7) @ np.linalg.qr(vectors(9, 6))[0])
    assert neighbour_overlap(first, turned) == 1
    assert 0.1 < neighbour_overlap(first, second, n=10) < 0.45
    expected = np.mean(
        [
            len(
                {w for w, _ in first.neighbours(word, 3)}
                & {w for w, _ in second.neighbours(word, 3)}
            )
            for word in ("w3", "w4")
        ]
    )
    assert neighbour_overlap(first, second, ["w3", "w4", "none"], n=3) == pytest.approx(
        expected / 3
    )


def test_only_shared_words_are_compared():
    rows = vectors(10)
    more = VectorTable([*WORDS, "x", "y"], np.concatenate([rows, rows[:2] + 0.001]))
    assert neighbour_overlap(VectorTable(WORDS, rows), more, n=5) == 1


def test_published_vectors_score_what_was_published_of_them(mirror):
    found = read_glove_int8(mirror / "vectors" / "glove-6b-50d-top50k-q8-v1.bin")
    table = VectorTable(found.words, found.vectors.numpy(), fold_case=True)
    lines = (mirror / "wordsim" / "EN-WS-353-ALL.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    ours = word_similarity(table, [(a, b, float(score)) for a, b, score in rows])
    assert ours.rho == pytest.approx(0.525, abs=0.001)
    assert ours.covered + ours.missing == 353


@pytest.mark.slow
def test_published_vectors_answer_the_published_share_of_analogies(mirror):
    found = read_glove_int8(mirror / "vectors" / "glove-6b-50d-top50k-q8-v1.bin")
    table = VectorTable(found.words, found.vectors.numpy(), fold_case=True)
    sections = {}
    for line in (mirror / "wordsim" / "questions-words.txt").read_text("utf-8").splitlines():
        if line.startswith(":"):
            current = sections.setdefault(line[2:], [])
        else:
            current.append(tuple(line.split()))
    whole = total(analogy_scores(table, sections))
    assert whole.covered + whole.missing == 19_544
    assert whole.accuracy == pytest.approx(0.479, abs=0.002)


TABLE = VectorTable(WORDS, vectors())


@pytest.mark.parametrize(
    ("build", "error", "sentence"),
    [
        (lambda: VectorTable(["a"], vectors()), ValueError, "1 words and vectors of shape (40, 6)"),
        (lambda: VectorTable([], np.zeros((0, 3))), ValueError, "0 words and vectors of shape"),
        (lambda: VectorTable(["a"], [1.0]), ValueError, "1 words and vectors of shape (1,)"),
        (lambda: VectorTable(["a", "a"], [[1], [2]]), ValueError, "a word stands twice"),
        (lambda: VectorTable(["a", "b"], [[1], [0]]), ValueError, "the vector of 'b' has length 0"),
        (lambda: VectorTable(["a"], [[math.nan]]), ValueError, "the vector of 'a' has length nan"),
        (lambda: VectorTable(["a", "b"], [[1], [math.inf]]), ValueError, "of 'b' has length inf"),
        (lambda: VectorTable(["a", "b"], [[0.1], [0]]), ValueError, "the vector of 'b' has"),
        (lambda: TABLE.row("none"), KeyError, "'none' has no vector here"),
        (lambda: TABLE.similarity("w1", "W1"), KeyError, "'W1' has no vector here"),
        (lambda: TABLE.neighbours("w0", 0), ValueError, "0 neighbours were asked for"),
        (lambda: answers(TABLE, [("w1", "w2", "x")]), KeyError, "'x' has no vector here"),
        (lambda: answers(TABLE, [], "divide"), ValueError, "method 'divide' is unknown"),
        (
            lambda: analogy_scores(TABLE, {"s": [("a", "b", "c")]}),
            ValueError,
            "the analogy ('a', 'b', 'c') in 's' has 3 words; give four",
        ),
        (lambda: word_similarity(TABLE, [("w1", "w2", 3)]), ValueError, "1 pairs have vectors"),
        (lambda: spearman([1, 2], [1, 2, 3]), ValueError, "lists of shapes (2,) and (3,)"),
        (lambda: spearman([1], [1]), ValueError, "at least 2"),
        (lambda: spearman([[1, 2]], [[1, 2]]), ValueError, "lists of shapes (1, 2)"),
        (lambda: spearman([1, math.nan], [1, 2]), ValueError, "a list holds NaN"),
        (lambda: spearman([1, 2], [math.nan, 2]), ValueError, "a list holds NaN"),
        (lambda: spearman([1, 1], [1, 2]), ValueError, "all numbers of a list are equal"),
        (lambda: spearman([1, 2], [2, 2]), ValueError, "all numbers of a list are equal"),
        (lambda: neighbour_overlap(TABLE, TABLE, n=40), ValueError, "the tables share 40 words"),
        (lambda: neighbour_overlap(TABLE, TABLE, ["x"]), ValueError, "no query is in both tables"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(build, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        build()
