"""The attention map: what it stores, and that the page computes what the package computes."""

import base64
import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from llm_book.i18n import ZH
from llm_book.interpret.attention_maps import attention_maps
from llm_book.interpret.rollout import attention_rollout
from llm_book.widgets import attention_still
from llm_book.widgets.attention_map import attention_map, attention_record
from llm_book.widgets.attention_record import EXACT, SIGNED_STEP, STEP, decoded, encoded
from llm_book.widgets.attention_scores import PLACES, head_numbers, stray, strongest
from llm_book.widgets.attention_steps import AttentionSteps
from tests.interpret.models import gpt
from tests.widgets.node import run

WORDS = ["The", "cat", "sat", "on", "the", "mat", "and", "the", "rat"]
PAGE = "w.reader(a[0], Uint8Array.from(a[1]))"


def softmaxed(*shape, causal=False, scale=3.0, seed=0):
    scores = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale
    if causal:
        scores = scores.masked_fill(~torch.ones(shape[-2:], dtype=torch.bool).tril(), -torch.inf)
    return scores.softmax(dim=-1)


def page(record, expression, *more):
    """An expression of the page's module: ``r`` is the record, ``m`` its maps."""
    script = f"((r, m) => {expression})(a[0], {PAGE})"
    return run("attention_map", script, record.document(), list(record.blob()), *more)


def said_by_the_page(record, checkpoint, layer, head, lang="en"):
    words = {word: ZH[word] for word in ZH} if lang == "zh" else {}
    state = {"show": "head", "layer": layer, "head": head}
    return page(
        record,
        f"w.sentence(r, a[2], m({checkpoint}, {layer}, {head}), speaker(a[3]))",
        state,
        words,
    )


CASES = {
    "causal": lambda: attention_record(softmaxed(2, 3, 9, 9, causal=True), WORDS),
    "both ways": lambda: attention_record(softmaxed(2, 2, 9, 9), WORDS, sentence_b=4),
    "cross": lambda: attention_record(softmaxed(1, 2, 3, 5), WORDS[:3], WORDS[:5]),
    "one token": lambda: attention_record([[1.0]], ["a"]),
    "rounded": lambda: attention_record(
        softmaxed(10, 8, 64, 64, causal=True), [f"w{i % 40}" for i in range(64)]
    ),
    "difference": lambda: attention_record(
        softmaxed(2, 2, 5, 5) - softmaxed(2, 2, 5, 5, seed=1), WORDS[:5], kind="difference"
    ),
    "no difference": lambda: attention_record(np.zeros((3, 3)), WORDS[:3], kind="difference"),
    "two checkpoints": lambda: attention_record(
        None,
        WORDS,
        checkpoints={0: softmaxed(1, 2, 9, 9, scale=0), 10: softmaxed(1, 2, 9, 9)},
        caption="It learns.",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_page_has_the_packages_maps_numbers_links_and_sentences(name):
    record = CASES[name]()
    checkpoints, layers, heads, _, _ = record.weights.shape
    for place in {(0, 0, 0), (checkpoints - 1, layers - 1, heads - 1)}:
        ours = record.map(*place)
        theirs = np.array(page(record, f"Array.from(m{place})")).reshape(ours.shape)
        assert np.abs(theirs - ours).max() < 1e-12
        found = page(record, f"w.numbers(m{place}, r)")
        mine = head_numbers(ours, record.queries, record.relation != "cross")
        if record.relation != "difference":
            assert found == pytest.approx(mine, abs=1e-6)
        links = page(record, f"w.strongest(m{place}, r, 20)")
        across = len(record.keys)
        assert [divmod(i, across) for i in links] == strongest(ours, 20, record.triangle)
        assert said_by_the_page(record, *place) == (
            f"{record.head_sentence(*place)} {record.caption}".strip()
        )
        assert said_by_the_page(record, *place, lang="zh") == (
            f"{record.head_sentence(*place, 'zh')} {record.caption}".strip()
        )


def test_the_first_sentence_is_about_the_clearest_head_at_the_last_checkpoint():
    weights = softmaxed(2, 2, 9, 9, causal=True)
    weights[1, 0] = torch.eye(9).roll(-1, 1)
    weights[1, 0, 0] = torch.eye(9)[0]
    weights[1, 0] = weights[1, 0].tril()
    weights[1, 0, 0, 0] = weights[1, 0, 8, 7] = 1
    for row in range(1, 9):
        weights[1, 0, row] = torch.eye(9)[row - 1]
    record = attention_record(None, WORDS, checkpoints=[("a", weights.flip(0)), ("b", weights)])
    assert record.start == (1, 0)
    assert record.sentence("en") == (
        "Layer 2, head 1 of 2: on average 100 % of the weight lies on the token just before; "
        "the strongest link is “cat” → “The”, 1.00."
    )


def test_each_pattern_is_named_when_it_holds_the_weight():
    time = len(WORDS)
    eye = np.eye(time)
    first = np.zeros((time, time))
    first[:, 0] = 1
    after = np.roll(eye, 1, axis=1)
    again = np.eye(time)
    again[[7], :] = 0
    again[7, 5] = 1  # the second "the": what followed the first
    for weights, place in (
        (eye, "itself"),
        (first, "first"),
        (after, "after"),
        (again, "induction"),
    ):
        said = attention_record(weights, WORDS).sentence("en")
        assert PLACES[place] in said, place


def test_the_share_on_the_token_after_is_the_mean_over_all_that_have_one():
    weights = np.array([[0.7, 0.2, 0.1], [0.3, 0.1, 0.6], [0.5, 0.3, 0.2]])
    assert head_numbers(weights, ["a", "b", "c"])["after"] == pytest.approx((0.2 + 0.6) / 2)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
def test_rounding_never_turns_two_weights_around_and_tells_them_apart_beyond_a_bound(values):
    weights = np.array(values)
    codes = encoded(weights).astype(int)
    far = np.subtract.outer(weights, weights)
    order = np.subtract.outer(codes, codes)
    assert (order[far > 0] >= 0).all()
    assert (order[far > 0.008] > 0).all()
    assert np.abs(decoded(encoded(weights)) - weights).max() <= 0.004
    signed = np.concatenate([weights, -weights])
    assert np.abs(decoded(encoded(signed, True), True) - signed).max() <= 0.008


@pytest.mark.parametrize(("signed", "step"), [(False, STEP), (True, SIGNED_STEP)])
def test_what_is_written_lies_as_near_as_it_says(signed, step):
    values = decoded(np.arange(256).astype(np.uint8), signed)[int(signed) :]
    bounds = [stray(float(value), step) for value in values]
    theirs = run("attention_map", f"a[0].map((v) => w.stray(v, {step}))", values.tolist())
    assert theirs == pytest.approx(bounds)
    said = "a[0].map((v) => written(v, 1))"
    assert run("attention_map", said, theirs) == run("attention_map", said, bounds)
    weights = np.linspace(-1 if signed else 0, 1, 20_001)
    near = decoded(encoded(weights, signed), signed)
    for weight, value in zip(weights[::37], near[::37], strict=True):
        from llm_book.claims import written

        shown = float(written(float(value)))
        assert abs(shown - weight) <= stray(float(value), step) * (1 + 1e-9)


def test_few_weights_travel_as_they_are_and_many_as_bytes():
    few = attention_record(softmaxed(1, 1, 9, 9), WORDS)
    assert few.exact and len(few.blob()) == 81 * 4
    assert np.array_equal(few.map(0, 0, 0).astype(np.float32), few.weights[0, 0, 0])
    causal = attention_record(softmaxed(1, 1, 9, 9, causal=True), WORDS)
    assert len(causal.blob()) == 45 * 4 and causal.relation == "causal"
    many = CASES["rounded"]()
    assert many.stored.size > EXACT and len(many.blob()) == 80 * 64 * 65 // 2
    assert " ± " in many.sentence("en") and " ± " not in few.sentence("en")


def test_a_large_map_fits_in_its_page():
    shown = attention_map(
        softmaxed(12, 12, 128, 128, causal=True, scale=1), list(map(str, range(128)))
    )
    assert len(shown.html().encode()) <= 1.2e6


def test_rollout_is_the_packages():
    weights = softmaxed(3, 1, 4, 9, 9, causal=True)
    record = attention_record(weights, WORDS)
    for last in range(3):
        ours = attention_rollout(weights[: last + 1])[0].flatten()
        theirs = page(record, f"Array.from(w.rollout(m, r, 0, {last}))")
        assert np.abs(np.array(theirs) - ours.numpy()).max() < 1e-6


@pytest.mark.parametrize("masked", [True, False])
def test_the_page_calculates_each_step_as_the_package_does(masked):
    some = torch.Generator().manual_seed(3)
    query, key = torch.randn(4, 3, generator=some), torch.randn(6, 3, generator=some)
    mask = torch.ones(4, 6, dtype=torch.bool).tril(2) if masked else None
    steps = AttentionSteps(query, key, torch.randn(6, 2, generator=some), mask)
    record = attention_record(steps.weights(), WORDS[:4], WORDS[:6], steps=steps)
    found = page(
        record,
        "Object.fromEntries(Object.entries(w.calculated(r.steps, r.shape))"
        ".map(([name, v]) => [name, Array.from(v)]))",
    )
    ours = {
        "raw": steps.scores(), "scaled": steps.scaled(), "masked": steps.masked(),
        "weights": steps.weights(), "output": steps.output(),
    }  # fmt: skip
    assert found.keys() == ours.keys()
    for name, values in ours.items():
        theirs = np.array(found[name], dtype=float).reshape(values.shape)
        assert np.allclose(theirs, values, rtol=0, atol=1e-6), name
    from llm_book.models.attention import attend

    assert np.allclose(
        steps.output(), attend(query, key, torch.tensor(steps.value).float(), mask), atol=1e-6
    )


def test_two_sentences_are_four_blocks_and_the_page_says_what_one_gives_the_other():
    record = CASES["both ways"]()
    state = {"show": "head", "layer": 0, "head": 0, "block": "AB"}
    assert page(record, "w.rangeOf(r, a[2])", state) == [0, 4, 4, 9]
    given_away = record.map(0, 0, 0)[:4, 4:].sum() / 4
    said = page(record, "w.sentence(r, a[2], m(0, 0, 0), t)", state)
    assert f"Sentence A gives {100 * given_away:.1f} % of its weight to sentence B." in said


def test_all_ways_to_give_weights_make_one_record():
    weights = softmaxed(2, 3, 4, 4)
    ways = [
        weights, weights.numpy(), weights[:, None], weights.double(), weights.tolist(),
        [layer[None] for layer in weights], tuple(layer.numpy()[None] for layer in weights),
        list(weights), weights.requires_grad_(),
    ]  # fmt: skip
    blobs = {attention_record(way, WORDS[:4]).blob() for way in ways}
    assert len(blobs) == 1
    assert attention_record(weights[0, 0], WORDS[:4]).weights.shape == (1, 1, 1, 4, 4)
    assert attention_record(weights[0], WORDS[:4]).weights.shape == (1, 1, 3, 4, 4)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_softmax_in_any_precision_is_taken(kind):
    weights = softmaxed(1, 2, 40, 40, causal=True).to(kind)
    record = attention_record([weights], [str(i) for i in range(40)])
    assert record.relation == "causal"


def test_the_weights_of_our_own_models_are_taken():
    model = gpt()
    ids = torch.randint(0, 5, (1, 6))
    record = attention_record(attention_maps(model, ids), [str(i) for i in ids[0].tolist()])
    assert record.relation == "causal" and record.weights.shape[3:] == (6, 6)


def test_chosen_layers_and_heads_keep_their_numbers():
    record = attention_record(softmaxed(4, 5, 3, 3), WORDS[:3], layers=[2], heads=[4, 1])
    assert record.name(0, 0, "en") == "Layer 3, head 5 of 5"
    assert record.document()["heads"] == [5, 2] and not record.document()["rolls"]
    assert np.array_equal(record.weights[0, 0, 1], softmaxed(4, 5, 3, 3)[2, 1].numpy())
    assert attention_record(softmaxed(4, 5, 3, 3), WORDS[:3]).document()["rolls"]


def test_checkpoints_keep_their_order_and_names_and_the_weights_come_last():
    first, last = softmaxed(1, 1, 3, 3, scale=0), softmaxed(1, 1, 3, 3)
    record = attention_record(last, WORDS[:3], checkpoints={0: first, 500: first})
    assert record.checkpoints == ("0", "500", "end of training")
    assert np.array_equal(record.weights[-1], last.numpy())
    assert attention_record(last, WORDS[:3], checkpoints={0: first}, lang="zh").checkpoints[-1] == (
        "训练结束"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("signed", [True, False])
def test_colours_go_one_way_in_lightness(theme, signed):
    colours = np.array(run("attention_map", f"w.ramp('{theme}', {str(signed).lower()})")) / 255
    light = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4) @ (
        np.array([0.2126, 0.7152, 0.0722])
    )
    away = -1 if theme == "light" else 1
    sides = [light[128:], light[128:0:-1]] if signed else [light]
    for side in sides:
        assert (np.diff(side) * away >= 0).all() and abs(side[-1] - side[0]) > 0.5
    if theme == "light":
        assert np.array_equal(attention_still.ramp(signed), np.round(colours * 255))


def test_codes_are_those_of_the_package():
    values = np.linspace(-1, 1, 333)
    for signed in (True, False):
        used = values if signed else np.abs(values)
        theirs = run(
            "attention_map", f"a[0].map((v) => w.codeOf(v, {str(signed).lower()}))", used.tolist()
        )
        assert (
            np.abs(np.array(theirs) - encoded(used, signed)).max() <= 1
        )  # halves are rounded apart
        assert (np.array(theirs) == encoded(used, signed)).mean() > 0.99


def test_a_picture_of_bytes_is_read_back_by_another_program():
    codes = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    read = Image.open(io.BytesIO(attention_still.png(codes, attention_still.ramp(False))))
    assert np.array_equal(np.array(read.convert("RGB")), attention_still.ramp(False)[codes])


@pytest.mark.parametrize("name", CASES)
def test_the_still_picture_has_every_head_and_the_strongest_cell_stays_seen(name):
    record = CASES[name]()
    text = record.still("en")
    pictures = text.split("data:image/png;base64,")[1:]
    many = record.weights.shape[1] * record.weights.shape[2] > 1
    assert len(pictures) == 1 + many
    for source in pictures:
        Image.open(io.BytesIO(base64.b64decode(source.partition('"')[0]))).load()
    codes = encoded(record.weights[-1][record.start], record.signed)
    pooled = attention_still._pooled(codes, 2, record.signed).astype(int)
    zero = 128 if record.signed else 0
    if min(codes.shape) >= 2:
        place = np.unravel_index(np.abs(codes.astype(int) - zero).argmax(), codes.shape)
        assert codes[place] in pooled


def test_the_table_holds_the_strongest_links_and_says_where_tokens_stand():
    record = CASES["causal"]()
    table = record.table("en")
    assert len(table.rows) == 20
    weights = record.map(0, *record.start)
    weights[0] = 0
    query, key = np.unravel_index(weights.argmax(), weights.shape)
    assert table.rows[0][:2] == (f"{WORDS[query]} ({query + 1})", f"{WORDS[key]} ({key + 1})")


@settings(max_examples=8)
@given(st.integers(1, 7), st.integers(0, 10_000), st.booleans())
def test_for_any_weights_page_and_package_say_the_same(time, seed, causal):
    tokens = [f"t{i * seed % 5}" for i in range(time)]
    record = attention_record(softmaxed(1, 2, time, time, causal=causal, seed=seed), tokens)
    assert said_by_the_page(record, 0, 0, 1) == record.head_sentence(0, 0, 1)
