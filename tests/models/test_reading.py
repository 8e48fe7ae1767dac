"""A GPT laid out for generation says what the GPT says."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.models.lora import add_lora
from llm_book.models.reading import Product, Reading
from llm_book.models.transformer import GPT
from tests.models.test_transformer import SHAPES, a_gpt, assert_close, some_ids

BIASED = {"llama with biases": replace(SHAPES["llama"], bias=True)}


def read_in_pieces(reader, model, ids, cuts):
    """Logits of all of ``ids``, read by ``reader`` in the pieces that end at ``cuts``."""
    cache, answers, start = model.new_cache(len(ids)), [], 0
    for end in [*cuts, ids.shape[1]]:
        answers.append(reader(ids[:, start:end], cache))
        cache.advance(end - start)
        start = end
    return torch.cat(answers, dim=1)


@given(
    shape=st.sampled_from(sorted(SHAPES)),
    cuts=st.lists(st.integers(1, 11), unique=True).map(sorted),
    batch=st.integers(1, 3),
)
@settings(max_examples=40, deadline=None)
def test_read_in_any_pieces_the_logits_are_the_models(shape, cuts, batch):
    model = a_gpt(shape, "torch")
    ids = some_ids(batch, 12)
    reader = model.reading()
    assert isinstance(reader, Reading)
    assert_close(read_in_pieces(reader, model, ids, cuts), model(ids))


def test_gates_with_biases_are_read_in_their_order():
    config = replace(BIASED["llama with biases"], engine="torch")
    model = GPT(config, torch.Generator().manual_seed(2)).double().eval()
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(weight)
    ids = some_ids(2, 9)
    assert_close(read_in_pieces(model.reading(), model, ids, [4, 5]), model(ids))


@given(lengths=st.lists(st.integers(1, 6), min_size=2, max_size=4))
@settings(max_examples=20, deadline=None)
def test_rows_of_different_lengths_are_read_on_as_by_the_model(lengths):
    model = a_gpt("llama", "torch")
    answers = []
    for reader in (model, model.reading()):
        cache = model.new_cache(len(lengths))
        reader(some_ids(len(lengths), max(lengths)), cache=cache)
        cache.advance(torch.tensor(lengths))
        answers.append(reader(some_ids(len(lengths), 2, seed=1), cache=cache))
    assert_close(*answers)


def test_rows_may_multiply_between_steps_as_beams_do():
    model = a_gpt("mixture", "torch")
    reader, cache = model.reading(), model.new_cache(1)
    reader(some_ids(1, 3), cache)
    cache.advance(3)
    cache.select(torch.tensor([0, 0, 0]))
    ids = torch.cat([some_ids(1, 3), some_ids(1, 3), some_ids(1, 3)])
    new = some_ids(3, 1, seed=4)
    assert_close(reader(new, cache), model(torch.cat([ids, new], dim=1))[:, -1:])


def test_dropout_is_left_out_and_nothing_can_be_learned_through_it():
    model = a_gpt("gpt2", "torch", dropout=0.5).train()
    logits = model.reading()(some_ids(1, 5), model.new_cache(1))
    assert not logits.requires_grad
    assert_close(logits, model.eval()(some_ids(1, 5)))


def test_the_copies_do_not_follow_the_weights():
    model = a_gpt("gpt2", "torch")
    reader, ids = model.reading(), some_ids(1, 5)
    before = reader(ids, model.new_cache(1))
    with torch.no_grad():
        model.blocks[0].attention.output.weight.zero_()
    assert torch.equal(reader(ids, model.new_cache(1)), before)
    assert not torch.equal(model.reading()(ids, model.new_cache(1)), before)


@pytest.mark.parametrize("shape", ["gpt2", "llama"])
def test_feed_forward_layers_are_copied_too(shape):
    model = a_gpt(shape, "torch")
    reader, ids = model.reading(), some_ids(1, 5)
    before = reader(ids, model.new_cache(1))
    with torch.no_grad():
        model.blocks[0].feed_forward.down.weight.zero_()
    assert torch.equal(reader(ids, model.new_cache(1)), before)


def test_where_something_would_be_missed_the_model_reads_itself():
    assert (model := a_gpt("gpt2", "ours")).reading() is model
    model = a_gpt("gpt2", "torch")
    handle = model.blocks[1].attention.query.register_forward_hook(lambda *_: None)
    assert model.reading() is model
    handle.remove()
    handle = model.blocks[1].attention.register_forward_pre_hook(lambda *_: None)
    assert model.reading() is model
    handle.remove()
    assert isinstance(model.reading(), Reading)
    add_lora(model, ["attention.query"], rank=2, alpha=2)
    assert model.reading() is model
    for shape in ("gpt2", "llama"):
        model = a_gpt(shape, "torch")
        add_lora(model, ["feed_forward.up"], rank=2, alpha=2)
        assert model.reading() is model


def test_what_the_model_refuses_its_reading_refuses():
    model = a_gpt("gpt2", "torch")
    reader = model.reading()
    with pytest.raises(ValueError, match="13 tokens do not fit in a context of 12"):
        reader(some_ids(1, 13), model.new_cache(1))
    with pytest.raises(ValueError, match="2 texts came to a cache of 1 rows"):
        reader(some_ids(2, 3), model.new_cache(1))
    with pytest.raises(IndexError, match="id 17 is outside a vocabulary of 17"):
        reader(torch.tensor([[17]]), model.new_cache(1))
    with pytest.raises(ValueError, match="are not"):
        reader(torch.tensor([1]), model.new_cache(1))


def test_maps_side_by_side_are_each_of_them():
    maps = [torch.nn.Linear(3, n, bias=True) for n in (2, 4)]
    x = torch.randn(5, 3)
    product = Product(*maps)
    assert_close(product(x), torch.cat([m(x) for m in maps], dim=1), 1e-6)
    assert product.weight.shape == (3, 6)
    assert product.weight.is_contiguous()  # laid out so that a row is multiplied fastest
    assert not product.weight.requires_grad
    assert not product.bias.requires_grad
    bare = torch.nn.Linear(3, 2, bias=False)
    assert_close(Product(bare)(x), bare(x), 1e-6)
