"""WikiText-2 in both its forms, cut into articles."""

import zipfile

import pytest

from llm_book.data.wikitext import (
    Article,
    articles,
    load_wikitext2,
    load_wikitext2_raw,
    read_wikitext_raw,
)

TEXT = (
    " \n = One thing = \n \n Text = of it = . \n \n = = Part = = \n \n = no title = \n More \n \n"
)
TEXT += " = Two = \n \n Last . \n"


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "wikitext-2-raw-v1.zip"
    with zipfile.ZipFile(path, "w") as written:
        for split in ("train", "valid", "test"):
            written.writestr(f"wikitext-2-raw/wiki.{split}.raw", f"{split} é\n")
    return path


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_each_split_of_the_raw_form_comes_from_the_zip(split, archive, monkeypatch):
    monkeypatch.setattr("llm_book.data.wikitext.fetch", lambda name, progress: archive)
    assert read_wikitext_raw(archive, split) == load_wikitext2_raw(split) == f"{split} é\n"


def test_a_split_that_a_form_does_not_have_is_refused(archive):
    with pytest.raises(ValueError, match=r"no split 'train' in this form; choose one of \('valid'"):
        load_wikitext2("train")
    with pytest.raises(ValueError, match=r"no split 'dev' in this form; choose one of \('train'"):
        read_wikitext_raw(archive, "dev")


def test_articles_begin_at_titles_that_stand_alone():
    assert articles(TEXT) == (
        Article(
            "One thing",
            " \n Text = of it = . \n \n = = Part = = \n \n = no title = \n More \n ",
        ),
        Article("Two", " \n Last . \n"),
    )


def test_a_text_without_a_title_is_refused():
    with pytest.raises(ValueError, match="holds no title of the form ' = Title = '"):
        articles(" = Title = ")


@pytest.mark.parametrize(
    ("split", "n_words", "first"),
    [("valid", 217_646, "Homarus gammarus"), ("test", 245_569, "Robert <unk>")],
)
def test_the_published_texts_have_the_published_number_of_words(split, n_words, first, mirror):
    text = load_wikitext2(split, progress=False)
    assert len(text.split()) + text.count("\n") == n_words
    assert "<unk>" in text and "\r" not in text
    found = articles(text)
    assert (len(found), found[0].title) == (60, first)
    parts = [f" = {article.title} = \n{article.text}" for article in found]
    assert " \n" + "\n".join(parts) == text
