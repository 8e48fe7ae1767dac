"""The numbered formulas of section 8.2 against the functions they name."""

import math

import numpy as np
import torch

from llm_book.models.transformer import GPTConfig
from llm_book.shapes import IGNORE
from tests.chapters.equations import Equation
from tests.equations.test_equations import close
from tests.equations.test_equations_ch06b import refused


def check_step(quantise) -> None:
    rng = np.random.default_rng(0)
    for bits in (2, 4, 8):
        w = rng.normal(size=(3, 2, 7))
        largest = 2 ** (bits - 1) - 1
        s = np.abs(w).max(-1, keepdims=True) / largest
        numbers, step = quantise(torch.tensor(w), bits)
        close(step, s)
        close(numbers, np.rint(w / s))
        assert numbers.dtype == torch.int8
    numbers, step = quantise(torch.zeros(2, 4), 4)
    close(numbers, np.zeros((2, 4)))
    close(step, np.ones((2, 1)))
    for bits in (1, 9):
        refused("choose from 2 to 8", quantise, torch.ones(1, 2), bits)
    for wrong in (math.nan, math.inf):
        refused("nothing can be rounded to it", quantise, torch.tensor([[1.0, wrong]]), 4)


def check_cache(cache_bytes) -> None:
    sizes = GPTConfig(
        vocab_size=9, context_length=50, width=24, n_layers=3, n_heads=4, n_kv_heads=2, head_width=5
    )
    close(cache_bytes(sizes, 7, 11, 4), 2 * 3 * 7 * 11 * 2 * 5 * 4)
    close(cache_bytes(sizes, 1, 1, 1), 2 * 3 * 2 * 5)
    close(cache_bytes(sizes, 1, 1), 2 * 3 * 2 * 5 * 2)
    for wrong in ((0, 1, 1), (1, 0, 1), (1, 1, 0)):
        refused("each must be 1 or more", cache_bytes, sizes, *wrong)


def check_soft_targets(soft_target_loss) -> None:
    rng = np.random.default_rng(0)
    logits, wanted = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 3, 5))
    targets = np.array([[0, 2, IGNORE], [4, IGNORE, 1]])

    def softmax(z):
        return np.exp(z) / np.exp(z).sum(-1, keepdims=True)

    for tau in (1.0, 2.5):
        p, q = softmax(wanted / tau), softmax(logits / tau)
        each = tau**2 * (p * (np.log(p) - np.log(q))).sum(-1)
        student = torch.tensor(logits, requires_grad=True)
        teacher = torch.tensor(wanted, requires_grad=True)
        loss = soft_target_loss(student, teacher, torch.tensor(targets), tau)
        close(loss, each[targets != IGNORE].mean())
        loss.backward()
        assert teacher.grad is None
    one = torch.tensor(logits), torch.tensor(wanted), torch.tensor(targets)
    close(soft_target_loss(*one), float(soft_target_loss(*one, 1.0)))
    close(soft_target_loss(*one[:2], torch.full((2, 3), IGNORE)), 0)
    close(soft_target_loss(*(x[:1, 1:] for x in one), 2.5), each[0, 1])  # one target counts
    for wrong in (0.0, -1.0, math.nan):
        refused("it must be above 0", soft_target_loss, *one, wrong)


def check_energy(energy_kwh) -> None:
    close(energy_kwh(400, 7200, 1.2), 400 * 7200 * 1.2 / 3.6e6)
    close(energy_kwh(1000, 3600), 1)
    close(energy_kwh(0, 5), 0)
    close(energy_kwh(5, 0), 0)
    why = "expected watts and seconds of 0 or more and a PUE of 1 or more"
    for wrong in ((-1, 1, 1), (1, -1, 1), (1, 1, 0.9), (-1, -1, 1)):
        refused(why, energy_kwh, *wrong)


def check_exposure(exposure) -> None:
    losses = np.array([3.0, 1.0, 2.0, 2.0, 9.0, 0.5])
    for own, rank in ((0.5, 1), (2.0, 4), (9.0, 6)):
        found = exposure(own, losses)
        close([found.bits, found.low, found.high], np.full(3, math.log2(6) - math.log2(rank)))
    why = "give the losses of all, its own included, or use sampled_exposure"
    refused(why, exposure, 7.0, losses)


def check_clipped_sum(clipped_sum) -> None:
    rng = np.random.default_rng(0)
    g = {"a": rng.normal(size=(4, 2, 3)), "b": rng.normal(size=(4, 5))}
    g["a"][3] *= 0.01
    g["b"][3] *= 0.01
    norms = np.sqrt((g["a"] ** 2).sum((1, 2)) + (g["b"] ** 2).sum(1))
    for longest in (0.7, 2.0):
        found = clipped_sum({name: torch.tensor(x) for name, x in g.items()}, longest)
        factors = np.minimum(1, longest / norms)
        close(found["a"], (factors[:, None, None] * g["a"]).sum(0))
        close(found["b"], (factors[:, None] * g["b"]).sum(0))


def cosine(u, v):
    return u @ v / math.sqrt((u @ u) * (v @ v))


def check_associations(associations) -> None:
    rng = np.random.default_rng(0)
    w, a, b = (rng.normal(size=(n, 6)) for n in (3, 4, 5))
    formula = [np.mean([cosine(x, y) for y in a]) - np.mean([cosine(x, y) for y in b]) for x in w]
    close(associations(w, a, b), np.array(formula))
    for wrong in ((w[:, :5], a, b), (w, a[:, :5], b), (w, a, b[:, :5])):
        refused("take them from one table", associations, *wrong)


def check_effect(difference) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=5), rng.normal(size=7)
    for divisor in (True, False):
        both = [*x, *y]
        mean = sum(both) / 12
        deviation = math.sqrt(sum((s - mean) ** 2 for s in both) / (12 - divisor))
        close(difference(x, y, divisor), (sum(x) / 5 - sum(y) / 7) / deviation)
    refused("needs some spread", difference, np.full(3, 1e-12), np.zeros(2), True)
    close(difference(np.array([1e-11]), np.zeros(1), True), math.sqrt(2))


def check_neutralised(neutralised) -> None:
    rng = np.random.default_rng(0)
    w, u = rng.normal(size=(3, 6)), np.linalg.qr(rng.normal(size=(6, 2)))[0].T
    unit = w / np.linalg.norm(w, axis=1, keepdims=True)
    rest = unit - unit @ u.T @ u
    close(neutralised(w, u), rest / np.linalg.norm(rest, axis=1, keepdims=True))
    refused("leave words that define it out", neutralised, np.stack([w[0], u[0]]), u)
    close(neutralised(u[:1] + 1e-6 * rest[:1], u), rest[:1] / np.linalg.norm(rest[:1]), 1e-6)


EQUATIONS = {
    "eq-challenges-step": Equation("llm_book.models.quantised.quantise", check_step),
    "eq-challenges-cache": Equation("llm_book.evaluation.memory.cache_bytes", check_cache),
    "eq-challenges-distillation": Equation(
        "llm_book.training.distillation.soft_target_loss", check_soft_targets
    ),
    "eq-challenges-energy": Equation("llm_book.evaluation.energy.energy_kwh", check_energy),
    "eq-challenges-exposure": Equation("llm_book.evaluation.memorisation.exposure", check_exposure),
    "eq-challenges-clipped": Equation("llm_book.training.private.clipped_sum", check_clipped_sum),
    "eq-challenges-association": Equation(
        "llm_book.evaluation.bias.associations", check_associations
    ),
    "eq-challenges-effect": Equation(
        "llm_book.evaluation.bias.standardised_difference",
        check_effect,
        spared={"line 4: < became <=": "a deviation of exactly 1e-12 does not come up"},
    ),
    "eq-challenges-neutralised": Equation(
        "llm_book.evaluation.debias.neutralised",
        check_neutralised,
        spared={"line 8: < became <=": "a rest of exactly 1e-9 does not come up"},
    ),
}
