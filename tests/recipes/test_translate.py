"""The run of translations: both models and the rival translate the same sentences."""

from dataclasses import replace

import pytest

from llm_book.data.sentence_pairs import SentencePair, SentencePairs
from llm_book.recipes import translate
from llm_book.recipes.job import Job
from llm_book.results import accept, read_json
from llm_book.runtime import Runtime

TINY = replace(
    translate.PRESETS["small"],
    n_pairs=60, n_test=8, vocab_size=300, width=16, n_layers=1, n_heads=2, epochs=1,
)  # fmt: skip


def a_job(folder, seed=0, **more):
    return Job("translate", "small", seed, folder, Runtime(), say=lambda said: None, **more)


def test_runs_of_two_seeds_make_a_record_of_all_three(tmp_path):
    for seed in (0, 1):
        document = translate.run(TINY, a_job(tmp_path, seed))
        assert "tok:zh" in document["data"]["bleu"]
    path = accept([tmp_path / f"translate-small-{seed}" for seed in (0, 1)], tmp_path / "ledger")
    differences = read_json(path)["summary"]["differences"]
    assert set(differences) == {"Transformer", "word by word, IBM model 1"}
    assert differences["Transformer"]["BLEU"]["low"] <= differences["Transformer"]["BLEU"]["high"]


def test_word_by_word_finds_words_but_not_their_order():
    pairs = [("a b", "x y"), ("b a", "y x"), ("a", "x"), ("b", "y")] * 5
    corpus = translate.Corpus(pairs, [("a b", "x y"), ("b a a", "y x x")], "13a")
    reader = translate.Reader.learned(corpus.train, 256)
    said = translate.word_by_word(corpus, reader, TINY)
    assert [text.replace(" ", "") for text in said] == ["xy", "yxx"]


def test_ids_and_texts_belong_together():
    corpus = translate.world(TINY)
    reader = translate.Reader.learned(corpus.train, 400)
    _, targets = reader.ids(corpus.test, longest=200)
    assert [reader.text(ids) for ids in targets] == [target for _, target in corpus.test]
    assert min(min(ids) for ids in targets) >= len(translate.SPECIALS)
    assert max(map(len, reader.ids(corpus.test, longest=5)[0])) == 5


def test_a_perfect_translation_has_every_point():
    corpus = translate.world(TINY)
    found = translate.scored([target for _, target in corpus.test], corpus)
    assert found == {"BLEU": pytest.approx(1), "chrF": pytest.approx(1)}


def test_a_killed_run_goes_on_behind_what_was_translated(tmp_path, monkeypatch):
    job = a_job(tmp_path)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as once, pytest.raises(KeyboardInterrupt):
        once.setattr(translate, "word_by_word", killed)
        translate.run(TINY, job)
    assert read_json(job.folder / "run.json")["status"] == "stopped"
    monkeypatch.setattr(translate, "learned", lambda *_: pytest.fail("learned again"))
    assert translate.run(TINY, replace(job, resume=True))["status"] == "finished"


def test_a_source_stands_on_one_side_only(monkeypatch):
    many = tuple(SentencePair(f"s {i % 400}", f"t {i}") for i in range(500))
    monkeypatch.setattr(translate, "load_cmn", lambda: SentencePairs(many))
    corpus = translate.sentences(replace(TINY, n_pairs=1000, n_test=1000))
    sides = [{source for source, _ in part} for part in (corpus.train, corpus.test)]
    assert not sides[0] & sides[1] and len(sides[0] | sides[1]) == 400
    assert 5 <= len(sides[1]) <= 40
    assert ("s 0", "t 0") in corpus.train + corpus.test  # the first translation of two


def test_captions_keep_their_published_parts(monkeypatch):
    def load(split):
        return SentencePairs((SentencePair(f"{split} ein", "one"),) * 3)

    monkeypatch.setattr(translate, "load_multi30k", load)
    corpus = translate.captions(replace(TINY, n_pairs=2, n_test=1))
    assert (corpus.train, corpus.test) == ([("train ein", "one")] * 2, [("test ein", "one")])
    assert corpus.tokenize == "13a"


@pytest.mark.parametrize(("change", "said"), [({"data": "x"}, "choose"), ({"n_test": 0}, "least")])
def test_settings_that_cannot_be_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **change)
