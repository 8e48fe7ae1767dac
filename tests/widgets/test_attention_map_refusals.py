"""What cannot be shown as attention is refused in a sentence that says what to do."""

import numpy as np
import pytest
import torch

from llm_book.widgets.attention_map import attention_map
from llm_book.widgets.attention_steps import AttentionSteps

WORDS = ["a", "b", "c"]
EVEN = np.full((3, 3), 1 / 3)
PAST = np.tril(np.ones((3, 3))) / np.arange(1, 4)[:, None]


def with_one(place, value, base=EVEN):
    changed = np.array(base)
    changed[place] = value
    return changed


REFUSED = {
    "NaN": (with_one((0, 0), np.nan), {}, "NaN or infinity"),
    "infinity": (torch.tensor(with_one((0, 0), np.inf)), {}, "NaN or infinity"),
    "negative": (with_one((1, 2), -0.2), {}, r"layer 0, head 0, row 1 holds -0.2.*softmax"),
    "a row that is no softmax": (
        np.stack([EVEN, with_one((2, 0), 0.4)]),
        {},
        "layer 0, head 1, row 2 sums to 1.067 and not to 1",
    ),
    "float32 a little off": (torch.tensor(EVEN * 1.002).float(), {}, "row 0 sums to 1.002"),
    "bfloat16 far off": (torch.tensor(EVEN * 1.05).bfloat16(), {}, "sums to 1.0"),
    "one axis": (np.ones(3), {}, r"shape \(3,\) came; expected \[query, key\]"),
    "six axes": (np.ones((1, 1, 1, 1, 3, 3)), {}, "expected"),
    "words": ("weights", {}, "no numbers"),
    "two texts": (np.stack([[EVEN] * 2] * 2)[None, ...], {}, r"2 texts came.*weights\[:, :1\]"),
    "two texts in a list": ([torch.tensor(np.stack([[EVEN]] * 2))], {}, r"\[layer\[:1\] for"),
    "a layer of one axis": ([np.ones(3)], {}, r"a layer of shape \(3,\)"),
    "layers that differ": ([EVEN[None], np.stack([EVEN, EVEN])], {}, "give layers of one shape"),
    "other sizes": (np.full((4, 4), 1 / 4), {}, "maps are 4 × 4 and there are 3 query and 3 key"),
    "no maps": (np.zeros((0, 2, 3, 3)), {}, "hold nothing"),
    "None": (None, {}, 'attn_implementation="eager"'),
    "None in a list": ((None, None), {}, 'attn_implementation="eager"'),
    "a causal map that looks ahead": (EVEN, {"kind": "causal"}, "above its diagonal"),
    "a cross map called causal": (
        np.full((3, 2), 1 / 2),
        {"kind": "causal", "key_tokens": ["x", "y"]},
        "above its diagonal",
    ),
    "another kind": (EVEN, {"kind": "sideways"}, "choose one of self, causal, cross, difference"),
    "a difference beyond 1": (EVEN * 9, {"kind": "difference"}, "differ by at most 1"),
    "a second sentence at 0": (EVEN, {"sentence_b": 0}, "between 1 and 2"),
    "a second sentence beyond": (EVEN, {"sentence_b": 3}, "between 1 and 2"),
    "two sentences in two texts": (
        EVEN,
        {"sentence_b": 1, "key_tokens": WORDS},
        "leave out key_tokens",
    ),
    "no such layer": (EVEN, {"layers": [1]}, r"layers \[1\] cannot be shown; choose from 0 to 0"),
    "a head twice": (EVEN, {"heads": [0, 0]}, "heads"),
    "no heads": (EVEN, {"heads": []}, "heads"),
    "a head that is no list": (EVEN, {"heads": 0}, r"give a list of numbers"),
    "no checkpoints": (None, {"checkpoints": {}}, "at least one"),
    "checkpoints without names": (None, {"checkpoints": [EVEN]}, "give {step: weights}"),
    "checkpoints that differ": (
        None,
        {"checkpoints": {0: EVEN, 1: np.stack([EVEN, EVEN])}},
        r"checkpoint 1 has maps of shape \(1, 2, 3, 3\)",
    ),
    "a bad checkpoint": (None, {"checkpoints": {7: EVEN * 2}}, "checkpoint 7: .* sums to 2"),
    "a checkpoint of None": (None, {"checkpoints": {7: None}}, "eager"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_sentence(name):
    weights, more, why = REFUSED[name]
    with pytest.raises(ValueError, match=why) as caught:
        attention_map(weights, WORDS, **more)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 260


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        ([], "empty|no tokens"),
        ("abc", "one string"),
        ([1, 2, 3], "is no text"),
        ([b"a", "b", b"c"], "no bytes"),
    ],
)
def test_tokens_that_are_none_are_refused(tokens, why):
    with pytest.raises(ValueError, match=why):
        attention_map(EVEN, tokens)


def test_rows_in_sixteen_bits_may_stray_further():
    for kind in (torch.float16, torch.bfloat16):
        kept = attention_map(torch.tensor(EVEN * 1.02).to(kind), WORDS).record.weights
        assert kept.sum(axis=-1) == pytest.approx(1.02, abs=0.005)  # shown as they came
    kept = attention_map(torch.tensor(EVEN * 1.0005).float(), WORDS).record.weights
    assert kept.sum(axis=-1) == pytest.approx(1.0005, abs=1e-6)
    with pytest.raises(ValueError, match="sum"):
        attention_map(torch.tensor(EVEN * 1.02).float(), WORDS)


def test_a_map_too_large_for_a_page_is_refused():
    many = np.full((2050, 2050), 1 / 2050, dtype=np.float32)
    with pytest.raises(ValueError, match="2050 tokens are too many"):
        attention_map(many, ["a"] * 2050)
    wide = np.broadcast_to(np.full((1000, 1000), 1 / 1000, dtype=np.float32), (13, 1000, 1000))
    with pytest.raises(ValueError, match="at most 12,000,000 are left"):
        attention_map(wide, ["a"] * 1000)


SOME = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"query": SOME[0]}, r"query of shape \(2,\) came; give one head's"),
        ({"key": torch.randn(3, 4)}, "do not fit"),
        ({"value": SOME[:2]}, "do not fit"),
        ({"value": SOME * float("nan")}, "NaN or infinity"),
        ({"query": SOME.repeat(4, 1)}, "12 tokens cannot be read; give at most 10"),
        ({"mask": torch.ones(3, 3)}, "expected booleans"),
        ({"mask": torch.ones(2, 3, dtype=torch.bool)}, "expected booleans"),
        ({"mask": torch.zeros(3, 3, dtype=torch.bool)}, "look nowhere"),
    ],
)
def test_steps_that_do_not_fit_are_refused(changes, why):
    with pytest.raises(ValueError, match=why):
        AttentionSteps(**({"query": SOME, "key": SOME, "value": SOME} | changes))


def test_steps_must_lead_to_the_weights_that_are_shown():
    steps = AttentionSteps(SOME, SOME, SOME)
    attention_map(steps.weights(), WORDS, steps=steps)
    with pytest.raises(ValueError, match="the steps lead to weights that differ by"):
        attention_map(EVEN, WORDS, steps=steps)
    with pytest.raises(ValueError, match=r"the steps are 3 × 3 and the maps 2 × 2"):
        attention_map(np.eye(2), WORDS[:2], steps=steps)
    far = AttentionSteps(SOME, SOME, SOME, head=1)
    with pytest.raises(ValueError, match="there are 1 layers of 1 heads"):
        attention_map(steps.weights(), WORDS, steps=far)
    both = np.stack([steps.weights()] * 2)
    with pytest.raises(ValueError, match="which is not shown"):
        attention_map(both, WORDS, steps=far, heads=[0])


def test_weights_that_never_look_ahead_are_found_to_be_causal():
    assert attention_map(PAST, WORDS).record.relation == "causal"
    assert attention_map(EVEN, WORDS).record.relation == "self"
    assert attention_map(PAST, WORDS, kind="causal").record.triangle
    assert attention_map(PAST, WORDS, WORDS).record.relation == "cross"
