"""Prompts with answers → batches in which only the answers are learned."""

from collections.abc import Sequence

import torch

from llm_book.shapes import IGNORE, TokenBatch


def pad_answers(
    prompts: Sequence[Sequence[int]],
    answers: Sequence[Sequence[int]],
    end_id: int,
    pad_id: int = 0,
    context_length: int | None = None,
) -> TokenBatch:
    """Each prompt followed by its answer and the end token, padded on the right.

    Targets are the tokens that come next; those that belong to the prompt are ``IGNORE``. The
    answer's first token is said after the prompt's last, so a prompt needs a token. Raises
    ``ValueError`` for no examples, for unequally many prompts and answers, an empty prompt, and
    an example that does not fit in ``context_length``.
    """
    if not prompts or len(prompts) != len(answers):
        raise ValueError(
            f"{len(prompts)} prompts with {len(answers)} answers make no batch; give one answer a "
            "prompt, and at least one"
        )
    lengths = [len(p) + len(a) for p, a in zip(prompts, answers, strict=True)]
    _check_fit(lengths, context_length)
    ids = torch.full((len(prompts), max(lengths)), pad_id)
    targets = torch.full_like(ids, IGNORE)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        if not prompt:
            raise ValueError(f"prompt {row} has no token to answer; begin it with a start token")
        ids[row, : lengths[row]] = torch.tensor([*prompt, *answer])
        targets[row, len(prompt) - 1 : lengths[row]] = torch.tensor([*answer, end_id])
    return TokenBatch(ids, targets)


def _check_fit(lengths: Sequence[int], context_length: int | None) -> None:
    if context_length is not None and max(lengths) > context_length:
        row = max(range(len(lengths)), key=lengths.__getitem__)
        raise ValueError(
            f"example {row} has {lengths[row]} tokens, which do not fit in a context of "
            f"{context_length}; leave it out or shorten its prompt"
        )
