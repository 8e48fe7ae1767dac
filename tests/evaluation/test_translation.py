"""BLEU by hand is sacrebleu's, and nltk's."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import corpus_bleu as nltk_bleu
from sacrebleu.metrics import BLEU, CHRF

from llm_book.evaluation.translation import (
    bleu_counts,
    bleu_of,
    bleu_with_signature,
    brevity_penalty,
    chrf_with_signature,
    corpus_bleu,
    n_grams,
)

WORDS = st.lists(st.sampled_from("abc"), max_size=12)
CORPUS = st.lists(st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=3)), min_size=1, max_size=5)
NEAR = st.lists(st.sampled_from("aab"), min_size=6, max_size=12)
NEAR_CORPUS = st.lists(
    st.tuples(NEAR, st.lists(NEAR, min_size=2, max_size=3)), min_size=1, max_size=5
)


def sacrebleus(hypotheses, references, order=4, effective=False):
    most = max(map(len, references))
    streams = [
        [" ".join(several[k]) if k < len(several) else None for several in references]
        for k in range(most)
    ]
    bleu = BLEU(
        smooth_method="none",
        tokenize="none",
        force=True,
        max_ngram_order=order,
        effective_order=effective,
    )
    return bleu.corpus_score([" ".join(h) for h in hypotheses], streams)


@given(corpus=st.one_of(CORPUS, NEAR_CORPUS), order=st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_corpus_bleu_equals_sacrebleus_unsmoothed(corpus, order):
    hypotheses, references = map(list, zip(*corpus, strict=True))
    ours, theirs = (
        corpus_bleu(hypotheses, references, order),
        sacrebleus(hypotheses, references, order),
    )
    assert ours.score == pytest.approx(theirs.score / 100, abs=1e-12)
    assert (ours.length, ours.reference_length) == (theirs.sys_len, theirs.ref_len)
    assert [100 * p for p in ours.precisions] == pytest.approx(theirs.precisions)
    if any(ours.precisions):  # sacrebleu leaves it at 0 where nothing matches
        assert ours.brevity_penalty == pytest.approx(theirs.bp)


@given(corpus=CORPUS)
@settings(max_examples=100, deadline=None)
def test_with_the_effective_order_too(corpus):
    hypotheses, references = map(list, zip(*corpus, strict=True))
    ours = corpus_bleu(hypotheses, references, effective_order=True)
    theirs = sacrebleus(hypotheses, references, effective=True)
    assert ours.score == pytest.approx(theirs.score / 100, abs=1e-12)


@given(corpus=NEAR_CORPUS, data=st.data())
@settings(max_examples=50, deadline=None)
def test_another_draw_of_the_same_rows_needs_no_new_counting(corpus, data):
    rows = data.draw(st.lists(st.integers(0, len(corpus) - 1), min_size=1))
    hypotheses, references = map(list, zip(*corpus, strict=True))
    drawn = corpus_bleu([hypotheses[row] for row in rows], [references[row] for row in rows])
    assert bleu_of(bleu_counts(hypotheses, references)[rows]) == drawn


@given(corpus=NEAR_CORPUS)
@settings(max_examples=50, deadline=None)
@pytest.mark.filterwarnings("ignore:\nThe hypothesis contains 0 counts:UserWarning")
def test_nltk_agrees_where_something_matches(corpus):
    hypotheses, references = map(list, zip(*corpus, strict=True))
    ours = corpus_bleu(hypotheses, references)
    if ours.score:
        assert ours.score == pytest.approx(nltk_bleu(references, hypotheses))


def test_real_translations_score_what_sacrebleu_says(mirror):
    folder = mirror / "wikitext2"
    text = next(iter(sorted(folder.rglob("*.txt")) or sorted(folder.rglob("*.tokens"))), None)
    source = text or next(
        path for path in sorted(mirror.rglob("*.txt")) if path.stat().st_size > 9e4
    )
    lines = source.read_text(encoding="utf-8", errors="ignore").splitlines()
    references = [[line.split()] for line in lines if len(line.split()) > 8][:200]
    hypotheses = [words[:-2] + words[-1:] + words[: i % 4] for i, (words,) in enumerate(references)]
    ours, theirs = corpus_bleu(hypotheses, references), sacrebleus(hypotheses, references)
    assert 0.5 < ours.score < 1
    assert ours.score == pytest.approx(theirs.score / 100, abs=1e-12)


def test_a_word_said_seven_times_counts_as_often_as_one_reference_has_it():
    # Papineni et al. (2002), the example of section 2.1
    said = ["the", "the", "the", "the", "the", "the", "the"]
    references = [["the", "cat", "is", "on", "the", "mat"], ["there", "is", "a", "cat"]]
    assert corpus_bleu([said], [references], 1).precisions == (2 / 7,)


def test_the_closest_reference_length_counts_and_the_shorter_of_two():
    assert corpus_bleu([list("abc")], [[list("ab"), list("abcd")]]).reference_length == 2
    assert corpus_bleu([list("abc")], [[list("a"), list("abcd")]]).reference_length == 4
    assert brevity_penalty(3, 3) == brevity_penalty(4, 3) == 1
    assert brevity_penalty(2, 3) == pytest.approx(math.exp(-1 / 2))
    assert brevity_penalty(0, 3) == 0
    assert brevity_penalty(0, 0) == 1


def test_a_perfect_corpus_scores_one_and_one_too_short_for_four_words_nothing():
    perfect = [list("abcde")]
    assert corpus_bleu(perfect, [perfect]).score == pytest.approx(1)
    short = [list("abc")]
    assert corpus_bleu(short, [short]).score == 0
    assert corpus_bleu(short, [short], effective_order=True).score == pytest.approx(1)
    assert corpus_bleu([[]], [[[]]], effective_order=True).score == 0


def test_n_grams_are_counted_with_their_repetitions():
    assert n_grams(["a", "b", "a", "b"], 2) == {("a", "b"): 2, ("b", "a"): 1}
    assert not n_grams(["a"], 2)


HYPOTHESES = ["The cat sat on the mat.", "他喜欢 红苹果。"]
REFERENCES = [["The cat is on the mat.", "A cat sat on the mat."], ["他喜欢红色的苹果。"]]


@pytest.mark.parametrize("tokenize", ["13a", "zh", "char"])
def test_the_signed_bleu_is_sacrebleus_with_its_signature(tokenize):
    ours = bleu_with_signature(HYPOTHESES, REFERENCES, tokenize)
    peer = BLEU(tokenize=tokenize)
    score = peer.corpus_score(
        HYPOTHESES, [[several[0] for several in REFERENCES], [REFERENCES[0][1], None]]
    )
    assert ours.score == pytest.approx(score.score / 100)
    assert f"tok:{tokenize}" in ours.signature
    assert ours.signature == str(peer.get_signature())
    assert "version:" in ours.signature


@pytest.mark.parametrize("word_order", [0, 2])
def test_the_signed_chrf_is_sacrebleus_with_its_signature(word_order):
    ours = chrf_with_signature(HYPOTHESES, REFERENCES, word_order)
    peer = CHRF(word_order=word_order)
    score = peer.corpus_score(
        HYPOTHESES, [[several[0] for several in REFERENCES], [REFERENCES[0][1], None]]
    )
    assert ours.score == pytest.approx(score.score / 100)
    assert f"nw:{word_order}" in ours.signature


def test_the_defaults_are_13a_and_chrf_without_words():
    assert "tok:13a" in bleu_with_signature(HYPOTHESES, REFERENCES).signature
    assert "nw:0" in chrf_with_signature(HYPOTHESES, REFERENCES).signature


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: corpus_bleu([], []), "0 hypotheses and 0 lists of references"),
        (lambda: corpus_bleu([["a"]], []), "1 hypotheses and 0 lists of references"),
        (lambda: corpus_bleu([["a"], ["b"]], [[["a"]], []]), "hypothesis 1 has no list of ref"),
        (lambda: corpus_bleu(["a b"], [[["a"]]]), "'a b' is a string, and its letters"),
        (lambda: corpus_bleu([["a"]], [["a b"]]), "'a b' is a string, and its letters"),
        (lambda: corpus_bleu([["a"]], [[["a"]]], 0), "max_order is 0"),
        (lambda: bleu_with_signature(["a"], [["a"]], "jp"), "tokenize 'jp' is unknown"),
        (lambda: bleu_with_signature(["a"], ["a"]), "hypothesis 0 has no list of references but"),
        (lambda: chrf_with_signature(["a"], [["a"]], -1), "word_order is -1"),
        (lambda: chrf_with_signature([], []), "0 hypotheses and 0"),
        (lambda: bleu_with_signature([], []), "0 hypotheses and 0"),
    ],
)
def test_what_is_no_corpus_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
