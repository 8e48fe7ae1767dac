"""Texts for models of characters: read whole, and only what they should hold."""

import zipfile

import pytest

from llm_book.data.character_corpora import load_text8, load_tiny_shakespeare, read_text8


def zipped(path, text, name="text8"):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, text)
    return path


def test_text8_is_the_only_member_of_its_zip(tmp_path, monkeypatch):
    path = zipped(tmp_path / "text8.zip", " anarchism originated az")
    assert read_text8(path) == " anarchism originated az"
    asked = []
    monkeypatch.setattr(
        "llm_book.data.character_corpora.fetch",
        lambda name, progress: asked.append((name, progress)) or path,
    )
    assert load_text8(progress=False) == " anarchism originated az"
    assert asked == [("text8", False)]


def test_text8_with_another_character_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"text8, row 1: it holds 'A' among letters and spaces"):
        read_text8(zipped(tmp_path / "text8.zip", " Anarchism"))


def test_a_zip_without_text8_is_refused(tmp_path):
    with pytest.raises(KeyError, match=r"holds no file 'text8'"):
        read_text8(zipped(tmp_path / "text8.zip", "a", name="text9"))


def test_tiny_shakespeare_has_its_published_characters(mirror):
    text = load_tiny_shakespeare(progress=False)
    assert (len(text), len(text.encode()), len(set(text))) == (1_115_394, 1_115_394, 65)
    assert text.startswith("First Citizen:\nBefore we proceed")
