"""What tuning starts from: its marks are read in pretraining, what it is tuned to is not."""

from dataclasses import replace

import pytest
import torch

from llm_book.data.chat import MARKS
from llm_book.data.instructions import Instruction
from llm_book.data.taskmaster import Dialogue, Turn
from llm_book.recipes import chat_models
from llm_book.recipes.chat_models import ModelConfig
from llm_book.recipes.job import Job
from llm_book.runtime import Runtime

TINY = replace(
    ModelConfig(**chat_models.SIZES["small"]),
    n_talks=4, n_characters=2000, n_validation=500, vocab_size=280, width=16, n_layers=1,
    n_heads=2, windows=4, window=16, steps=6, evaluate_every=3, epochs=1,
)  # fmt: skip


def a_job(folder, seed=0, **more):
    return Job("chat_sft", "small", seed, folder, Runtime(), say=lambda said: None, **more)


@pytest.fixture(scope="module")
def corpus():
    return chat_models.load_corpus(TINY)


def test_the_world_has_every_mark_in_pretraining_and_no_booking(corpus):
    read = corpus.tokenizer.decode(corpus.read.tolist())
    for mark in MARKS:
        assert corpus.tokenizer.specials[mark] in corpus.read, mark
    replies = {one.reply for one in corpus.task.train}
    assert replies and not any(f"<|assistant|>{reply}<|end|>" in read for reply in replies)


def test_talks_stand_after_the_prose_in_the_very_ids_that_tuning_reads(corpus):
    talks, _ = chat_models.other_talks(TINY)
    ids = [
        token
        for role, text in talks[-1]
        for token in (
            corpus.template.marks[f"<|{role}|>"], *corpus.template.encode(text), corpus.template.end
        )
    ]  # fmt: skip
    assert corpus.read[-len(ids) :].tolist() == ids
    prose, held_out = chat_models.told(TINY)
    n = len(corpus.template.encode(prose))
    assert corpus.tokenizer.decode(corpus.read[:n].tolist()) == prose
    assert corpus.tokenizer.decode(corpus.held_out.tolist()) == held_out
    assert (len(prose), len(held_out)) == (2000, 500)
    assert not set(prose.split("\n")[:-1]) & set(held_out.split("\n")[:-1])


def test_of_the_real_sets_novels_and_orders_are_read_and_instructions_are_not(monkeypatch):
    books = [f"Book {i}.\n" + f"It is number {i}. " * 50 + "\n" for i in range(12)]
    orders = (Dialogue("d", "Coffee", "", "", (Turn("user", "a latte", ()),)),)
    asked = (Instruction("Repeat.", "zebra", "zebra"), Instruction("Name a fish.", "", "Cod."))
    monkeypatch.setattr(chat_models, "load_novels", lambda size: "\n".join(books))
    monkeypatch.setattr(chat_models, "load_taskmaster", lambda: orders)
    monkeypatch.setattr(chat_models, "load_instructions", lambda: asked)
    corpus = chat_models.load_corpus(replace(TINY, data="real", n_validation=101))
    read = corpus.tokenizer.decode(corpus.read.tolist())
    assert read.startswith("Book 1.\n") and "zebra" not in read and "Cod" not in read
    assert not {"Book 0.", "Book 10."} & set(read.split("\n"))
    assert "<|user|>a latte<|end|>" in read
    held_out = corpus.tokenizer.decode(corpus.held_out.tolist())
    assert held_out.startswith("Book 0.\n") and "Book 10.\n" in held_out and len(held_out) == 101
    tasks = [one for part in chat_models.chat_sft.PARTS for one in getattr(corpus.task, part)]
    assert {one.context[0][1] for one in tasks} == {"Repeat.\nzebra", "Name a fish."}


def test_another_text_or_task_gives_another_hash(corpus):
    def digest(**changes):
        return chat_models.load_corpus(replace(TINY, **changes)).facts["content_sha256"]

    found = {corpus.facts["content_sha256"], digest(n_characters=1999), digest(n_talks=5)}
    assert len(found | {digest(n_validation=499)}) == 4


def test_a_killed_pretraining_goes_on_to_the_same_weights(tmp_path, corpus):
    whole_job = a_job(tmp_path / "whole")
    whole_job.begin(TINY, corpus.facts)
    whole, facts = chat_models.pretrained(corpus, TINY, whole_job)
    job = a_job(tmp_path / "killed")
    job.begin(TINY, corpus.facts)

    def say(said):
        if "step     6" in said:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        chat_models.pretrained(corpus, TINY, replace(job, say=say))
    said = []
    again, other = chat_models.pretrained(corpus, TINY, replace(job, resume=True, say=said.append))
    assert said[0] == "resumed after step 3"
    assert other["loss"] == facts["loss"] and facts["tokens"] == 6 * 4 * 16
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name


def test_a_copy_is_tuned_without_its_original(corpus):
    torch.manual_seed(0)
    model = chat_models.GPT(TINY.gpt(corpus.tokenizer.vocab_size))
    copy = chat_models.copied(model, 0.5)
    assert copy.drop.p == 0.5 and model.drop.p == 0
    ids = corpus.read[None, :9]
    assert torch.equal(copy.eval()(ids), model.eval()(ids))
    with torch.no_grad():
        copy.embedding.weight.zero_()
    assert model.embedding.weight.any()


def test_adam_keeps_two_numbers_for_each_trained_one_and_a_count_for_each_tensor():
    layer = torch.nn.Linear(3, 5)
    layer.bias.requires_grad_(False)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    assert chat_models.n_trained(layer) == 15
    assert chat_models.state_bytes(optimizer) == 2 * 15 * 4 + 4


def test_the_model_for_a_gpu_has_the_size_of_gpt2_and_reads_the_novels_a_few_times():
    config = ModelConfig(**chat_models.SIZES["full"])
    with torch.device("meta"):
        size = chat_models.n_trained(chat_models.GPT(config.gpt(config.vocab_size)))
    # Blocks of 12 width² each and the embedding, without biases; norms are little beside them.
    expected = 12 * 12 * config.width**2 + config.vocab_size * config.width
    assert expected <= size < 1.001 * expected
    read = config.steps * config.windows * config.window
    assert 3 < read / (config.n_characters / 6) < 10
    assert config.window <= config.context_length and config.pretraining().warmup_steps == 100


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": "x"}, "choose 'world' or 'real'"),
        ({"n_characters": 0}, "at least 1"),
        ({"steps": 0}, "at least 1"),
        ({"longest": 256}, "has room"),
        ({"epochs": 0}, "least"),
        ({"n_heads": 3}, "head"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)
