"""Every numbered formula of the book against the function it names.

Each check computes the formula on its own, in NumPy, at random inputs. The tests that use this
table stand in ``tests/chapters/test_equations.py``.
"""

import math

import numpy as np
import torch

from tests.chapters.equations import Equation


def close(ours, formula, within: float = 1e-9) -> None:
    """Raise where the partner and the formula differ."""
    ours = np.asarray(ours.detach() if hasattr(ours, "detach") else ours, float)
    if ours.shape != np.shape(formula) or not np.abs(ours - formula).max() <= within:
        raise AssertionError(f"partner {ours} differs from formula {formula}")


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def check_gru(cell_type) -> None:
    torch.manual_seed(0)
    cell = cell_type(3, 4).double()
    x, h = torch.randn(2, 3).double(), torch.randn(2, 4).double()
    (answer,) = cell(x, (h,))
    w, u, b, c = (
        np.split(p.detach().numpy(), 3)
        for p in (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
    )
    x, h = x.numpy(), h.numpy()
    r = sigmoid(x @ w[0].T + b[0] + h @ u[0].T + c[0])
    z = sigmoid(x @ w[1].T + b[1] + h @ u[1].T + c[1])
    n = np.tanh(x @ w[2].T + b[2] + r * (h @ u[2].T + c[2]))
    close(answer, (1 - z) * n + z * h)


def check_mean_and_max(mean_and_max) -> None:
    rng = np.random.default_rng(0)
    h = rng.normal(size=(3, 5, 4)) - 2  # mostly negative: a pad read as zero would be the largest
    m = np.arange(5) < np.array([[2], [5], [1]])
    mean = (h * m[..., None]).sum(1) / m.sum(1, keepdims=True)
    largest = np.stack([row[on].max(0) for row, on in zip(h, m, strict=True)])
    answer = mean_and_max(torch.tensor(h), torch.tensor(m))
    close(answer, np.concatenate([mean, largest], axis=1))


def check_binary_cross_entropy(loss) -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=20), rng.integers(0, 2, 20)
    formula = np.mean(np.log(1 + np.exp(logits)) - labels * logits)
    close(loss(torch.tensor(logits), torch.tensor(labels)), formula)


def check_warmup_cosine(schedule) -> None:
    for steps, warm, peak in ((50, 10, 0.3), (20, 0, 2.0)):
        for t in range(steps):
            formula = (
                peak * (t + 1) / warm
                if t < warm
                else 0.5 * peak * (1 + math.cos(math.pi * (t - warm) / (steps - warm)))
            )
            close(schedule(t, steps, peak, warm), formula)
    close(schedule(50, 50, 0.3, 10, 0.1), 0.1)
    close(schedule(30, 50, 0.3, 10, 0.1), 0.1 + (0.3 - 0.1) * 0.5)
    for steps, warm in ((5, 5), (5, -1)):
        try:
            schedule(0, steps, 0.3, warm)
        except ValueError:
            continue
        raise AssertionError(f"a warm-up of {warm} in {steps} steps was not refused")


def check_weight_average(average_type) -> None:
    model = torch.nn.Linear(1, 1, bias=False).double()
    for beta in (0.9, 0.2):
        average = average_type(model, beta)
        expected = model.weight.item()
        for n in range(1, 9):
            with torch.no_grad():
                model.weight.fill_(float(n * n))
            average.update(model)
            keep = min(beta, (1 + n) / (10 + n))
            expected = keep * expected + (1 - keep) * n * n
            close(average.weights["weight"].item(), expected)


def check_wilson(wilson) -> None:
    z = 1.959963984540054
    for correct, n in ((9, 10), (0, 7), (7, 7), (1, 1), (130, 400)):
        p = correct / n
        centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        answer = wilson(correct, n)
        ends = [answer.estimate, answer.low, answer.high]
        close(ends, np.array([p, centre - half, centre + half]))
    for refused in ((5, 4), (-1, 4), (0, 0)):
        try:
            wilson(*refused)
        except ValueError:
            continue
        raise AssertionError(f"{refused} was not refused")


def check_f1(matrix_type) -> None:
    for tn, fp, fn, tp in ((5, 2, 3, 7), (1, 0, 4, 2)):
        precision, recall = tp / (tp + fp), tp / (tp + fn)
        close(matrix_type(tn, fp, fn, tp).f1, 2 * precision * recall / (precision + recall))


def check_ece(reliability_type) -> None:
    confidence = np.array([0.6, np.nan, 0.8, 0.95])
    accuracy = np.array([0.5, np.nan, 0.9, 0.7])
    count = np.array([10, 0, 1, 5])
    formula = (10 * 0.1 + 1 * 0.1 + 5 * 0.25) / 16
    close(reliability_type(confidence, accuracy, count).expected_calibration_error, formula)


def check_log_count_ratio(log_count_ratio) -> None:
    positive, negative = np.array([9.0, 0.0, 3.0]), np.array([1.0, 5.0, 3.0])
    for smoothing in (1.0, 0.5):
        p, q = positive + smoothing, negative + smoothing
        formula = np.log((p / np.abs(p).sum()) / (q / np.abs(q).sum()))
        close(log_count_ratio(positive, negative, smoothing), formula)
    close(log_count_ratio(positive, negative), log_count_ratio(positive, negative, 1.0))


def check_bag_ceiling(ceiling) -> None:
    from llm_book.data.world import film_reviews

    q, noise = film_reviews.ORDER_DECIDED, film_reviews.NOISE
    close(ceiling(), (1 - q) * (1 - noise) + q / 2)


EQUATIONS = {
    "eq-gru": Equation("llm_book.models.recurrent.GRUCell", check_gru),
    "eq-mean-max": Equation("llm_book.models.classifier.mean_and_max", check_mean_and_max),
    "eq-binary-cross-entropy": Equation(
        "llm_book.training.losses.binary_cross_entropy", check_binary_cross_entropy
    ),
    "eq-warmup-cosine": Equation("llm_book.training.schedule.warmup_cosine", check_warmup_cosine),
    "eq-weight-average": Equation(
        "llm_book.training.averaging.WeightAverage.update", check_weight_average
    ),
    "eq-wilson": Equation(
        "llm_book.evaluation.intervals.wilson",
        check_wilson,
        spared={"line 14: 1.0 became 1.1": "the bound cuts off rounding alone, 1e-16 above 1"},
    ),
    "eq-f1": Equation("llm_book.evaluation.metrics.ConfusionMatrix.f1", check_f1),
    "eq-ece": Equation(
        "llm_book.evaluation.calibration.Reliability.expected_calibration_error", check_ece
    ),
    "eq-log-count-ratio": Equation(
        "llm_book.evaluation.rivals.log_count_ratio", check_log_count_ratio
    ),
    "eq-bag-ceiling": Equation(
        "llm_book.data.world.film_reviews.bag_of_words_ceiling", check_bag_ceiling
    ),
}
