"""Learning from what is preferred: DPO from pairs of answers, GRPO from rewards of a group."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from llm_book.shapes import IGNORE, Ids, Logits, Mask, TokenBatch
from llm_book.training.losses import Loss, Model, full_precision, token_log_probabilities

PerAnswer = Float[Tensor, " batch"]
PerToken = Float[Tensor, "batch time"]


def sequence_log_probabilities(logits: Logits, targets: Ids) -> PerAnswer:
    """log p of each row's answer in nats: the sum over its targets that are not ``IGNORE``.

    A sum, not a mean, as DPO's derivation asks. Raises ``ValueError`` for shapes that do not fit,
    ``IndexError`` for targets outside the vocabulary.
    """
    return token_log_probabilities(logits, targets).sum(dim=-1)


@dataclass(frozen=True)
class Preference:
    """What a preference loss saw: ``loss`` (a scalar), and each answer's implicit reward.

    Rewards are β log(π / π_ref) in nats, [batch], without a gradient. Both can fall while the
    margin grows.
    """

    loss: Float[Tensor, ""]
    chosen_rewards: PerAnswer
    rejected_rewards: PerAnswer

    @property
    def margins(self) -> PerAnswer:
        """By how much the chosen answer's reward is above the rejected one's."""
        return self.chosen_rewards - self.rejected_rewards

    @property
    def accuracy(self) -> float:
        """The share of pairs whose chosen answer has the larger reward."""
        return float((self.margins > 0).double().mean())


def direct_preference(
    chosen: Float[Tensor, "..."],
    rejected: Float[Tensor, "..."],
    reference_chosen: Float[Tensor, "..."],
    reference_rejected: Float[Tensor, "..."],
    beta: float = 0.1,
    label_smoothing: float = 0.0,
) -> Preference:
    """DPO: the mean surprise in nats at which of two answers was preferred.

    Takes log p [batch] of the answers under the model and under the reference. ``beta`` holds the
    model near the reference; ``label_smoothing`` is the share of pairs taken to be labelled the
    wrong way round (0: Rafailov et al. 2023, equation 7; above: Mitchell 2023). Raises
    ``ValueError`` for shapes that differ, ``beta`` not above 0, a share outside 0 to 0.5.
    """
    _check_beta(beta)
    if not 0 <= label_smoothing < 0.5:
        raise ValueError(f"label_smoothing is {label_smoothing}; it must be from 0 up to below 0.5")
    shapes = [tuple(x.shape) for x in (chosen, rejected, reference_chosen, reference_rejected)]
    if len(set(shapes)) > 1 or chosen.ndim != 1 or not len(chosen):
        raise ValueError(
            f"log probabilities have the shapes {shapes}; give four of the same shape, one number "
            "an answer"
        )
    chosen_rewards = beta * (chosen - reference_chosen)
    rejected_rewards = beta * (rejected - reference_rejected)
    margins = chosen_rewards - rejected_rewards
    surprise = (label_smoothing - 1) * logsigmoid(margins) - label_smoothing * logsigmoid(-margins)
    return Preference(surprise.mean(), chosen_rewards.detach(), rejected_rewards.detach())


@dataclass(frozen=True)
class PreferenceBatch:
    """Two answers to each prompt, and what the reference makes of them.

    ``chosen`` and ``rejected`` have the same prompts, targets ``IGNORE`` but on the answers;
    ``reference_chosen`` and ``reference_rejected`` [batch] are log p under the reference.
    """

    chosen: TokenBatch
    rejected: TokenBatch
    reference_chosen: PerAnswer
    reference_rejected: PerAnswer

    @property
    def tokens(self) -> int:
        """Positions read, pads included."""
        return self.chosen.tokens + self.rejected.tokens

    @property
    def size(self) -> int:
        """Pairs in the batch."""
        return len(self.reference_chosen)

    @property
    def weight(self) -> int:
        """What the batch's mean loss is the mean over: its pairs."""
        return self.size

    def to(self, device: torch.device | str) -> "PreferenceBatch":
        """The same batch on ``device``."""
        return PreferenceBatch(
            self.chosen.to(device),
            self.rejected.to(device),
            self.reference_chosen.to(device),
            self.reference_rejected.to(device),
        )


def answer_log_probabilities(model: Model, batch: TokenBatch) -> PerAnswer:
    """log p [batch] of each row's answer under ``model``."""
    return sequence_log_probabilities(full_precision(model(batch.ids)), batch.targets)


@torch.no_grad()
def with_reference(
    reference: torch.nn.Module, chosen: TokenBatch, rejected: TokenBatch
) -> PreferenceBatch:
    """A preference batch with log p under ``reference``, which is left as it was."""
    was_training = reference.training
    reference.eval()
    batch = PreferenceBatch(
        chosen,
        rejected,
        answer_log_probabilities(reference, chosen),
        answer_log_probabilities(reference, rejected),
    )
    reference.train(was_training)
    return batch


def preference(
    model: Model, batch: PreferenceBatch, beta: float = 0.1, label_smoothing: float = 0.0
) -> Preference:
    """DPO of ``model`` on one batch, with its rewards."""
    return direct_preference(
        answer_log_probabilities(model, batch.chosen),
        answer_log_probabilities(model, batch.rejected),
        batch.reference_chosen,
        batch.reference_rejected,
        beta,
        label_smoothing,
    )


def preference_loss(beta: float = 0.1, label_smoothing: float = 0.0) -> Loss:
    """A loss for the loop: DPO with this ``beta``."""
    return lambda model, batch: preference(model, batch, beta, label_smoothing).loss


def _check_beta(beta: float) -> None:
    if not beta > 0:
        raise ValueError(f"beta is {beta}; it must be above 0")


def centred_rewards(rewards: Float[Tensor, "..."]) -> Float[Tensor, "prompt answer"]:
    """REINFORCE's advantage: each reward less the mean of its prompt's answers.

    Takes and gives [prompt, answer]. Source: Williams (1992), with the group's mean as baseline.
    Raises ``ValueError`` for another rank or a reward that is no number.
    """
    _check_rewards(rewards)
    return rewards - rewards.mean(dim=1, keepdim=True)


def group_advantages(rewards: Float[Tensor, "..."]) -> Float[Tensor, "prompt answer"]:
    """GRPO's advantage: rewards of a prompt's answers, less their mean, over their deviation.

    Takes and gives [prompt, answer]. The deviation is the population's (divided by n, not n − 1):
    the group is all there is. Where all answers of a prompt have the same reward, nothing is to
    be learned and every advantage is 0. Source: Shao et al. (2024), section 4.1.2. Raises
    ``ValueError`` for another rank or a reward that is no number.
    """
    centred = centred_rewards(rewards)
    # Not "deviation is 0": the mean of three times 0.1 is not 0.1, and 1e-17 / 1e-17 is 1.
    same = (rewards == rewards[:, :1]).all(dim=1, keepdim=True)
    deviation = centred.square().mean(dim=1, keepdim=True).sqrt()
    return (centred / deviation).masked_fill(same, 0)


def _check_rewards(rewards: Tensor) -> None:
    if rewards.ndim != 2 or not rewards.numel():
        raise ValueError(
            f"rewards of shape {tuple(rewards.shape)} are not groups; give [prompt, answer]"
        )
    if not rewards.isfinite().all():
        raise ValueError("a reward is not a finite number; mend the function that gave it")


def reinforce(log_probabilities: PerToken, advantages: PerAnswer, mask: Mask) -> Float[Tensor, ""]:
    """Policy gradient: minus the mean of each answer's log p times its advantage.

    ``mask`` [batch, time] is True on the answer's tokens. Its gradient is Williams' (1992)
    estimate of the expected reward's, with its sign turned for descent.
    """
    answers = log_probabilities.masked_fill(~mask, 0).sum(dim=1)
    return -(answers * advantages).mean()


def k3_divergence(
    log_probabilities: Float[Tensor, "*batch"], reference: Float[Tensor, "*batch"]
) -> Float[Tensor, "*batch"]:
    """An estimate of KL(π ‖ π_ref) at tokens drawn from π: r − 1 − log r with r = π_ref / π.

    Unbiased, and never below 0. Source: Schulman (2020); Shao et al. (2024), equation 4.
    """
    log_ratio = reference - log_probabilities
    return log_ratio.exp() - 1 - log_ratio


AVERAGES = ("answer", "token")


def clipped_objective(
    log_probabilities: PerToken,
    old: PerToken,
    reference: PerToken,
    advantages: PerAnswer,
    mask: Bool[Tensor, "..."],
    clip: float = 0.2,
    beta: float = 0.04,
    average: str = "answer",
) -> Float[Tensor, ""]:
    """GRPO's loss: what a token gains, cut where it has gone far enough, less its divergence.

    log p [batch, time] under the model, under the model that drew the answers and under the
    reference; ``advantages`` [batch] of the answers; ``mask`` [batch, time] True on their tokens.
    A token gains min(rA, clamp(r, 1 − ``clip``, 1 + ``clip``)A) with r = π / π_old. The mean is
    taken within each answer, then over answers (Shao et al. 2024, equation 3); ``average="token"``
    takes it over all tokens, so that those of long answers count as much (Yu et al. 2025). Raises
    ``ValueError`` for shapes that do not fit, an answer without a token, ``clip`` outside 0 to 1,
    ``beta`` below 0.
    """
    _check_objective(clip, beta, average)
    lengths = _answer_lengths(log_probabilities, mask)
    ratio = (log_probabilities - old).exp()
    advantage = advantages[:, None]
    gain = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if beta:
        gain = gain - beta * k3_divergence(log_probabilities, reference)
    gains = gain.masked_fill(~mask, 0).sum(dim=1)
    return -(gains / lengths).mean() if average == "answer" else -gains.sum() / lengths.sum()


def _check_objective(clip: float, beta: float, average: str) -> None:
    if not 0 < clip < 1:
        raise ValueError(f"clip is {clip}; it must be above 0 and below 1")
    if not beta >= 0:
        raise ValueError(f"beta is {beta}; it must be 0 (no divergence term) or above")
    if average not in AVERAGES:
        raise ValueError(f"average {average!r} is unknown; choose one of {', '.join(AVERAGES)}")


def _answer_lengths(log_probabilities: Tensor, mask: Tensor) -> Tensor:
    if mask.shape != log_probabilities.shape:
        raise ValueError(
            f"a mask of shape {tuple(mask.shape)} does not fit log probabilities of shape "
            f"{tuple(log_probabilities.shape)}"
        )
    lengths = mask.sum(dim=1)
    if not lengths.all():
        raise ValueError("an answer has no token; leave it out of its group's batch")
    return lengths


@dataclass(frozen=True)
class AnswerBatch:
    """Answers that were drawn from a model, and by how much each was better than its group.

    ``answers`` holds prompts and answers, targets ``IGNORE`` but on the answers;
    ``advantages`` [batch]; ``old`` and ``reference`` [batch, time] are log p of the targets under
    the model that drew them and under the reference.
    """

    answers: TokenBatch
    advantages: PerAnswer
    old: PerToken
    reference: PerToken

    @property
    def tokens(self) -> int:
        """Positions read, pads included."""
        return self.answers.tokens

    @property
    def size(self) -> int:
        """Answers in the batch."""
        return len(self.advantages)

    @property
    def weight(self) -> int:
        """What the batch's mean loss is the mean over: its answers."""
        return self.size

    @property
    def mask(self) -> Mask:
        """True on the answers' tokens."""
        return self.answers.targets != IGNORE

    def to(self, device: torch.device | str) -> "AnswerBatch":
        """The same batch on ``device``."""
        parts = (self.advantages, self.old, self.reference)
        return AnswerBatch(self.answers.to(device), *(part.to(device) for part in parts))


def policy_loss(clip: float = 0.2, beta: float = 0.04) -> Loss:
    """A loss for the loop: GRPO's clipped objective on an ``AnswerBatch``, a mean over answers."""

    def loss(model: Model, batch: AnswerBatch) -> Tensor:
        logits = full_precision(model(batch.answers.ids))
        now = token_log_probabilities(logits, batch.answers.targets)
        return clipped_objective(
            now, batch.old, batch.reference, batch.advantages, batch.mask, clip, beta
        )

    return loss
