"""The numbered formulas of section 8.1 against the functions they name."""

import math

import numpy as np
import torch

from tests.chapters.equations import Equation
from tests.equations.test_equations import close
from tests.equations.test_equations_ch06b import refused

T95 = {1: 12.706204736, 2: 4.302652730, 5: 2.570581836}  # Student's, by degrees of freedom


def check_power_law(fit) -> None:
    rng = np.random.default_rng(0)
    for n in (3, 4, 7):
        x, y = rng.uniform(1, 50, n), rng.uniform(1, 5, n)
        design = np.stack([np.ones(n), np.log(x)], axis=1)
        weights = np.linalg.solve(design.T @ design, design.T @ np.log(y))
        rest = np.log(y) - design @ weights
        error = np.sqrt(rest @ rest / (n - 2) * np.linalg.inv(design.T @ design)[1, 1])
        law = fit(x, y)
        close(math.log(law.constant), weights[0])
        close(law.exponent.estimate, -weights[1])
        close(law.exponent.low, -weights[1] - T95[n - 2] * error, within=1e-7)
        close(law.exponent.high, -weights[1] + T95[n - 2] * error, within=1e-7)
    lists = "are no 3 points or more; give two lists of the same length"
    above = "a point is not a number above 0 and has no logarithm; leave it out"
    refused(f"x of shape (2,) and y of shape (2,) {lists}", fit, [1, 2], [1, 2])
    refused(f"x of shape (3,) and y of shape (2,) {lists}", fit, [1, 2, 3], [1, 2])
    square = [[1, 2, 3], [4, 5, 7], [1, 2, 4]]
    refused(f"x of shape (3, 3) and y of shape (3, 3) {lists}", fit, square, square)
    refused(above, fit, [0, 1, 2], [1, 2, 3])
    refused(above, fit, [1, 2, 3], [1, 0, 3])
    refused(above, fit, [1, 2, 3], [1, -1, 3])
    refused(above, fit, [1, 2, math.inf], [1, 2, 3])
    fit([0.5, 0.6, 0.7], [0.3, 0.2, 0.1])
    refused("all x are the same, so no slope can be seen; vary x", fit, [2, 2, 2], [1, 2, 3])


def check_loss_after(table_type) -> None:
    for facts, answers, exponent in ((7, 3, 1.5), (40, 10, 1.2)):
        table = table_type(facts, answers, exponent)
        p = np.arange(1, facts + 1) ** -exponent
        p /= p.sum()
        for n in (0, 1, 5, 30):
            close(table.loss_after(n), np.log(answers) * np.sum(p * (1 - p) ** n))
    refused("-1 draws", lambda n: _ends(table, n), -1)


def _ends(table, n) -> None:
    """Asks, and raises with the words that name what was counted, whatever stands around them."""
    try:
        table.loss_after(n)
    except ValueError as error:
        words = str(error)
        raise ValueError("-1 draws" if "draws" in words and "-1" in words else words) from error


def check_loss(law_type) -> None:
    rng = np.random.default_rng(0)
    for _ in range(3):
        e, a, b, alpha, beta = rng.uniform(0.2, 3, 5)
        n, d = rng.uniform(1, 9, (2, 4))
        close(law_type(e, a, b, alpha, beta).loss(n, d), e + a * n**-alpha + b * d**-beta)


def check_optimum(law_type) -> None:
    """The derivative of the loss along a budget is zero there: αA/N^α = βB/D^β."""
    rng = np.random.default_rng(1)
    for _ in range(3):
        e, a, b, alpha, beta = rng.uniform(0.2, 3, 5)
        compute = rng.uniform(10, 100, 4)
        n, d = law_type(e, a, b, alpha, beta).optimum(compute)
        close(6 * n * d, compute)
        close(alpha * a * n**-alpha - beta * b * d**-beta, np.zeros(4))


def check_sparse(model_type) -> None:
    torch.manual_seed(0)
    model = model_type(3, 5).double()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight))
    x = torch.randn(6, 3).double()
    w, r, b, c = (
        p.detach().numpy() for p in (model.directions, model.readers, model.threshold, model.centre)
    )
    codes = np.maximum((x.numpy() - c) @ r.T + b, 0)
    close(model.encode(x), codes)
    close(model.decode(model.encode(x)), codes @ (w / np.linalg.norm(w, axis=1)[:, None]) + c)


def check_rollout(rollout) -> None:
    rng = np.random.default_rng(0)
    raw = rng.uniform(size=(3, 2, 2, 4, 4))
    weights = raw / raw.sum(-1, keepdims=True)
    for share in (0.5, 0.2, 0, 1):
        reached = np.eye(4)
        for layer in weights.mean(2):
            reached = (share * np.eye(4) + (1 - share) * layer) @ reached
        close(rollout(torch.tensor(weights), share), reached)
    half = 0.5 * np.eye(4) + 0.5 * weights[0].mean(1)
    close(rollout(torch.tensor(weights[:1])), half)
    shape = "cannot be rolled out; expected [layer, batch, head, time, time]"
    for wrong in (-0.1, 1.1):
        refused(f"bypass is {wrong}; it is a share, 0 to 1", rollout, torch.tensor(weights), wrong)
    for wrong in (weights[0], weights[..., :3], weights[:0], weights[..., :3, :]):
        words = f"weights of shape {tuple(wrong.shape)} {shape}"
        refused(words, rollout, torch.tensor(wrong))
    words = "a row of the weights does not sum to 1; give softmaxed weights"
    refused(words, rollout, torch.tensor(weights * (1 + 2e-3)))
    close(rollout(torch.tensor(weights * (1 + 5e-4)), 1), np.broadcast_to(np.eye(4), (2, 4, 4)))


def check_contrastive(loss) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4, 5))
    match = np.array([[1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]], bool)

    def one_way(s, m):
        log_share = s - np.log(np.exp(s).sum(1, keepdims=True))
        return -np.mean([row[on].mean() for row, on in zip(log_share, m, strict=True)])

    formula = (one_way(scores, match) + one_way(scores.T, match.T)) / 2
    close(loss(torch.tensor(scores), torch.tensor(match)), formula)
    nothing = "an image or a text matches nothing in the batch; leave it out"
    column = match & (np.arange(5) < 4)
    column[3, 3] = True  # every row matches, the last column does not
    for wrong in (match & (np.arange(4) > 0)[:, None], column):
        refused(nothing, loss, torch.tensor(scores), torch.tensor(wrong))
    shapes = "scores of shape (4, 5) do not fit matches of shape (5, 4); give one truth a score"
    refused(shapes, loss, torch.tensor(scores), torch.tensor(match.T))


EQUATIONS = {
    "eq-trends-power-law": Equation(
        "llm_book.evaluation.power_law.fit_power_law",
        check_power_law,
    ),
    "eq-trends-zipf": Equation(
        "llm_book.data.world.zipf_facts.ZipfFacts.loss_after", check_loss_after
    ),
    "eq-trends-loss": Equation("llm_book.evaluation.scaling_law.ScalingLaw.loss", check_loss),
    "eq-trends-optimum": Equation(
        "llm_book.evaluation.scaling_law.ScalingLaw.optimum", check_optimum
    ),
    "eq-trends-sparse": Equation(
        "llm_book.models.sparse_autoencoder.SparseAutoencoder.encode", check_sparse
    ),
    "eq-rollout": Equation(
        "llm_book.interpret.rollout.attention_rollout",
        check_rollout,
        {
            "line 19: 0 became 1": "any key gives a tensor of ones of the same shape",
            "line 21: 1 became 2": "the last two axes were found to be equally long",
        },
    ),
    "eq-trends-contrastive": Equation(
        "llm_book.training.contrastive.contrastive_loss", check_contrastive
    ),
}
