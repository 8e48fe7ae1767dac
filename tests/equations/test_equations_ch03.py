"""The numbered formulas of chapter 3, Core algorithms, against the functions they name.

As in ``test_equations.py``: each check computes the formula on its own, in NumPy.
"""

import math

import numpy as np
import torch

from tests.chapters.equations import Equation
from tests.equations.test_equations import close, sigmoid


def refused(sentence: str, ask) -> None:
    """Raise unless asking raises ValueError in these words."""
    try:
        ask()
    except ValueError as error:
        if sentence in str(error):
            return
        raise AssertionError(f"{error} does not say {sentence!r}") from error
    raise AssertionError(f"nothing was refused where {sentence!r} was expected")


def softmax(x: np.ndarray) -> np.ndarray:
    parts = np.exp(x - x.max(-1, keepdims=True))
    return parts / parts.sum(-1, keepdims=True)


def check_keep(keep_probabilities) -> None:
    counts = np.array([500.0, 40.0, 3.0, 1.0])
    f = counts / counts.sum()
    for t in (1e-3, 0.05):
        close(keep_probabilities(counts, t), np.minimum(1, np.sqrt(t / f) + t / f))
        close(keep_probabilities(counts, t, "program"), np.minimum(1, np.sqrt(t / f) + t / f))
        close(keep_probabilities(counts, t, "paper"), np.minimum(1, np.sqrt(t / f)))
    close(keep_probabilities(counts), keep_probabilities(counts, 1e-3).numpy())
    refused("threshold is 0", lambda: keep_probabilities(counts, 0))
    refused("rule 'none' is unknown", lambda: keep_probabilities(counts, 1e-3, "none"))


def check_negative_sampling(loss) -> None:
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(size=6), rng.normal(size=(6, 3))
    formula = -(np.log(sigmoid(positive)) + np.log(sigmoid(-negative)).sum(1)).mean()
    close(loss(torch.tensor(positive), torch.tensor(negative)), formula)
    refused("at least one", lambda: loss(torch.zeros(0), torch.zeros(0, 3)))


def check_weighted_squares(loss) -> None:
    rng = np.random.default_rng(0)
    predicted, counts = rng.normal(size=8), np.array([0.5, 0.9, 1, 3, 20, 99, 101, 300])
    for x_max, power in ((100.0, 0.75), (20.0, 0.5)):
        f = np.minimum(1, (counts / x_max) ** power)
        formula = np.mean(f * (predicted - np.log(counts)) ** 2)
        close(loss(torch.tensor(predicted), torch.tensor(counts), x_max, power), formula)
    f = np.minimum(1, counts / 100) ** 0.75
    formula = np.mean(f * (predicted - np.log(counts)) ** 2)
    close(loss(torch.tensor(predicted), torch.tensor(counts)), formula)
    for counts in (torch.tensor([1.0, 0.0]), torch.zeros(0)):
        refused("leave pairs never seen out", lambda c=counts: loss(torch.ones_like(c), c))


def a_cell(cell_type):
    torch.manual_seed(0)
    cell = cell_type(3, 5).double()
    x, h, m = (torch.randn(2, size).double() for size in (3, 5, 5))
    parts = [cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh]
    w, u, b, c = (
        np.split(part.detach().numpy(), part.shape[0] // 5)  # one block of rows a gate
        for part in parts
    )

    def mix(gate: int) -> np.ndarray:
        return x.numpy() @ w[gate].T + b[gate] + h.numpy() @ u[gate].T + c[gate]

    return cell, x, h, m, mix


def check_elman(cell_type) -> None:
    cell, x, h, _, mix = a_cell(cell_type)
    (answer,) = cell(x, (h,))
    close(answer, np.tanh(mix(0)))


def check_lstm(cell_type) -> None:
    cell, x, h, m, mix = a_cell(cell_type)
    hidden, memory = cell(x, (h, m))
    i, f, g, o = sigmoid(mix(0)), sigmoid(mix(1)), np.tanh(mix(2)), sigmoid(mix(3))
    expected = f * m.numpy() + i * g
    close(memory, expected)
    close(hidden, o * np.tanh(expected))
    first, _ = cell(x)  # from a state of zeros
    again, _ = cell(x, (torch.zeros_like(h), torch.zeros_like(m)))
    close(first, again.detach().numpy())


def check_linear_recurrence(recurrence) -> None:
    rng = np.random.default_rng(0)
    a, u = rng.normal(size=(2, 3, 5, 2))
    expected, h = np.zeros_like(u), np.zeros_like(u[:, 0])
    for t in range(5):
        h = a[:, t] * h + u[:, t]
        expected[:, t] = h
    close(recurrence(torch.tensor(a), torch.tensor(u)), expected)
    close(recurrence(torch.tensor(a[:, :1]), torch.tensor(u[:, :1])), u[:, :1])


def check_linear_attention(attention) -> None:
    rng = np.random.default_rng(0)
    q, k = rng.normal(size=(2, 2, 6, 3))
    v, a = rng.normal(size=(2, 6, 4)), rng.uniform(0.2, 1, size=(2, 6))
    for decay in (a, np.ones_like(a)):
        expected = np.zeros_like(v)
        for b in range(2):
            state = np.zeros((3, 4))
            for t in range(6):
                state = decay[b, t] * state + np.outer(k[b, t], v[b, t])
                expected[b, t] = state.T @ q[b, t]
        parts = [torch.tensor(part) for part in (q, k, v)]
        close(attention(*parts, torch.tensor(decay)), expected)
    close(attention(*parts), expected)


def check_attention_weights(attention_weights) -> None:
    rng = np.random.default_rng(0)
    q, k, beta = rng.normal(size=(2, 4, 8)), rng.normal(size=(2, 5, 8)), rng.normal(size=(4, 5))
    mask = rng.random((4, 5)) < 0.6
    mask[:, 0] = True
    fit = q @ k.transpose(0, 2, 1) / math.sqrt(8)
    q, k = torch.tensor(q), torch.tensor(k)
    close(attention_weights(q, k), softmax(fit))
    close(attention_weights(q, k, bias=torch.tensor(beta)), softmax(fit + beta))
    masked = np.where(mask, fit + beta, -np.inf)
    close(attention_weights(q, k, torch.tensor(mask), torch.tensor(beta)), softmax(masked))
    refused("project both to the same width", lambda: attention_weights(q, k[..., :7]))


def check_sinusoidal(sinusoidal) -> None:
    places, width = np.array([0, 1, 7, 300]), 8
    for theta, answer in (
        (10000.0, sinusoidal(torch.tensor(places), width, dtype=torch.float64)),
        (50.0, sinusoidal(torch.tensor(places), width, 50.0, torch.float64)),
    ):
        expected = np.zeros((4, width))
        for i in range(width // 2):
            expected[:, 2 * i] = np.sin(places * theta ** (-2 * i / width))
            expected[:, 2 * i + 1] = np.cos(places * theta ** (-2 * i / width))
        close(answer, expected)


def check_rotary(rotated) -> None:
    rng = np.random.default_rng(0)
    x, phi = rng.normal(size=(3, 8)), rng.normal(size=(3, 4))
    for pairing, first, second in (
        ("halves", slice(0, 4), slice(4, 8)),
        ("interleaved", slice(0, 8, 2), slice(1, 8, 2)),
    ):
        expected = np.zeros_like(x)
        a, b = x[:, first], x[:, second]
        expected[:, first] = a * np.cos(phi) - b * np.sin(phi)
        expected[:, second] = a * np.sin(phi) + b * np.cos(phi)
        angles = torch.tensor(phi)
        close(rotated(torch.tensor(x), angles.cos(), angles.sin(), pairing), expected)


def check_alibi(alibi_bias) -> None:
    i, j, n = np.array([2, 5, 9]), np.array([0, 2, 3, 11]), 4
    slopes = np.array([2 ** (-8 * h / n) for h in range(1, n + 1)])
    expected = -slopes[:, None, None] * np.abs(i[:, None] - j[None])
    close(alibi_bias(n, torch.tensor(i), torch.tensor(j), torch.float64), expected)


def check_layer_norm(layer_norm) -> None:
    rng = np.random.default_rng(0)
    x, g, b = rng.normal(1, 0.01, size=(3, 6)), rng.normal(size=6), rng.normal(size=6)
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred**2).mean(-1, keepdims=True)
    given = [torch.tensor(part) for part in (x, g, b)]
    for answer, epsilon in ((layer_norm(*given), 1e-5), (layer_norm(*given, 0.1), 0.1)):
        close(answer, g * centred / np.sqrt(variance + epsilon) + b)
    close(layer_norm(*given[:2]), g * centred / np.sqrt(variance + 1e-5))


def check_rms_norm(rms_norm) -> None:
    rng = np.random.default_rng(0)
    x, g = rng.normal(0, 0.01, size=(3, 6)), rng.normal(size=6)
    square = (x**2).mean(-1, keepdims=True)
    given = [torch.tensor(part) for part in (x, g)]
    for answer, epsilon in ((rms_norm(*given), 1e-6), (rms_norm(*given, 0.1), 0.1)):
        close(answer, g * x / np.sqrt(square + epsilon))


def check_gelu_tanh(gelu_tanh) -> None:
    x = np.linspace(-5, 5, 41)
    formula = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    close(gelu_tanh(torch.tensor(x)), formula)


def check_swiglu(layer_type) -> None:
    torch.manual_seed(0)
    layer = layer_type(4, 6).double()
    x = np.random.default_rng(0).normal(size=(3, 4))
    up, down, gate = (part.weight.detach().numpy() for part in (layer.up, layer.down, layer.gate))
    bent = x @ gate.T * sigmoid(x @ gate.T)
    close(layer(torch.tensor(x)), (bent * (x @ up.T)) @ down.T)


def check_balance(balance_loss) -> None:
    p = softmax(np.random.default_rng(0).normal(size=(20, 4)))
    for top_k in (1, 2):
        chosen = np.argsort(-p, axis=1)[:, :top_k]
        f = np.bincount(chosen.ravel(), minlength=4) / chosen.size
        close(balance_loss(torch.tensor(p), top_k), 4 * (f * p.mean(0)).sum(), within=1e-6)
    close(balance_loss(torch.tensor(p)), float(balance_loss(torch.tensor(p), 1)))


def check_chance_found(minhash_type) -> None:
    for b, r in ((32, 4), (5, 2)):
        for likeness in (0.1, 0.6, 0.9):
            formula = 1 - (1 - likeness**r) ** b
            close(minhash_type(bands=b, rows=r).chance_found(likeness), formula)


def descended(optimizer_type, steps: int, **settings) -> tuple[np.ndarray, list[np.ndarray]]:
    """Where four weights stand after some steps, and the gradients on the way."""
    weight = torch.tensor([0.5, -1.0, 2.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = optimizer_type([weight], **settings)
    gradients = []
    for step in range(steps):
        gradient = np.array([1.0, -0.3, 0.02, 5.0]) * (1 + 0.5 * step) * (-1) ** (step == 2)
        weight.grad = torch.tensor(gradient)
        gradients.append(gradient)
        optimizer.step()
    return weight.detach().numpy(), gradients


def check_momentum(optimizer_type) -> None:
    for mu, nesterov in ((0.0, False), (0.9, False), (0.9, True)):
        answer, gradients = descended(optimizer_type, 5, lr=0.1, momentum=mu, nesterov=nesterov)
        theta, v = np.array([0.5, -1.0, 2.0, 0.0]), 0.0
        for g in gradients:
            v = mu * v + g
            theta = theta - 0.1 * (g + mu * v if nesterov else v)
        close(answer, theta)


def check_adam(optimizer_type) -> None:
    beta1, beta2, epsilon = 0.8, 0.95, 1e-3
    settings = {"lr": 0.1, "betas": (beta1, beta2), "eps": epsilon}
    answer, gradients = descended(optimizer_type, 5, **settings)
    theta, m, v = np.array([0.5, -1.0, 2.0, 0.0]), 0.0, 0.0
    for n, g in enumerate(gradients, start=1):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        theta = theta - 0.1 * (m / (1 - beta1**n)) / (np.sqrt(v / (1 - beta2**n)) + epsilon)
    close(answer, theta)


def check_wsd(schedule) -> None:
    steps, warm, decay, peak = 50, 10, 15, 0.3
    for t in range(steps):
        if t < warm:
            formula = peak * (t + 1) / warm
        elif t < steps - decay:
            formula = peak
        else:
            formula = peak * (1 - (t - (steps - decay)) / decay)
        close(schedule(t, steps, peak, warm, decay), formula)
    close(schedule(40, steps, peak, warm, decay, 0.1), peak - (peak - 0.1) * 5 / 15)
    close(schedule(40, steps, peak, warm, decay, 0.1, "root"), peak - 0.2 * math.sqrt(5 / 15))
    close(schedule(24, 25, peak, warm, 15), peak / 15)  # no plateau at all
    close(schedule(9, 10, peak, 0, 1), peak)
    for warm, decay in ((-1, 5), (5, 0), (6, 5)):
        refused("must fit in steps (10)", lambda w=warm, d=decay: schedule(0, 10, peak, w, d))
    refused("shape 'x' is unknown", lambda: schedule(0, 50, peak, 10, 15, 0.0, "x"))


def check_clip(shorten) -> None:
    for limit, size in ((1.0, 5.0), (1.0, 0.1), (3e-6, 4e-6)):
        given = [
            torch.full(shape, value, dtype=torch.float64)
            for shape, value in (((2, 2), size), ((3,), -size))
        ]
        length = math.sqrt(7) * size
        shorten(given, torch.tensor(length, dtype=torch.float64), limit)
        factor = min(1, limit / (length + 1e-6))
        close(given[0], np.full((2, 2), size * factor), within=1e-12)
        close(given[1], np.full(3, -size * factor), within=1e-12)


RECURRENT, POSITIONS = "llm_book.models.recurrent", "llm_book.models.positions"
NORMS, OPTIM = "llm_book.models.norms", "llm_book.training.optim"
WORDS = "llm_book.training.word_vector_losses"

EQUATIONS = {
    "eq-keep": Equation("llm_book.data.word_pairs.keep_probabilities", check_keep),
    "eq-negative-sampling": Equation(f"{WORDS}.negative_sampling_loss", check_negative_sampling),
    "eq-weighted-squares": Equation(f"{WORDS}.weighted_squares", check_weighted_squares),
    "eq-elman": Equation(f"{RECURRENT}.RNNCell", check_elman),
    "eq-lstm": Equation(f"{RECURRENT}.LSTMCell", check_lstm),
    "eq-linear-recurrence": Equation(
        "llm_book.models.scan.linear_recurrence", check_linear_recurrence
    ),
    "eq-linear-attention": Equation(
        "llm_book.models.scan.linear_attention", check_linear_attention
    ),
    "eq-attention-weights": Equation(
        "llm_book.models.attention.attention_weights", check_attention_weights
    ),
    "eq-sinusoidal": Equation(f"{POSITIONS}.sinusoidal", check_sinusoidal),
    "eq-rotary": Equation(f"{POSITIONS}.rotated", check_rotary),
    "eq-alibi": Equation(f"{POSITIONS}.alibi_bias", check_alibi),
    "eq-layer-norm": Equation(f"{NORMS}.layer_norm", check_layer_norm),
    "eq-rms-norm": Equation(f"{NORMS}.rms_norm", check_rms_norm),
    "eq-gelu-tanh": Equation("llm_book.models.feed_forward.gelu_tanh", check_gelu_tanh),
    "eq-swiglu": Equation("llm_book.models.feed_forward.GatedFeedForward.forward", check_swiglu),
    "eq-balance": Equation("llm_book.models.mixture.balance_loss", check_balance),
    "eq-chance-found": Equation("llm_book.data.minhash.MinHash.chance_found", check_chance_found),
    "eq-momentum": Equation(f"{OPTIM}.SGD.update", check_momentum),
    "eq-adam": Equation(f"{OPTIM}.Adam._move", check_adam),
    "eq-wsd": Equation(
        "llm_book.training.schedule.warmup_stable_decay",
        check_wsd,
        spared={"line 24: < became <=": "where the way down begins, nothing is taken off yet"},
    ),
    "eq-clip": Equation("llm_book.training.clipping.shorten", check_clip),
}
