"""A Transformer that translates writes like any other model, a step at a time or all at once."""

import torch

from llm_book.generation.answering import Answering
from llm_book.generation.beam import BeamSearch, beam_search
from llm_book.generation.sampling import GREEDY, generate
from llm_book.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig

CONFIG = EncoderDecoderConfig.vaswani(
    vocab_size=13, context_length=16, width=16, n_layers=2, n_heads=2, initial_scale=0.5
)


def a_translator() -> tuple[EncoderDecoder, torch.Tensor, torch.Tensor]:
    model = EncoderDecoder(CONFIG, generator=torch.Generator().manual_seed(3)).double().eval()
    source = torch.randint(13, (3, 6), generator=torch.Generator().manual_seed(4))
    return model, source, torch.tensor([6, 2, 4])


def written_out(model, source, length, count):
    """Greedy by hand: the whole answer read anew for every token."""
    answer = [1]
    for _ in range(count):
        logits = model(source[None, :length], torch.tensor([length]), torch.tensor([answer]))
        answer.append(int(logits[0, -1].argmax()))
    return answer[1:]


def test_greedy_answers_are_those_written_out_by_hand():
    model, source, lengths = a_translator()
    start = torch.ones(3, 1, dtype=torch.int64)
    expected = [written_out(model, source[i], int(n), 7) for i, n in enumerate(lengths)]
    for cached in (True, False):
        answer = generate(Answering(model, source, lengths), start, 7, GREEDY, cached=cached)
        assert [list(new) for new in answer.new] == expected


def test_beams_take_their_own_source_along():
    model, source, lengths = a_translator()
    start = torch.ones(3, 1, dtype=torch.int64)
    search = BeamSearch(beams=3)
    together = beam_search(Answering(model, source, lengths), start, 5, search)
    for i, length in enumerate(lengths.tolist()):
        alone = Answering(model, source[i : i + 1, :length], torch.tensor([length]))
        found = beam_search(alone, start[:1], 5, search)
        torch.testing.assert_close(found.scores[0], together.scores[i], rtol=0, atol=1e-10)
        assert found.ids[0].tolist() == together.ids[i].tolist()
