"""The parts of a model add up to its logits."""

import pytest
import torch

from llm_book.interpret.direct_logits import direct_logits
from llm_book.interpret.taps import record
from tests.interpret.models import gpt

IDS, TARGETS = torch.randint(23, (2, 2, 9), generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize(
    ("kind", "changes", "parts"),
    [
        ("gpt2", {}, 8),
        ("gpt2", {"bias": False}, 7),
        ("llama", {}, 7),
        ("gpt2", {"n_experts": 3}, 8),
    ],
)
def test_the_parts_add_up_to_the_logit_of_each_target(kind, changes, parts):
    model = gpt(kind, **changes)
    found = direct_logits(model, IDS, TARGETS)
    assert len(found) == parts
    logits = model(IDS).gather(2, TARGETS[..., None])[..., 0]
    torch.testing.assert_close(sum(found.values()), logits, rtol=0, atol=1e-10)


def test_each_part_is_the_last_norm_made_linear_by_autograd():
    model = gpt()
    with record(model, "blocks.1.feed_forward") as seen, record(model, "blocks.2") as last:
        model(IDS)
    centred = seen["blocks.1.feed_forward"]
    centred = centred - centred.mean(dim=-1, keepdim=True)
    spread = last["blocks.2"].var(dim=-1, correction=0, keepdim=True)
    through = centred / (spread + model.norm.epsilon).sqrt() * model.norm.weight
    expected = (through * model.head.weight[TARGETS]).sum(dim=-1)
    found = direct_logits(model, IDS, TARGETS)
    torch.testing.assert_close(found["blocks.1.feed_forward"], expected)
    assert not found["embedding"].requires_grad


@pytest.mark.parametrize(
    ("model", "targets", "sentence"),
    [
        (gpt().train(), TARGETS, "only in evaluation mode and with norms before"),
        (gpt(norm_place="post"), TARGETS, "only in evaluation mode and with norms before"),
        (gpt(), TARGETS[:, :3], r"targets of shape \(2, 3\) do not fit ids of shape \(2, 9\)"),
    ],
)
def test_what_does_not_add_up_is_refused(model, targets, sentence):
    with pytest.raises(ValueError, match=sentence):
        direct_logits(model, IDS, targets)
