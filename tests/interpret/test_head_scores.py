"""Heads are scored by what they look at."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.interpret.attention_maps import attention_maps
from llm_book.interpret.head_scores import (
    duplicate_token_score,
    head_scores,
    induction_score,
    previous_token_score,
    repeated_random_ids,
)
from tests.interpret.models import gpt


def looking(targets):
    """Weights [1, 1, time, time] of a head whose query at q looks at targets[q] alone."""
    return torch.eye(len(targets))[torch.tensor(targets)][None, None]


def test_patterns_built_by_hand_score_exactly_one_for_what_they_are():
    ids = repeated_random_ids(1, 4, 10)
    back = looking([0, 0, 1, 2, 3, 4, 5, 6])
    duplicate = looking([0, 0, 0, 0, 0, 1, 2, 3])
    induction = looking([0, 0, 0, 0, 1, 2, 3, 4])
    heads = torch.cat([back, duplicate, induction], dim=1)
    assert previous_token_score(heads)[0].tolist() == pytest.approx([1, 1 / 7, 1 / 7])
    assert duplicate_token_score(heads, ids).tolist() == [0, 1, 0]
    assert induction_score(heads, ids).tolist() == [0, 0, 1]


@given(
    batch=st.integers(1, 3),
    period=st.integers(1, 4),
    repeats=st.integers(2, 3),
    seed=st.integers(0, 50),
)
@settings(max_examples=40, deadline=None)
def test_scores_are_those_counted_position_by_position(batch, period, repeats, seed):
    generator = torch.Generator().manual_seed(seed)
    ids = repeated_random_ids(batch, period, 5, repeats, generator)
    ids[:, 0] = 0  # some stand twice within a period
    time = period * repeats
    weights = torch.randn(batch, 2, time, time, generator=generator).double().softmax(dim=-1)
    for score, shift in ((duplicate_token_score, 0), (induction_score, 1)):
        masses = []
        for row in range(batch):
            for query in range(time):
                keys = [k + shift for k in range(query) if ids[row, k] == ids[row, query]]
                if keys:
                    masses.append(weights[row, :, query, keys].sum(dim=-1))
        if masses:
            torch.testing.assert_close(score(weights, ids), torch.stack(masses).mean(dim=0))
    before = torch.stack([weights[:, :, q, q - 1] for q in range(1, time)]).mean(dim=0)
    torch.testing.assert_close(previous_token_score(weights), before)


def test_a_whole_model_is_scored_layer_by_layer_and_head_by_head():
    model, ids = gpt(), repeated_random_ids(3, 8, 23)
    maps, found = attention_maps(model, ids), head_scores(model, ids)
    assert found.previous_token.shape == found.induction.shape == (3, 4)
    for layer in range(3):
        torch.testing.assert_close(found.induction[layer], induction_score(maps[layer], ids))
        torch.testing.assert_close(
            found.duplicate_token[layer], duplicate_token_score(maps[layer], ids)
        )
        before = maps[layer].diagonal(offset=-1, dim1=-2, dim2=-1).mean(dim=(0, 2))
        torch.testing.assert_close(found.previous_token[layer], before)


def test_repeated_ids_repeat_and_are_different_within_a_period():
    ids = repeated_random_ids(50, 6, 7, repeats=3, generator=torch.Generator().manual_seed(0))
    assert ids.shape == (50, 18)
    assert torch.equal(ids[:, :6], ids[:, 6:12])
    assert torch.equal(ids[:, :6], ids[:, 12:])
    assert all(len(set(row[:6].tolist())) == 6 for row in ids)
    assert set(ids.flatten().tolist()) == set(range(7))
    again = repeated_random_ids(50, 6, 7, repeats=3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(ids, again)
    assert repeated_random_ids(1, 7, 7).shape == (1, 14)


IDS = torch.tensor([[1, 2, 1]])
FLAT = torch.full((1, 2, 3, 3), 1 / 3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: repeated_random_ids(1, 5, 4), "1 rows of 5 different ids out of 4"),
        (lambda: repeated_random_ids(0, 2, 4), "0 rows of 2 different ids"),
        (lambda: repeated_random_ids(1, 0, 4), "1 rows of 0 different ids"),
        (lambda: repeated_random_ids(1, 2, 4, 1), "said 1 times"),
        (lambda: previous_token_score(FLAT[..., :1, :1]), "a text of 1 token has none before it"),
        (lambda: previous_token_score(FLAT[..., :1]), "do not compare a text with itself"),
        (lambda: previous_token_score(FLAT[0, 0, 0]), "do not compare a text with itself"),
        (lambda: induction_score(FLAT[..., :1], IDS), "do not compare a text with itself"),
        (lambda: induction_score(FLAT, IDS[:, :2]), r"are not those of ids of shape \(1, 2\)"),
        (lambda: duplicate_token_score(FLAT, IDS.expand(2, 3)), "are not those of ids of shape"),
        (lambda: duplicate_token_score(FLAT[0], IDS), r"weights of shape \(2, 3, 3\) are not"),
        (lambda: induction_score(FLAT, torch.tensor([[1, 2, 3]])), "no token stands twice"),
    ],
)
def test_what_has_no_score_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
