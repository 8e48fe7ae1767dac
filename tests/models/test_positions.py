"""Five ways to say where a token stands, each equal to its paper and its library."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.gptj.modeling_gptj import (
    apply_rotary_pos_emb as apply_interleaved,
)
from transformers.models.gptj.modeling_gptj import create_sinusoidal_positions
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb
from transformers.models.marian.modeling_marian import MarianSinusoidalPositionalEmbedding

from llm_book.models.positions import (
    Positions,
    alibi_bias,
    alibi_slopes,
    frequencies,
    rotary,
    rotary_angles,
    sinusoidal,
)


def test_sinusoidal_positions_are_the_papers_formula():
    table = sinusoidal(torch.arange(40), 6, dtype=torch.float64)
    for position in range(40):
        for i in range(3):
            angle = position / 10000 ** (2 * i / 6)
            assert table[position, 2 * i] == pytest.approx(math.sin(angle), abs=1e-12)
            assert table[position, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-12)
    assert sinusoidal(torch.arange(3), 4).dtype == torch.float32


def test_sinusoidal_positions_are_marians_put_in_another_order():
    expected = MarianSinusoidalPositionalEmbedding(40, 8).create_weight()  # sines, then cosines
    ours = sinusoidal(torch.arange(40), 8)
    torch.testing.assert_close(
        torch.cat([ours[:, 0::2], ours[:, 1::2]], dim=-1),
        expected,
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.parametrize("theta", [10000.0, 500.0])
def test_rotary_positions_in_halves_are_llamas_in_outputs_and_gradients(theta):
    config = LlamaConfig(
        hidden_size=16,
        num_attention_heads=2,
        rope_parameters={"rope_type": "default", "rope_theta": theta},
    )
    positions = torch.tensor([[0, 1, 2, 3, 40], [7, 8, 9, 500, 11]])
    query, key = (torch.randn(2, n, 5, 8, requires_grad=True) for n in (2, 1))
    cos, sin = LlamaRotaryEmbedding(config)(query, positions)
    for x, theirs in zip((query, key), apply_rotary_pos_emb(query, key, cos, sin), strict=True):
        ours = rotary(x, positions[:, None], theta)
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)  # their angles are float32
        weigh = torch.randn_like(x)
        torch.testing.assert_close(
            torch.autograd.grad((ours * weigh).sum(), x),
            torch.autograd.grad((theirs * weigh).sum(), x),
            rtol=0,
            atol=1e-4,
        )


def test_interleaved_rotary_positions_are_gpt_js():
    x = torch.randn(2, 30, 3, 8)  # theirs: [batch, time, head, width]
    sin, cos = create_sinusoidal_positions(30, 8).expand(2, 30, 8).chunk(2, dim=-1)
    theirs = apply_interleaved(x, sin, cos).transpose(1, 2)
    ours = rotary(x.transpose(1, 2), torch.arange(30), pairing="interleaved")
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("pairing", ["halves", "interleaved"])
def test_each_pair_of_numbers_is_turned_as_a_complex_number(pairing):
    x = torch.randn(5, 6, dtype=torch.float64)
    positions = torch.tensor([0, 1, 2, 10, 1000])
    pairs = x.reshape(5, 2, 3) if pairing == "halves" else x.reshape(5, 3, 2).transpose(1, 2)
    z = pairs[:, 0].numpy() + 1j * pairs[:, 1].numpy()
    angle = positions.numpy()[:, None] * 100.0 ** (-2 * np.arange(3) / 6)
    z = z * np.exp(1j * angle)
    turned = torch.from_numpy(np.stack([z.real, z.imag], axis=1))
    expected = turned.reshape(5, 6) if pairing == "halves" else turned.transpose(1, 2).reshape(5, 6)
    torch.testing.assert_close(rotary(x, positions, 100.0, pairing), expected, rtol=0, atol=1e-12)


@given(
    seed=st.integers(0, 2**20),
    places=st.tuples(st.integers(0, 200), st.integers(0, 200)),
    shift=st.integers(0, 3000),
    pairing=st.sampled_from(["halves", "interleaved"]),
    theta=st.sampled_from([10.0, 10000.0, 500000.0]),
    width=st.sampled_from([2, 6, 16]),
)
@settings(max_examples=80, deadline=None)
def test_a_rotary_score_depends_on_distance_alone(seed, places, shift, pairing, theta, width):
    generator = torch.Generator().manual_seed(seed)
    query, key = (torch.randn(1, width, dtype=torch.float64, generator=generator) for _ in "qk")

    def score(by):
        at = [torch.tensor([place + by]) for place in places]
        turned = [rotary(x, p, theta, pairing) for x, p in zip((query, key), at, strict=True)]
        return (turned[0] * turned[1]).sum()

    torch.testing.assert_close(score(0), score(shift), rtol=0, atol=1e-10)
    length = rotary(query, torch.tensor([shift]), theta, pairing).norm()
    torch.testing.assert_close(length, query.norm())


def test_rotary_keeps_the_precision_it_was_given_and_computes_in_a_better_one():
    x = torch.randn(3, 4).bfloat16()
    positions = torch.tensor([0, 999, 1001])
    answer = rotary(x, positions)
    assert answer.dtype == torch.bfloat16
    torch.testing.assert_close(answer, rotary(x.double(), positions).bfloat16(), rtol=0, atol=0.02)
    assert torch.equal(answer[0], x[0])
    assert rotary_angles(positions, 4).dtype == torch.float32


@pytest.mark.parametrize("n_heads", [1, 2, 3, 4, 6, 8, 12, 16, 20, 71])
def test_alibi_slopes_are_blooms_for_any_number_of_heads(n_heads):
    theirs = build_alibi_tensor(torch.ones(1, 2, dtype=torch.int64), n_heads, torch.float32)
    torch.testing.assert_close(alibi_slopes(n_heads), theirs[:, 0, 1], rtol=0, atol=1e-7)


def test_alibi_slopes_of_eight_heads_are_those_printed_in_the_paper():
    assert alibi_slopes(8).tolist() == [2.0**-i for i in range(1, 9)]


def test_alibi_takes_off_slope_times_distance():
    bias = alibi_bias(2, torch.tensor([3, 4]), torch.arange(6), torch.float64)
    for head, slope in enumerate([2**-4, 2**-8]):
        for row, query in enumerate([3, 4]):
            expected = [-slope * abs(query - key) for key in range(6)]
            assert bias[head, row].tolist() == pytest.approx(expected)
    assert alibi_bias(3, torch.zeros(2, 4).long(), torch.zeros(2, 5).long()).shape == (2, 3, 4, 5)


def test_positions_add_turn_or_bias_by_their_kind():
    places = torch.arange(4)[None]
    states = torch.zeros(2, 4, 8, dtype=torch.float64)
    for kind in Positions.KINDS:
        positions = Positions(kind, 10, 8, 2, 4, theta=50.0, pairing="interleaved").double()
        added, turn = positions.add(states, places), positions.turn(places, states)
        bias = positions.bias(places, places, states)
        assert (added.abs().sum() > 0) == (kind in ("learned", "sinusoidal"))
        assert (turn is not None) == (kind == "rotary")
        assert (bias is not None) == (kind == "alibi")
        assert len(list(positions.parameters())) == (kind == "learned")
        if kind == "sinusoidal":
            torch.testing.assert_close(added[1], sinusoidal(places[0], 8, 50.0, torch.float64))
        if kind == "learned":
            torch.testing.assert_close(added[1], positions.table.weight[:4])
        if turn is not None:
            x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
            expected = rotary(x, places[:, None], 50.0, "interleaved")
            torch.testing.assert_close(turn(x), expected, rtol=0, atol=1e-12)
        if bias is not None:
            assert bias.dtype == torch.float64
            torch.testing.assert_close(bias, alibi_bias(2, places, places, torch.float64))


def test_frequencies_begin_with_one_radian_a_position():
    assert frequencies(4, 100.0, None, torch.float64).tolist() == pytest.approx([1.0, 0.1])
    assert frequencies(2, 0.5, "cpu", torch.float32).tolist() == [1.0]
    angles = rotary_angles(torch.tensor([100]), 4, dtype=torch.float64)
    assert angles.flatten().tolist() == pytest.approx([100.0, 1.0], rel=1e-9)
    assert Positions("rotary", 4, 4, 2, 2).theta == 10000.0


@pytest.mark.parametrize(
    ("error", "sentence", "ask"),
    [
        (
            ValueError,
            "a width of 5 has no pairs",
            lambda: rotary(torch.ones(1, 5), torch.ones(1).long()),
        ),
        (ValueError, "a width of 0 has no pairs", lambda: sinusoidal(torch.arange(2), 0)),
        (ValueError, "theta is 0", lambda: sinusoidal(torch.arange(2), 4, 0.0)),
        (
            ValueError,
            "pairing 'thirds' is unknown; choose one of halves, interleaved",
            lambda: rotary(torch.ones(1, 4), torch.ones(1).long(), pairing="thirds"),
        ),
        (ValueError, "n_heads is 0", lambda: alibi_slopes(0)),
        (ValueError, "positions 'random' are unknown", lambda: Positions("random", 4, 4, 2, 2)),
        (
            ValueError,
            "pairing 'thirds' is unknown",
            lambda: Positions("rotary", 4, 4, 2, 2, pairing="thirds"),
        ),
        (
            IndexError,
            "positions up to 9 do not stand in a table of 4",
            lambda: Positions("learned", 4, 4, 2, 2).add(
                torch.zeros(1, 2, 4), torch.tensor([[1, 9]])
            ),
        ),
    ],
)
def test_nonsense_is_refused_in_one_sentence(error, sentence, ask):
    with pytest.raises(error, match=sentence):
        ask()
