"""Masked text: the published shares, specials untouched, the generator alone decides."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_book.data.masking import mask_tokens
from llm_book.shapes import IGNORE

PAD, CLS, MASK, VOCAB = 0, 2, 4, 1000
SPECIALS = {PAD, CLS}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def text(rows=400, time=100, seed=1):
    ids = torch.randint(5, VOCAB, (rows, time), generator=generator(seed))
    ids[:, 0] = CLS
    ids[:, time - 10 :] = PAD
    return ids


def test_the_shares_are_berts():
    ids = text()
    batch = mask_tokens(ids, MASK, VOCAB, SPECIALS, generator=generator())
    chosen = batch.targets != IGNORE
    n = int(chosen.sum())
    # 35,600 words: standard deviation of a share is 0.0019, of a share of the chosen 0.0055
    assert n / (400 * 89) == pytest.approx(0.15, abs=0.008)
    hidden = batch.ids[chosen] == MASK
    kept = batch.ids[chosen] == ids[chosen]
    assert int(hidden.sum()) / n == pytest.approx(0.8, abs=0.022)
    assert int(kept.sum()) / n == pytest.approx(0.1, abs=0.022)
    assert int((~hidden & ~kept).sum()) / n == pytest.approx(0.1, abs=0.022)


@pytest.mark.parametrize("share", [0.05, 0.5, 1])
def test_another_share_is_kept_too(share):
    batch = mask_tokens(text(), MASK, VOCAB, SPECIALS, share, generator())
    assert batch.weight / (400 * 89) == pytest.approx(share, abs=0.012)


@given(
    ids=st.lists(st.lists(st.integers(0, 9), min_size=5, max_size=5), min_size=1, max_size=6),
    seed=st.integers(0, 50),
)
def test_targets_are_the_words_that_were_chosen_and_all_else_is_as_it_was(ids, seed):
    ids = torch.tensor(ids)
    special = torch.isin(ids, torch.tensor([0, 2, 4]))
    if special.all():
        return
    before = ids.clone()
    batch = mask_tokens(ids, 4, 10, [0, 2], 0.3, generator(seed))
    assert ids.equal(before)
    chosen = batch.targets != IGNORE
    assert chosen.any()
    assert batch.targets[chosen].equal(ids[chosen])
    assert batch.ids[~chosen].equal(ids[~chosen])
    assert not chosen[special].any()
    assert not torch.isin(batch.ids[chosen], torch.tensor([0, 2])).any()
    assert batch.ids.dtype == batch.targets.dtype == torch.int64


def test_one_token_at_least_is_chosen_however_small_the_share():
    ids = torch.tensor([[0, 7, 0], [0, 8, 2]])
    weights = {mask_tokens(ids, 4, 10, [0, 2], 1e-9, generator(s)).weight for s in range(20)}
    assert weights == {1}


def test_words_are_drawn_evenly_from_all_that_are_not_special():
    ids = torch.full((300, 100), 7)
    batch = mask_tokens(ids, 4, 10, [0, 2], 1, generator())
    drawn = batch.ids[(batch.ids != 4) & (batch.ids != 7)]
    counts = drawn.bincount(minlength=10).tolist()
    # 3,000 drawn over 7 words, one of which is 7 itself
    assert [i for i, count in enumerate(counts) if count] == [1, 3, 5, 6, 8, 9]
    assert all(330 < count < 530 for count in counts if count)


def test_the_generator_alone_decides():
    ids = text(4, 30)
    runs = [mask_tokens(ids, MASK, VOCAB, SPECIALS, generator=generator(s)) for s in (1, 1, 2)]
    assert runs[0].ids.equal(runs[1].ids) and runs[0].targets.equal(runs[1].targets)
    assert not runs[0].targets.equal(runs[2].targets)
    torch.manual_seed(0)
    free = mask_tokens(ids, MASK, VOCAB, SPECIALS).ids
    torch.manual_seed(0)
    assert free.equal(mask_tokens(ids, MASK, VOCAB, SPECIALS).ids)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"share": 0}, r"share is 0; it must lie in \(0, 1\]"),
        ({"share": 1.1}, "share is 1.1; it must lie"),
        ({"share": float("nan")}, "share is nan; it must lie"),
        ({"mask_id": 10}, "special id 10 is outside a vocabulary of 10; ids go from 0 to 9"),
        ({"special_ids": [-1, 2]}, "special id -1 is outside a vocabulary of 10"),
        ({"special_ids": range(10)}, "all 10 ids are special; a vocabulary needs words"),
        ({"ids": torch.tensor([[3, 10]])}, "ids from 3 to 10 are not all in a vocabulary of 10"),
        ({"ids": torch.tensor([[3, -1]])}, "ids from -1 to 3 are not all in a vocabulary of 10"),
        ({"ids": torch.tensor([[0, 4]])}, "the batch holds no token but special ones"),
        ({"ids": torch.zeros(0, 3).long()}, "the batch holds no token but special ones"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(change, sentence):
    given_ = {"ids": torch.tensor([[3, 9]]), "mask_id": 4, "vocab_size": 10, "special_ids": [0]}
    with pytest.raises(ValueError, match=sentence):
        mask_tokens(**{**given_, **change})
