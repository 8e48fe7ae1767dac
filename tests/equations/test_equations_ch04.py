"""Every numbered formula of chapter 4 against the function it names.

As in ``test_equations``: each check computes the formula on its own, in NumPy, by counting or by
autograd, at random inputs, and raises where the partner says something else.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tests.chapters.equations import Equation
from tests.equations.test_equations import close, sigmoid

CHAPTER = "04_mathematics"


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def plain_softmax(scores: np.ndarray) -> np.ndarray:
    parts = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return parts / parts.sum(-1, keepdims=True)


def refuses(function: Callable[..., Any], arguments: tuple[Any, ...], sentence: str) -> None:
    """Raise AssertionError unless the call raises ValueError in just these words at its end."""
    try:
        function(*arguments)
    except ValueError as error:
        assert str(error).endswith(sentence), str(error)
        return
    raise AssertionError(f"nothing was refused: {sentence}")


def check_difference(numerical_gradient) -> None:
    # Of a cube the central difference is off by h² exactly, which tells the default h.
    x = torch.tensor([[0.5, -1.0, 2.0]], dtype=torch.float64)
    close(numerical_gradient(lambda p: (p**3).sum(), x), 3 * x.numpy() ** 2 + 1e-8, 1e-10)
    close(numerical_gradient(lambda p: (p**3).sum(), x, 0.1), 3 * x.numpy() ** 2 + 0.01)
    weights = drawn(2, 3)
    close(numerical_gradient(lambda p: (p * weights).sum(), drawn(2, 3, seed=1)), weights.numpy())


def check_logistic(logistic) -> None:
    x = np.linspace(-4, 4, 9)
    close(logistic(torch.tensor(x)), np.exp(x) / (np.exp(x) + 1))


def check_sgns(loss) -> None:
    positive, negative = drawn(7), drawn(7, 3)
    p, n = positive.numpy(), negative.numpy()
    formula = np.mean(-np.log(sigmoid(p)) - np.log(sigmoid(-n)).sum(1))
    close(loss(positive, negative), formula)
    refuses(loss, (positive[:0], negative[:0]), "the loss is the mean over at least one")


def check_sgns_gradient(gradients) -> None:
    w, c, n = (part.requires_grad_() for part in (drawn(4), drawn(4, seed=1), drawn(3, 4)))
    loss = torch.log1p(torch.exp(-(w * c).sum())) + torch.log1p(torch.exp(n @ w)).sum()
    expected = torch.autograd.grad(loss, (w, c, n))
    answers = gradients(w.detach(), c.detach(), n.detach())
    for ours, theirs in zip(answers, expected, strict=True):
        close(ours, theirs.numpy())


def table_of_counts() -> tuple[torch.Tensor, torch.Tensor]:
    counts = torch.tensor([[4.0, 1, 2], [1, 6, 3], [2, 3, 9]], dtype=torch.float64)
    return counts, torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)


def check_expected_sgns(loss) -> None:
    counts, noise = table_of_counts()
    scores = drawn(3, 3)
    total = 0.0
    for i, j in itertools.product(range(3), repeat=2):
        s = scores[i, j].item()
        total += counts[i, j].item() * math.log(1 / (1 + math.exp(-s)))
        chance = 5 * counts[i].sum().item() * noise[j].item()
        total += chance * math.log(1 / (1 + math.exp(s)))
    close(loss(scores, counts, noise, 5), -total / 31)


def check_sgns_optimum(optimum) -> None:
    counts, noise = table_of_counts()
    found, total = optimum(counts, noise, 5), counts.sum().item()
    for i, j in itertools.product(range(3), repeat=2):
        pair, word = counts[i, j].item() / total, counts[i].sum().item() / total
        close(found[i, j], math.log(pair / (word * noise[j].item())) - math.log(5))
    # And it is where the slope of the pair's own loss, a (σ − 1) + b σ, is zero.
    seen, by_chance = counts.numpy(), (5 * counts.sum(1, keepdim=True) * noise).numpy()
    share = sigmoid(found.numpy())
    close(seen * (share - 1) + by_chance * share, np.zeros((3, 3)))


def check_glove(loss) -> None:
    predicted, counts = drawn(6), drawn(6, seed=1).exp() * 80
    for x_max, power in ((100.0, 0.75), (40.0, 0.5)):
        f = np.minimum(1, (counts.numpy() / x_max) ** power)
        formula = np.sum(f * (predicted.numpy() - np.log(counts.numpy())) ** 2) / 6
        close(loss(predicted, counts, x_max, power), formula)
    close(loss(predicted, counts), loss(predicted, counts, 100.0, 0.75).numpy())
    sentence = "GloVe learns from counts above 0 only; leave pairs never seen out"
    refuses(loss, (predicted, torch.zeros_like(counts)), sentence)
    refuses(loss, (predicted[:0], counts[:0]), sentence)
    ones = torch.ones(1, dtype=torch.float64)
    assert float(loss(ones, ones / 2)) > 0  # any count above 0 is one to learn from


def check_glove_weight(weights) -> None:
    x = np.array([0.0, 0.4, 1.0, 50.0, 99.0, 100.0, 200.0])
    close(weights(torch.tensor(x)), np.minimum((x / 100) ** 0.75, 1))
    close(weights(torch.tensor(x), 10.0, 0.5), np.minimum((x / 10) ** 0.5, 1))
    close(weights(torch.tensor(x), 0.5, 0.5), np.minimum((x / 0.5) ** 0.5, 1))
    for refused in ((0, 0.75), (100, 0), (-1, 0.75), (100, -1)):
        refuses(weights, (torch.tensor(x), *refused), "must be above 0")


def check_wls(solve) -> None:
    features, targets, weights = drawn(9, 3), drawn(9), drawn(9, seed=2).abs() + 0.1
    root = np.sqrt(weights.numpy())
    formula = np.linalg.lstsq(root[:, None] * features.numpy(), root * targets.numpy(), None)[0]
    close(solve(features, targets, weights), formula)


def check_rnn(step) -> None:
    u, w, b, h, x = (
        part.numpy() for part in (drawn(4, 4), drawn(4, 3), drawn(4), drawn(4, seed=1), drawn(3))
    )
    joined = torch.tensor(np.concatenate([u, w], axis=1))
    answer = step(joined, torch.tensor(b), torch.tensor(h), torch.tensor(x))
    close(answer, np.tanh(w @ x + u @ h + b))


def check_logistic_slope(slope) -> None:
    x = np.linspace(-4, 4, 17)
    close(slope(torch.tensor(x)), np.exp(-x) / (1 + np.exp(-x)) ** 2)
    assert slope(torch.tensor(x)).max() <= 0.25


def check_tanh_slope(slope) -> None:
    x = np.linspace(-4, 4, 17)
    close(slope(torch.tensor(x)), 1 / np.cosh(x) ** 2)
    assert slope(torch.tensor(x)).max() <= 1


def a_run(steps: int = 6) -> tuple[torch.Tensor, ...]:
    """States (h₀ first, not zero), inputs, and the three weights of a small network."""
    w, u, b = drawn(4, 3), drawn(4, 4) / 2, drawn(4)
    inputs, states = drawn(steps, 3), [drawn(4, seed=5)]
    for x in inputs:
        states.append(torch.tanh(w @ x + u @ states[-1] + b))
    return torch.stack(states), inputs, w, u, b


def check_bptt(bptt) -> None:
    states, inputs, w, u, b = a_run()
    weights, targets = [part.requires_grad_() for part in (w, u, b)], drawn(6, 4, seed=9)
    state, loss = states[0], torch.zeros((), dtype=torch.float64)
    for x, target in zip(inputs, targets, strict=True):
        state = torch.tanh(w @ x + u @ state + b)
        loss = loss + ((state - target) ** 2).sum() / 2
    expected = torch.autograd.grad(loss, weights)
    answers = bptt(states, inputs, states[1:] - targets, u.detach())
    for ours, theirs in zip(answers, expected, strict=True):
        close(ours, theirs.numpy())


def check_jacobian(product) -> None:
    states, inputs, w, u, b = a_run(3)

    def last(state):
        for x in inputs:
            state = torch.tanh(w @ x + u @ state + b)
        return state

    expected = torch.autograd.functional.jacobian(last, states[0])
    close(product(states, u), expected.numpy())


def check_half_life(half_life) -> None:
    for bias in (-1.0, 0.0, 2.0, 5.0):
        close(sigmoid(bias) ** half_life(bias), 0.5)


def check_softmax(softmax) -> None:
    scores = drawn(3, 5)
    scores[1] += 1000
    scores[2, 0] -= 1000  # the smallest is no better to take away than none
    close(softmax(scores), plain_softmax(scores.numpy()))
    close(softmax(scores[0]), plain_softmax(scores[0].numpy()))


def check_attention(attend) -> None:
    q, k, v = drawn(2, 4), drawn(3, 4), drawn(3, 5)
    weights = plain_softmax(q.numpy() @ k.numpy().T / math.sqrt(4))
    close(attend(q, k, v), weights @ v.numpy())
    mask = torch.tensor([[True, False, True], [True, True, False]])
    scores = np.where(mask.numpy(), q.numpy() @ k.numpy().T / 2, -np.inf)
    close(attend(q, k, v, mask), plain_softmax(scores) @ v.numpy())
    refuses(attend, (q, k, v[:2]), "each key needs its value")


def check_score_variance(variance) -> None:
    # Signs times a or b: every case can be counted, and mean 0 and variances a², b² are exact.
    a, b = 1.5, 0.5
    for width in (1, 2, 3):
        signs = list(itertools.product((-1, 1), repeat=width))
        scores = [
            a * b * sum(x * y for x, y in zip(q, k, strict=True)) for q in signs for k in signs
        ]
        close(variance(width, a * a, b * b), np.mean(np.square(scores)))
        close(variance(width), np.mean(np.square(scores)) / (a * b) ** 2)


def check_softmax_jacobian(jacobian) -> None:
    scores = drawn(5)
    expected = torch.autograd.functional.jacobian(lambda s: s.softmax(0), scores)
    close(jacobian(scores.softmax(0)), expected.numpy())


def check_softmax_backward(backward) -> None:
    scores, arriving = drawn(3, 5).requires_grad_(), drawn(3, 5, seed=4)
    (expected,) = torch.autograd.grad((scores.softmax(-1) * arriving).sum(), scores)
    close(backward(scores.detach().softmax(-1), arriving), expected.numpy())


def check_attention_cost(flops) -> None:
    for n, d in ((3, 2), (64, 16), (5, 40)):
        products = [(n, d, d)] * 4 + [(n, d, n), (n, n, d)]  # a × b times b × c, all heads at once
        close(flops(n, d), sum(2 * a * b * c for a, b, c in products))


def check_online_softmax(online) -> None:
    q, k, v = drawn(3, 4), drawn(7, 4), drawn(7, 2)
    for stretch, block in ((1, 1), (1, 3), (500, 3), (1, 7), (1, 20)):
        scores = stretch * q.numpy() @ k.numpy().T / math.sqrt(4)
        answer, log_total = online(stretch * q, k, v, block)
        close(answer, plain_softmax(scores) @ v.numpy())
        largest = scores.max(1, keepdims=True)
        total = largest + np.log(np.exp(scores - largest).sum(1, keepdims=True))
        close(log_total, total, 1e-9 * max(1.0, np.abs(total).max()))


def check_attention_backward(backward) -> None:
    q, k, v = (part.requires_grad_() for part in (drawn(3, 4), drawn(7, 4), drawn(7, 2)))
    scores = q @ k.T / math.sqrt(4)
    answer, arriving = scores.softmax(1) @ v, drawn(3, 2, seed=8)
    expected = torch.autograd.grad((answer * arriving).sum(), (q, k, v))
    given = [part.detach() for part in (q, k, v, answer, scores.logsumexp(1, keepdim=True))]
    for block in (1, 3, 20):
        for ours, theirs in zip(backward(*given, arriving, block), expected, strict=True):
            close(ours, theirs.numpy())


def check_cross_entropy(loss) -> None:
    logits, targets = drawn(2, 5, 7), torch.tensor([[1, 0, 6, 2, 3], [5, 5, 1, -100, 4]])
    p, t = plain_softmax(logits.numpy()).reshape(10, 7), targets.numpy().ravel()
    counted = t != -100
    surprise = -np.log(p[counted, t[counted]])
    close(loss(logits, targets), surprise.mean())
    close(loss(logits[0, :1], targets[0, :1]), -np.log(p[0, 1]))
    close(loss(logits[0, :2], targets[0, :2], 1), -np.log(p[1, 0]))  # what is ignored is given
    even = -np.log(p[counted]).mean(1)
    for share in (0.0, 0.3, 1.0):
        smoothed = (1 - share) * surprise + share * even
        close(loss(logits, targets, label_smoothing=share), smoothed.mean())
    log_z = np.log(np.exp(logits.numpy()).sum(-1)).ravel()[counted]
    for weight in (0.0, 0.25, 2.0):
        close(loss(logits, targets, z_weight=weight), (surprise + weight * log_z**2).mean())
    close(loss(logits, torch.full_like(targets, -100)), 0.0)
    for share in (-0.1, 1.05, 2.0):
        refuses(loss, (logits, targets, -100, share), "it is a share, from 0 to 1")
    for weight in (-0.5, float("nan")):
        refuses(loss, (logits, targets, -100, 0.0, weight), "it must be 0 (none) or above")


def check_p_minus_y(gradient) -> None:
    logits, targets = drawn(4, 5), torch.tensor([3, 0, 0, 4])
    formula = plain_softmax(logits.numpy())
    formula[np.arange(4), targets.numpy()] -= 1
    close(gradient(logits, targets), formula / 4)


def check_two_layers(gradients) -> None:
    x, targets = drawn(6, 2), torch.tensor([0, 2, 1, 1, 0, 2])
    weights = [drawn(4, 2), drawn(4), drawn(3, 4), drawn(3)]
    learned = [weight.requires_grad_() for weight in weights]
    logits = torch.tanh(x @ weights[0].T + weights[1]) @ weights[2].T + weights[3]
    picked = logits.log_softmax(1)[torch.arange(6), targets]
    expected = torch.autograd.grad(-picked.mean(), learned)
    answers = gradients(x, targets, *(weight.detach() for weight in weights))
    for ours, theirs in zip(answers, expected, strict=True):
        close(ours, theirs.numpy())


def check_descent(distance_left) -> None:
    for rate, curvature, start in ((0.1, 3.0, 2.0), (0.7, 2.0, -1.0)):
        place = start
        for step in range(5):
            close(distance_left(rate, curvature, step, start), place)
            place -= rate * curvature * place
    close(distance_left(0.1, 3.0, 2), 0.49)


def check_momentum(sgd) -> None:
    gradients = drawn(6, 3)
    for momentum, nesterov, decay in (
        (0.0, False, 0.0),
        (0.9, False, 0.0),
        (0.5, True, 0.0),
        (0.5, False, 0.3),
    ):
        weight = torch.ones(3, dtype=torch.float64)
        optimizer = sgd([weight], 0.1, momentum, nesterov, decay)
        w, v = np.ones(3), np.zeros(3)
        for gradient in gradients:
            weight.grad = gradient.clone()
            optimizer.step()
            g = gradient.numpy() + decay * w
            v = momentum * v + g
            w = w - 0.1 * (g + momentum * v if nesterov else v)
            close(weight, w)


def check_adam(adam) -> None:
    for size in (1.0, 1e-8):  # with gradients as small as ε, ε is seen
        gradients = size * drawn(6, 3)
        for settings in ({}, {"lr": 0.1, "betas": (0.5, 0.8), "eps": 1e-3, "weight_decay": 0.2}):
            rate, eps = settings.get("lr", 1e-3), settings.get("eps", 1e-8)
            beta1, beta2 = settings.get("betas", (0.9, 0.999))
            decay = settings.get("weight_decay", 0.0)
            weight = torch.ones(3, dtype=torch.float64)
            optimizer = adam([weight], **settings)
            w, m, v = np.ones(3), np.zeros(3), np.zeros(3)
            for t, gradient in enumerate(gradients, start=1):
                weight.grad = gradient.clone()
                optimizer.step()
                g = gradient.numpy() + decay * w
                m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
                hat_m, hat_v = m / (1 - beta1**t), v / (1 - beta2**t)
                w = w - rate * hat_m / (np.sqrt(hat_v) + eps)
                close(weight, w, 1e-11)


def check_perplexity(surprise) -> None:
    p = np.array([0.5, 0.25, 0.1])
    nats = float(-np.log(p).sum())
    close(surprise(nats, 3).perplexity, np.prod(p) ** (-1 / 3))
    assert surprise(1e9, 1).perplexity == math.inf


def check_bits_per_byte(surprise) -> None:
    p = np.array([0.5, 0.25, 0.1])
    found = surprise(float(-np.log(p).sum()), 3)
    close(found.bits_per_byte("好a"), -np.log2(p).sum() / 4)
    close(found.bits_per_byte(b"12345"), -np.log2(p).sum() / 5)
    close(found.bits_per_byte(1), -np.log2(p).sum())
    refuses(found.bits_per_byte, ("",), "has no bits per byte; give 1 or more")


def check_cuts(chance) -> None:
    pieces = {"a": 0.3, "b": 0.2, "ab": 0.4, "bab": 0.1}

    def every(text: str) -> float:
        found = [p * every(text[len(s) :]) for s, p in pieces.items() if text.startswith(s)]
        return sum(found) if text else 1.0

    for text in ("", "a", "ab", "abab", "babab", "aac"):
        close(chance(text, pieces), every(text))


def here(name: str) -> str:
    return f"{CHAPTER}:{name}"


EQUATIONS = {
    "eq-math-difference": Equation(here("numerical_gradient"), check_difference),
    "eq-math-sigmoid": Equation(here("logistic"), check_logistic),
    "eq-math-sgns": Equation(
        "llm_book.training.word_vector_losses.negative_sampling_loss", check_sgns
    ),
    "eq-math-sgns-gradient": Equation(here("sgns_gradients"), check_sgns_gradient),
    "eq-math-expected-sgns": Equation(
        "llm_book.training.expected_skip_gram.expected_sgns_loss", check_expected_sgns
    ),
    "eq-math-sgns-optimum": Equation(
        "llm_book.training.expected_skip_gram.sgns_optimum", check_sgns_optimum
    ),
    "eq-math-glove": Equation("llm_book.training.word_vector_losses.weighted_squares", check_glove),
    "eq-math-glove-weight": Equation(
        "llm_book.training.word_vector_losses.glove_weights", check_glove_weight
    ),
    "eq-math-wls": Equation(here("weighted_least_squares"), check_wls),
    "eq-math-rnn": Equation(here("concatenated_step"), check_rnn),
    "eq-math-logistic-slope": Equation(here("logistic_slope"), check_logistic_slope),
    "eq-math-tanh-slope": Equation(here("tanh_slope"), check_tanh_slope),
    "eq-math-bptt": Equation(here("bptt"), check_bptt),
    "eq-math-jacobian": Equation(here("jacobian_product"), check_jacobian),
    "eq-math-half-life": Equation(here("half_life"), check_half_life),
    "eq-math-softmax": Equation(here("stable_softmax"), check_softmax),
    "eq-math-attention": Equation("llm_book.models.attention.attend", check_attention),
    "eq-math-score-variance": Equation(here("score_variance"), check_score_variance),
    "eq-math-softmax-jacobian": Equation(here("softmax_jacobian"), check_softmax_jacobian),
    "eq-math-softmax-backward": Equation(here("softmax_backward"), check_softmax_backward),
    "eq-math-attention-cost": Equation(here("attention_flops"), check_attention_cost),
    "eq-math-online-softmax": Equation(here("online_attention"), check_online_softmax),
    "eq-math-attention-backward": Equation(here("attention_backward"), check_attention_backward),
    "eq-math-cross-entropy": Equation(
        "llm_book.training.losses.cross_entropy", check_cross_entropy
    ),
    "eq-math-p-minus-y": Equation(here("cross_entropy_gradient"), check_p_minus_y),
    "eq-math-two-layers": Equation(here("two_layer_gradients"), check_two_layers),
    "eq-math-descent": Equation(here("distance_left"), check_descent),
    "eq-math-momentum": Equation("llm_book.training.optim.SGD.update", check_momentum),
    "eq-math-adam": Equation("llm_book.training.optim.Adam", check_adam),
    "eq-math-perplexity": Equation(
        "llm_book.evaluation.language_modelling.Surprise.perplexity", check_perplexity
    ),
    "eq-math-bits-per-byte": Equation(
        "llm_book.evaluation.language_modelling.Surprise.bits_per_byte", check_bits_per_byte
    ),
    "eq-math-cuts": Equation(here("chance_over_cuts"), check_cuts),
}
