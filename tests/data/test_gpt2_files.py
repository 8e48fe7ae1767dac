"""GPT-2's two files are found, and hold what a tokeniser needs."""

import json

from llm_book.data.gpt2_files import Gpt2Files, load_gpt2_files


def test_both_files_are_asked_for_by_name(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "llm_book.data.gpt2_files.fetch",
        lambda name, progress: asked.append((name, progress)) or tmp_path / name,
    )
    files = load_gpt2_files(progress=False)
    assert files == Gpt2Files(tmp_path / "gpt2/encoder.json", tmp_path / "gpt2/vocab.bpe")
    assert asked == [("gpt2/encoder.json", False), ("gpt2/vocab.bpe", False)]


def test_they_hold_the_published_tokens_and_merges(mirror):
    files = load_gpt2_files(progress=False)
    ids = json.loads(files.encoder.read_text("utf-8"))
    assert sorted(ids.values()) == list(range(50_257))
    assert ids["<|endoftext|>"] == 50_256
    version, *merges = files.merges.read_text("utf-8").rstrip("\n").split("\n")
    assert version == "#version: 0.2"
    assert len(merges) == 50_000 and {len(merge.split(" ")) for merge in merges} == {2}
    assert all(merge.replace(" ", "") in ids for merge in merges)
