"""The numbered formulas of chapter 9 against the functions they name."""

import numpy as np
import torch

from tests.chapters.equations import Equation
from tests.equations.test_equations import close


def check_text_surprise(text_surprise) -> None:
    torch.manual_seed(0)
    table = torch.randn(7, 7, dtype=torch.float64)  # a model that looks at the last token alone
    ids = torch.tensor([3, 0, 6, 6, 1])
    p = np.exp(table.numpy())
    p /= p.sum(axis=1, keepdims=True)
    product = np.prod([p[a, b] for a, b in zip(ids[:-1].tolist(), ids[1:].tolist(), strict=True)])
    close(text_surprise(lambda rows: table[rows], ids), -np.log(product))


def check_over_seeds(over_seeds) -> None:
    student = {2: 12.7062, 3: 4.30265, 4: 3.18245, 6: 2.57058, 14: 2.16037}
    rng = np.random.default_rng(0)
    for n, t in student.items():
        first, second = rng.normal(size=(2, n))
        d = first - second
        mean = sum(d) / n
        half = t * np.sqrt(sum((x - mean) ** 2 for x in d) / (n - 1) / n)
        found = over_seeds(d)
        close(found.estimate, mean)
        close((found.low, found.high), (mean - half, mean + half), within=2e-3 * half)
    one = over_seeds([0.3])
    assert (one.estimate, one.low, one.high) == (0.3, -np.inf, np.inf)
    for wrong in ([], [[0.1, 0.2]], [0.1, np.nan], [0.1, np.inf]):
        try:
            over_seeds(wrong)
        except ValueError as error:
            assert str(error).endswith("give one finite number a run, at least one")
        else:
            raise AssertionError(f"{wrong} was not refused")


def check_overlapped_time(overlapped_time) -> None:
    for steps, load, compute in ((1, 2.0, 3.0), (5, 2.0, 3.0), (5, 3.0, 2.0), (40, 0.25, 0.25)):
        loaded = done = 0.0
        for _ in range(steps):  # a clock for the loader, a clock for the processor
            loaded += load
            done = max(done, loaded) + compute
        close(overlapped_time(steps, load, compute), done)


EQUATIONS = {
    "eq-questions-text": Equation("09_questions:text_surprise", check_text_surprise),
    "eq-questions-paired": Equation("llm_book.evaluation.intervals.over_seeds", check_over_seeds),
    "eq-questions-overlap": Equation("09_questions:overlapped_time", check_overlapped_time),
}
