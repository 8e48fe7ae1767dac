"""The sampling view: the page computes what the package computes, and its controls work."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.generation.filtering import Sampling
from llm_book.widgets.sampling import MOST_TOKENS, sampling, sampling_record
from tests.widgets.node import run
from tests.widgets.pages import opened

LOGITS = [2.0, 1.0, 1.0, 0.0, -1.5, -3.0]
WORDS = ["the", " a", "\n", "语言", "<b>x</b>", "🦉"]
CASES = [
    Sampling(),
    Sampling(temperature=0),
    Sampling(temperature=0.3, top_k=2),
    Sampling(temperature=1.7, top_p=0.6),
    Sampling(min_p=0.3),
    Sampling(temperature=0.8, top_k=5, top_p=0.9, min_p=0.1),
]


@pytest.mark.parametrize("chosen", CASES)
def test_the_page_computes_the_packages_probabilities_and_sentence(chosen):
    record = sampling_record(LOGITS, WORDS, chosen)
    document = record.document()
    got = run("sampling", "w.probabilities(a[0].logits, a[0].settings)", document)
    assert np.allclose(got, record.probabilities(), atol=1e-9)
    said = run("sampling", "w.sentence(a[0], a[0].settings, t)", document)
    assert said == record.sentence("en")


@settings(max_examples=12)
@given(
    st.lists(st.integers(-80, 80).map(lambda n: n / 8), min_size=1, max_size=40),
    st.sampled_from([0.0, 0.25, 1.0, 2.5]),
    st.one_of(st.none(), st.integers(1, 45)),
    st.one_of(st.none(), st.sampled_from([0.05, 0.35, 0.77, 0.99])),
    st.one_of(st.none(), st.sampled_from([0.013, 0.4, 0.97])),
)
def test_for_any_logits_and_settings_both_agree(logits, temperature, top_k, top_p, min_p):
    chosen = Sampling(temperature, top_k, top_p, min_p)
    record = sampling_record(logits, [str(i) for i in range(len(logits))], chosen)
    got = run("sampling", "w.probabilities(a[0].logits, a[0].settings)", record.document())
    assert np.allclose(got, record.probabilities(), atol=1e-6)


def test_a_large_vocabulary_is_cut_and_says_how_much_was_lost():
    logits = torch.linspace(0, 4, MOST_TOKENS + 300)
    record = sampling_record(logits, [f"w{i}" for i in range(len(logits))])
    kept = logits.double().softmax(0).sort(descending=True).values[:MOST_TOKENS].sum()
    assert record.left_out == 300
    assert record.lost == pytest.approx(1 - float(kept), abs=1e-9)
    assert "300 tokens with" in record.sentence("en")
    assert run("sampling", "w.sentence(a[0], a[0].settings, t)", record.document()) == (
        record.sentence("en")
    )


@pytest.mark.parametrize(
    ("logits", "tokens", "chosen", "why"),
    [
        ([1.0, float("nan")], ["a", "b"], Sampling(), "NaN or infinity"),
        ([[1.0, 2.0]], ["a", "b"], Sampling(), "give those of one step"),
        ([1.0, 2.0], ["a"], Sampling(), "one token a logit"),
        ([1.0, 2.0], "ab", Sampling(), "one string"),
        ([1.0], [3], Sampling(), "is no text"),
        ([], [], Sampling(), "those of one step"),
        ([1.0], ["a"], Sampling(repetition_penalty=2), "earlier tokens"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(logits, tokens, chosen, why):
    with pytest.raises(ValueError, match=why):
        sampling(logits, tokens, settings=chosen)


@pytest.mark.needs_browser
def test_the_controls_work_by_keyboard(chromium, tmp_path):
    with opened(chromium, sampling(LOGITS, WORDS), tmp_path) as page:
        assert "6 of 6 tokens" in page.locator(".sentence").inner_text()
        page.locator("input[type=range]").nth(1).focus()
        for _ in range(2):
            page.keyboard.press("ArrowRight")
        assert "3 of 6 tokens" in page.locator(".sentence").inner_text()  # two tie for the second
        page.get_by_role("button", name="Draw ten tokens").focus()
        page.keyboard.press("Enter")
        assert page.locator(".drawn bdi").count() == 10


@pytest.mark.needs_browser
def test_a_link_restores_the_view(chromium, tmp_path):
    shown = sampling(LOGITS, WORDS)
    with opened(chromium, shown, tmp_path) as page:
        page.goto("about:blank")
        page.goto((tmp_path / f"{shown.key}.html").as_uri() + f"#w={shown.key}&temperature=0")
        page.wait_for_selector(".llm-book[data-alive]")
        assert "1 of 6 tokens" in page.locator(".sentence").inner_text()
