"""The numbered formulas of sections 6.1 to 6.3 against the functions they name."""

import math

import numpy as np
import torch

from llm_book.evaluation.translation import bleu_counts
from tests.chapters.equations import Equation
from tests.equations.test_equations import close


def refused(call, *arguments, says: str = "") -> None:
    """Raise where a call is not refused, or not in these words."""
    try:
        call(*arguments)
    except ValueError as error:
        assert says in str(error), error
        return
    raise AssertionError(f"{arguments} were not refused")


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def check_min_p(keep_min_p) -> None:
    logits = np.random.default_rng(0).normal(size=(4, 9)) * 2
    for least in (0.05, 0.4, 1.0):
        p = softmax(logits)
        formula = np.where(p >= least * p.max(-1, keepdims=True), logits, -1e9)
        answer = keep_min_p(torch.tensor(logits), least).clamp(min=-1e9)
        close(answer, formula)


def check_acceptance(acceptance) -> None:
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(6), size=2)
    for token in range(6):
        close(acceptance(torch.tensor(p), torch.tensor(q), token), min(1, p[token] / q[token]))


def check_correction(correction) -> None:
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(6), size=2)
    more = np.maximum(0, p - q)
    close(correction(torch.tensor(p), torch.tensor(q)).softmax(-1), more / more.sum())


def some_pairs() -> tuple[list[list[int]], list[list[int]]]:
    rng = np.random.default_rng(1)
    sources = [rng.integers(0, 4, n).tolist() for n in (1, 3, 4, 2)]
    targets = [rng.integers(0, 5, n).tolist() for n in (2, 3, 1, 4)]
    return sources, targets


def turns(sources, targets, n: int) -> tuple[dict, list[float]]:
    """t(f | e) after n rounds, by plain loops, and the likelihood before each; −1 is empty."""
    met = {(e, f) for s, t in zip(sources, targets, strict=True) for e in (-1, *s) for f in t}
    table = {(e, f): 1 / sum(a == e for a, _ in met) for e, f in met}
    likelihoods = []
    for _ in range(n):
        counts = dict.fromkeys(met, 0.0)
        likelihood = 0.0
        for source, target in zip(sources, targets, strict=True):
            for f in target:
                total = sum(table[e, f] for e in (-1, *source))
                likelihood += math.log(total / (len(source) + 1))
                for e in (-1, *source):
                    counts[e, f] += table[e, f] / total
        likelihoods.append(likelihood)
        table = {(e, f): c / sum(v for (a, _), v in counts.items() if a == e)
                 for (e, f), c in counts.items()}  # fmt: skip
    return table, likelihoods


def check_ibm_likelihood(model_type) -> None:
    sources, targets = some_pairs()
    model = model_type(sources, targets)
    for n in range(3):
        likelihood = turns(sources, targets, n + 1)[1][-1]
        close(model.log_likelihood(sources, targets), likelihood)
        model.step()
    assert model.log_likelihood([[0]], [[7]]) == -math.inf
    refused(model.log_likelihood, [[0]], [])


def check_ibm_step(model_type) -> None:
    sources, targets = some_pairs()
    model = model_type(sources, targets)
    for n in range(1, 5):
        table, likelihoods = turns(sources, targets, n)
        close(model.step(), likelihoods[-1])
        for (e, f), p in table.items():
            close(model.probability(e, f), p)


def check_alignment_error(rate) -> None:
    found = [{(0, 0), (1, 1), (2, 1)}, {(0, 2)}]
    sure = [{(0, 0), (1, 2)}, {(0, 2), (1, 1), (3, 3)}]
    possible = [{(1, 1)}, set()]
    both, links = 1 + 1, 4 + 5
    close(rate(found, sure), 1 - 2 * both / links)
    close(rate(found, sure, possible), 1 - (both + 3) / links)
    for wrong in (([set()], [set()]), ([set()], []), (found, sure, [set()])):
        refused(rate, *wrong)
    refused(rate, [set()], [], says="alignments do not match; give one of each a sentence pair")
    refused(rate, [set()], [set()], says="so there is no rate; give a pair")


def check_additive_attention(attention_type) -> None:
    torch.manual_seed(0)
    attention = attention_type(3, 4, 5).double()
    s, k = torch.randn(2, 3).double(), torch.randn(2, 6, 4).double()
    mask = torch.arange(6) < torch.tensor([[6], [4]])
    w, u, v = (
        part.weight.detach().numpy() for part in (attention.query, attention.key, attention.score)
    )
    scores = np.tanh(s.numpy()[:, None] @ w.T + k.numpy() @ u.T) @ v[0]
    close(attention(s, attention.key(k)), softmax(scores))
    formula = softmax(np.where(mask.numpy(), scores, -1e30))
    close(attention(s, attention.key(k), mask[:, None]), formula)
    assert not any("bias" in name for name, _ in attention.named_parameters())


def check_bleu(bleu_of) -> None:
    def corpus_bleu(hypotheses, references, max_order=4, effective_order=False):
        return bleu_of(bleu_counts(hypotheses, references, max_order), effective_order)

    hypotheses = [list("abcdeab"), list("aabbc")]
    references = [[list("abcdeabxy")], [list("aabbcc")]]
    grams = [[tuple(t[i : i + n]) for i in range(len(t) - n + 1)]
             for n in range(1, 5) for t in hypotheses]  # fmt: skip
    logs = []
    for n in range(1, 5):
        right = total = 0
        for row, ((reference,), hypothesis) in enumerate(zip(references, hypotheses, strict=True)):
            own = grams[2 * (n - 1) + row]
            theirs = [tuple(reference[i : i + n]) for i in range(len(reference) - n + 1)]
            right += sum(min(own.count(g), theirs.count(g)) for g in set(own))
            total += len(hypothesis) - n + 1
        logs.append(math.log(right / total))
    close(corpus_bleu(hypotheses, references).score, math.exp(1 - 15 / 12 + sum(logs) / 4))
    long = [list("abcdeabxyz")], [[list("abcdeabxy")]]
    p = [9 / 10, 8 / 9, 7 / 8, 6 / 7]
    answer = corpus_bleu(*long)
    close(answer.score, math.exp(np.log(p).mean()))
    close(np.array([answer.length, answer.reference_length, *answer.precisions]), [10, 9, *p])
    short = [list("ab")], [[list("ab")]]
    close(corpus_bleu(*short).score, 0.0)
    close(corpus_bleu(*short).precisions, np.array([1.0, 1.0, 0.0, 0.0]))
    close(corpus_bleu(*short, effective_order=True).score, 1.0)
    close(corpus_bleu([list("xy")], [[list("ab")]], effective_order=True).score, 0.0)
    close(corpus_bleu([list("abc")], [[list("abd")]], max_order=1).score, 2 / 3)
    several = [[list("abcdefg"), list("abc")]]
    close(corpus_bleu([list("abcd")], several, max_order=2).reference_length, 3)
    refused(corpus_bleu, [list("ab")], [[list("ab")]], 0, says="n-grams of order 1 at least")
    refused(corpus_bleu, [], [])


def check_lora(layer_type) -> None:
    torch.manual_seed(0)
    base = torch.nn.Linear(5, 4).double()
    layer = layer_type(base, 3, alpha=7.0)
    with torch.no_grad():
        layer.up.normal_()
    x = torch.randn(2, 5).double()
    w, b, down, up = (p.detach().numpy() for p in (base.weight, base.bias, layer.down, layer.up))
    formula = x.numpy() @ w.T + b + 7 / 3 * x.numpy() @ down.T @ up.T
    close(layer(x), formula)
    layer.merge()
    close(layer(x), formula)


def check_dpo(direct_preference) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(4, 6)) * 5 - 8
    chosen, rejected, reference_chosen, reference_rejected = numbers
    for beta, share in ((0.1, 0.0), (0.7, 0.0), (0.5, 0.2)):
        up = beta * (chosen - reference_chosen)
        down = beta * (rejected - reference_rejected)
        margin = up - down
        formula = (1 - share) * np.log1p(np.exp(-margin)) + share * np.log1p(np.exp(margin))
        answer = direct_preference(*torch.tensor(numbers), beta, share)
        close(answer.loss, formula.mean())
        close(answer.chosen_rewards, up)
        close(answer.rejected_rewards, down)
    close(
        direct_preference(*torch.tensor(numbers)).loss,
        direct_preference(*torch.tensor(numbers), 0.1, 0.0).loss.item(),
    )
    one = torch.zeros(1).double()
    close(direct_preference(one, one, one, one).loss, math.log(2))
    for beta, share in ((0.0, 0.0), (0.1, 0.5), (0.1, -0.1)):
        refused(direct_preference, one, one, one, one, beta, share)
    words = "give four of the same shape, one number an answer"
    refused(direct_preference, one, one, one, torch.zeros(2).double(), says=words)
    refused(direct_preference, *torch.zeros(4, 0).double())
    refused(direct_preference, *torch.zeros(4, 1, 1).double())


def check_group_advantage(group_advantages) -> None:
    rewards = np.array([[0.0, 1, 1, 0.5], [0.1, 0.1, 0.1, 0.1], [-3, 2, 2, 0]])
    centred = rewards - rewards.mean(1, keepdims=True)
    spread = np.sqrt((centred**2).mean(1, keepdims=True))
    same = (rewards == rewards[:, :1]).all(1, keepdims=True)
    close(
        group_advantages(torch.tensor(rewards)),
        np.where(same, 0, centred / np.where(same, 1, spread)),
    )


def check_clipped(clipped_objective) -> None:
    rng = np.random.default_rng(0)
    now, old, reference = rng.normal(size=(3, 4, 5)) - 2
    advantages = np.array([1.5, -0.7, 0.2, -2.0])
    mask = np.arange(5) < np.array([[5], [1], [3], [2]])
    for clip, beta, average in ((0.2, 0.04, "answer"), (0.4, 0.0, "answer"), (0.2, 0.3, "token")):
        ratio = np.exp(now - old)
        gain = np.minimum(
            ratio * advantages[:, None], np.clip(ratio, 1 - clip, 1 + clip) * advantages[:, None]
        )
        delta = reference - now
        gain = (gain - beta * (np.exp(delta) - 1 - delta)) * mask
        formula = (
            -(gain.sum(1) / mask.sum(1)).mean() if average == "answer" else -gain.sum() / mask.sum()
        )
        arguments = [torch.tensor(x) for x in (now, old, reference, advantages, mask)]
        close(clipped_objective(*arguments, clip, beta, average), formula)
        if average == "answer" and clip == 0.2:
            close(clipped_objective(*arguments), formula)


def check_pass_at_k(pass_at_k) -> None:
    from itertools import combinations

    for n, right, k in ((5, 2, 1), (6, 2, 3), (4, 0, 2), (4, 4, 4), (5, 3, 4), (1, 1, 1)):
        draws = list(combinations(range(n), k))
        close(pass_at_k(n, right, k), sum(min(d) < right for d in draws) / len(draws))
    for wrong in ((3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0)):
        refused(pass_at_k, *wrong, says="0 <= right <= attempts and 1 <= k <= attempts")


EQUATIONS = {
    "eq-min-p": Equation("llm_book.generation.filtering.keep_min_p", check_min_p),
    "eq-acceptance": Equation("llm_book.generation.speculative.acceptance", check_acceptance),
    "eq-correction": Equation("llm_book.generation.speculative.correction", check_correction),
    "eq-ibm-likelihood": Equation(
        "llm_book.models.ibm_model_1.IBMModel1.log_likelihood", check_ibm_likelihood
    ),
    "eq-ibm-step": Equation("llm_book.models.ibm_model_1.IBMModel1.step", check_ibm_step),
    "eq-alignment-error": Equation(
        "llm_book.evaluation.alignment.alignment_error_rate", check_alignment_error
    ),
    "eq-additive-attention": Equation(
        "llm_book.models.seq2seq.AdditiveAttention", check_additive_attention
    ),
    "eq-bleu": Equation("llm_book.evaluation.translation.bleu_of", check_bleu),
    "eq-lora": Equation("llm_book.models.lora.LoRALinear.forward", check_lora),
    "eq-dpo": Equation("llm_book.training.preference.direct_preference", check_dpo),
    "eq-group-advantage": Equation(
        "llm_book.training.preference.group_advantages", check_group_advantage
    ),
    "eq-clipped": Equation("llm_book.training.preference.clipped_objective", check_clipped),
    "eq-pass-at-k": Equation("llm_book.evaluation.pass_at_k.pass_at_k", check_pass_at_k),
}
