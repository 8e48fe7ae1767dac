"""A network that points at an answer: for each token, does the answer start here, does it end here.

It reads little and is told much: beside its words it gets marks that say what a passage shares
with the question, so that a word it never saw can be the one that was asked about.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from llm_book.shapes import Ids


class SpanReader(nn.Module):
    """Logits of start and end for each token; position 0 stands for "nowhere".

    A token's state comes from the words and marks around it (``reach`` to each side), the mean
    word of its sentence, and the products of both with the mean word of the question. Ids 0 and 1
    are the pad and the unknown word; in training a share ``hidden`` of the words is unknown, as
    new words will be. The nowhere position is Devlin et al.'s (2019, section 4.3).
    """

    def __init__(
        self,
        vocab_size: int,
        n_marks: int,
        embedding_width: int = 32,
        width: int = 64,
        reach: int = 1,
        dropout: float = 0.1,
        hidden: float = 0.1,
    ) -> None:
        super().__init__()
        self.hidden = hidden
        self.embedding = nn.Embedding(vocab_size, embedding_width, padding_idx=0)
        self.question = nn.Linear(embedding_width, width)
        self.sentence = nn.Linear(embedding_width, width)
        self.near = nn.Conv1d(embedding_width + n_marks, width, 2 * reach + 1, padding=reach)
        self.joined = nn.Linear(4 * width + n_marks, width)
        self.head, self.nowhere = nn.Linear(width, 2), nn.Linear(width, 2)
        self.drop = nn.Dropout(dropout)

    def forward(
        self,
        asked: Int64[Tensor, "batch question"],
        said: Ids,
        marks: Float[Tensor, "batch time n_marks"],
        sentence: Ids,
    ) -> Float[Tensor, "batch time 2"]:
        """Logits of a passage whose position 0 is no word; pads are never pointed at."""
        text = said > 0
        text[:, 0] = False
        here = text[..., None].float()
        words, marks = self.words(said) * here, marks * here
        topic = torch.tanh(self.question(mean_word(self.words(asked), asked > 0)))[:, None]
        near = torch.cat([words, marks], dim=-1).transpose(1, 2)
        near = torch.relu(self.near(near)).transpose(1, 2)
        mean = torch.tanh(self.sentence(sentence_means(words, text, sentence)))
        parts = [near, near * topic, mean, mean * topic]
        states = torch.relu(self.joined(torch.cat([self.drop(torch.cat(parts, -1)), marks], -1)))
        nowhere = self.nowhere((states * here).amax(dim=1, keepdim=True))
        logits = torch.cat([nowhere, self.head(self.drop(states))[:, 1:]], dim=1)
        return logits.masked_fill((said == 0)[..., None], -1e4)

    def words(self, ids: Ids) -> Float[Tensor, "batch time embedding_width"]:
        """Vectors of words; in training some are hidden behind the unknown word's."""
        if self.training:
            hidden = torch.rand(ids.shape, device=ids.device) < self.hidden
            ids = ids.masked_fill(hidden & (ids > 0), 1)
        return self.drop(self.embedding(ids))


def mean_word(
    words: Float[Tensor, "batch time width"], text: Tensor
) -> Float[Tensor, "batch width"]:
    """The mean over what is text."""
    here = text[..., None].float()
    return (words * here).sum(dim=1) / here.sum(dim=1).clamp(min=1)


def sentence_means(
    words: Float[Tensor, "batch time width"], text: Tensor, sentence: Ids
) -> Float[Tensor, "batch time width"]:
    """For each token the mean over its sentence's words; ``sentence`` numbers them from 0."""
    one_hot = nn.functional.one_hot(sentence).float() * text[..., None]
    sums = one_hot.transpose(1, 2) @ words
    counts = one_hot.sum(dim=1)[..., None].clamp(min=1)
    return one_hot @ (sums / counts)
