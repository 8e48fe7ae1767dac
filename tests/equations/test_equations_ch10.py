"""The numbered formulas of chapter 10 against the functions they name."""

import math

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import eigs

from tests.chapters.equations import Equation
from tests.equations.test_equations import close


def graph(size: int, seed: int = 0) -> np.ndarray:
    """Works that build on earlier ones, two of them on nothing."""
    rng = np.random.default_rng(seed)
    return np.tril(rng.random((size, size)) < 0.4, k=-1).astype(float)


def check_isbn_sum(isbn_sum) -> None:
    rng = np.random.default_rng(0)
    for digits in rng.integers(0, 10, (5, 13)):
        odd, even = digits[0::2].sum(), digits[1::2].sum()  # the first digit is number one
        close(isbn_sum(digits.tolist()), odd + 3 * even)
    assert isbn_sum([9, 7, 8, 0, 2, 6, 2, 0, 3, 5, 6, 1, 3]) % 10 == 0


def check_path_counts(path_counts) -> None:
    for seed in (1, 2):
        edges = graph(7, seed)
        series = sum(np.linalg.matrix_power(edges, k) for k in range(8))
        close(path_counts(edges), series)
        close(path_counts(edges) @ (np.eye(7) - edges), np.eye(7))
    close(path_counts(np.zeros((2, 2))), np.eye(2))


def check_chain_length(chain_length) -> None:
    edges = graph(8, 3)
    below = {number: tuple(np.flatnonzero(row)) for number, row in enumerate(edges)}
    known: dict[int, int] = {}
    for number in below:
        steps = [k for k in range(8) if np.linalg.matrix_power(edges, k)[number].any()]
        close(chain_length(number, below, known), max(steps) + 1)
    assert known.keys() == below.keys()
    close(chain_length("w", {"w": ()}, {}), 1)
    close(chain_length("w", {"w": ()}, {"w": 7}), 7)


def check_pagerank_step(pagerank_step) -> None:
    edges = graph(9, 4)
    edges[1] = 0  # two works at least have no foundations
    edges[8] = np.eye(9)[3]  # and one has a single one
    size, d, rng = 9, 0.7, np.random.default_rng(5)
    rank = rng.random(size)
    rank /= rank.sum()
    arrows = edges.sum(axis=1)
    expected = np.zeros(size)
    for i in range(size):
        on_it = sum(rank[j] / arrows[j] for j in range(size) if edges[j, i] == 1)
        idle = sum(rank[j] for j in range(size) if arrows[j] == 0)
        expected[i] = (1 - d) / size + d * (on_it + idle / size)
    close(pagerank_step(rank, edges, d), expected)
    check_against_scipy(pagerank_step, edges, d)


def check_against_scipy(pagerank_step, edges: np.ndarray, d: float) -> None:
    """Where it stands still is SciPy's eigenvector of the matrix written out."""
    size, arrows = len(edges), edges.sum(axis=1)
    rows = np.where(arrows[:, None] > 0, edges / np.maximum(arrows, 1)[:, None], 1 / size)
    matrix = (1 - d) / size + d * rows.T
    values, vectors = eigs(csr_matrix(matrix), k=1, which="LM", v0=np.ones(size))
    first = vectors[:, 0].real / vectors[:, 0].real.sum()
    close(values.real[0], 1)
    rank = np.full(size, 1 / size)
    for _ in range(300):
        rank = pagerank_step(rank, edges, d)
    close(rank, first)


def check_examples_needed(examples_needed) -> None:
    for p, h in ((0.8, 0.01), (0.5, 0.003), (0.93, 0.0007)):
        close(examples_needed(p, h), math.ceil(1.96**2 * p * (1 - p) / h**2))
        n = examples_needed(p, h)
        half = 1.96 * math.sqrt(p * (1 - p) / n)
        assert half <= h < 1.96 * math.sqrt(p * (1 - p) / (n - 1))


EQUATIONS = {
    "eq-isbn": Equation("10_references:isbn_sum", check_isbn_sum),
    "eq-path-counts": Equation("10_references:path_counts", check_path_counts),
    "eq-longest-chain": Equation("10_references:chain_length", check_chain_length),
    "eq-pagerank": Equation("10_references:pagerank_step", check_pagerank_step),
    "eq-examples-needed": Equation("10_references:examples_needed", check_examples_needed),
}
