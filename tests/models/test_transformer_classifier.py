"""An encoder classifies texts where a recurrent network did, and learns them by heart."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from llm_book.models.classifier import TransformerClassifier
from llm_book.models.encoder import EncoderConfig

CONFIG = EncoderConfig(vocab_size=17, context_length=12, width=16, n_layers=1, n_heads=4)


@pytest.mark.parametrize("pool", ["first", "mean", "last"])
def test_pads_change_no_logit(pool):
    model = TransformerClassifier(CONFIG, pool).double().eval()
    ids, lengths = torch.randint(17, (3, 9)), torch.tensor([9, 4, 1])
    logits = model(ids, lengths)
    assert logits.shape == (3,)
    for row, length in enumerate(lengths.tolist()):
        alone = model(ids[row : row + 1, :length], lengths[row : row + 1])
        torch.testing.assert_close(logits[row : row + 1], alone, rtol=0, atol=1e-12)


def test_it_learns_one_batch_by_heart():
    model = TransformerClassifier(CONFIG)
    ids, labels = torch.randint(17, (6, 9)), torch.tensor([0.0, 1, 0, 1, 1, 0])
    lengths = torch.tensor([9, 4, 3, 7, 5, 2])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss = binary_cross_entropy_with_logits(model(ids, lengths), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
