"""The reader: pads change nothing, sentences stay apart, one batch is known by heart."""

import pytest
import torch

from llm_book.models.span_reader import SpanReader, mean_word, sentence_means
from llm_book.training.losses import cross_entropy


def a_reader(**settings):
    torch.manual_seed(0)
    return SpanReader(20, 2, embedding_width=8, width=16, **settings).eval()


def inputs(rows=2, time=7):
    generator = torch.Generator().manual_seed(1)
    asked = torch.randint(2, 20, (rows, 4), generator=generator)
    said = torch.randint(2, 20, (rows, time), generator=generator)
    marks = torch.rand(rows, time, 2, generator=generator)
    return asked, said, marks, torch.arange(time).expand(rows, -1) // 4


def test_pads_change_nothing_and_are_never_pointed_at():
    reader = a_reader()
    asked, said, marks, sentence = inputs()
    wide = reader(
        torch.nn.functional.pad(asked, (0, 3)),
        torch.nn.functional.pad(said, (0, 5)),
        torch.nn.functional.pad(marks, (0, 0, 0, 5), value=9.0),
        torch.nn.functional.pad(sentence, (0, 5)),
    )
    assert torch.allclose(wide[:, :7], reader(asked, said, marks, sentence), atol=1e-6)
    assert not wide.softmax(dim=1)[:, 7:].any()


def test_the_position_for_nowhere_is_no_word():
    reader = a_reader()
    asked, said, marks, sentence = inputs()
    other, other_marks = said.clone(), marks.clone()
    other[:, 0], other_marks[:, 0] = 2, 5.0
    found = reader(asked, said, marks, sentence)
    assert torch.allclose(found, reader(asked, other, other_marks, sentence), atol=1e-6)


def test_a_sentence_is_told_nothing_of_one_that_is_far():
    reader = a_reader()
    asked, said, marks, sentence = inputs(time=12)
    other = said.clone()
    other[:, 9:] = 3
    before, after = reader(asked, said, marks, sentence), reader(asked, other, marks, sentence)
    assert torch.allclose(before[:, 1:7], after[:, 1:7], atol=1e-6)
    assert not torch.allclose(before[:, 9:], after[:, 9:])


def test_the_means_are_those_of_sentence_and_question():
    words = torch.tensor([[[1.0], [3.0], [5.0], [7.0]]])
    text = torch.tensor([[False, True, True, True]])
    sentence = torch.tensor([[0, 0, 0, 1]])
    assert sentence_means(words, text, sentence).flatten().tolist() == [0, 4, 4, 7]
    assert mean_word(words, text).item() == pytest.approx(5)


def test_the_question_decides():
    reader = a_reader()
    asked, said, marks, sentence = inputs()
    before = reader(asked, said, marks, sentence)
    assert not torch.allclose(before, reader((asked + 1) % 20, said, marks, sentence))


def test_words_are_hidden_in_training_alone():
    reader = a_reader(hidden=1.0, dropout=0.0)
    ids = torch.tensor([[5, 7, 0]])
    assert torch.equal(reader.words(ids), reader.embedding(ids))
    assert torch.equal(reader.train().words(ids), reader.embedding(torch.tensor([[1, 1, 0]])))


def test_it_knows_a_batch_by_heart():
    reader = a_reader(dropout=0.0, hidden=0.0).train()
    batch, targets = inputs(rows=4), torch.tensor([0, 2, 5, 6])
    optimizer = torch.optim.Adam(reader.parameters(), lr=1e-2)
    for _ in range(150):
        start, end = reader(*batch).unbind(-1)
        loss = cross_entropy(start, targets) + cross_entropy(end, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1
    assert reader(*batch).argmax(dim=1).tolist() == [[t, t] for t in targets.tolist()]
