"""A curve in a fixed room: what a bucket says is what its points say, however many there are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.widgets.curve_points import COLUMNS, ROOM, Buckets

NOT_GIVEN = float("nan")


def points(n: int, start: int = 1, seed: int = 0) -> np.ndarray:
    """Points with a loss, a learning rate and nothing else."""
    rows = np.full((n, len(COLUMNS)), NOT_GIVEN)
    rows[:, 0] = np.arange(start, start + n)
    rows[:, 1:3] = np.random.default_rng(seed).normal(size=(n, 2))
    return rows


@settings(max_examples=40)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=12), st.sampled_from([2, 8, 50]))
def test_a_bucket_holds_mean_and_extremes_of_its_points_however_they_came(sizes, room):
    rows, buckets = points(sum(sizes)), Buckets(room)
    start = 0
    for size in sizes:
        buckets.add(rows[start : start + size])
        start += size
    assert buckets.size <= room and buckets.points == len(rows)
    found = buckets.columns(room)
    for place in range(buckets.size):
        part = rows[place * buckets.share : (place + 1) * buckets.share]
        assert found["step"][place] == part[-1, 0]
        assert found["loss"][place] == pytest.approx(part[:, 1].mean())
        assert (found["low"][place], found["high"][place]) == (part[:, 1].min(), part[:, 1].max())
        assert found["learning_rate"][place] == pytest.approx(part[:, 2].mean())
        assert np.isnan(found["gradient_norm"][place])


def test_a_million_points_stay_in_their_room_and_their_mean_is_exact():
    buckets, total = Buckets(), 0.0
    for start in range(0, 10**6, 10_000):
        rows = points(10_000, start, seed=start)
        buckets.add(rows)
        total += rows[:, 1].sum()
    assert ROOM // 2 < buckets.size <= ROOM and buckets.points == 10**6
    (mean,) = buckets.columns(1)["loss"]
    assert mean == pytest.approx(total / 10**6)


def test_what_is_no_number_is_in_no_mean_and_no_extreme():
    rows = points(4)
    rows[1, 1], rows[2, 1] = np.nan, np.inf
    buckets = Buckets()
    buckets.add(rows)
    (mean,), (low,), (high,) = (buckets.columns(1)[name] for name in ("loss", "low", "high"))
    assert mean == pytest.approx(rows[[0, 3], 1].mean())
    assert (low, high) == (rows[[0, 3], 1].min(), rows[[0, 3], 1].max())


def test_after_a_rewind_no_bucket_knows_of_what_came_later():
    buckets = Buckets(room=8)
    buckets.add(points(64))  # eight a bucket
    buckets.rewind(20)
    assert buckets.columns(8)["step"].tolist() == [8, 16]  # the one up to 24 reached past it
    buckets.add(points(8, start=21))
    assert buckets.columns(8)["step"].tolist() == [8, 16, 28]
