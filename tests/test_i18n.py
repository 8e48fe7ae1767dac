"""Words have an English identity and a Chinese twin."""

import pytest

from llm_book.i18n import ZH, t


def test_english_is_itself():
    assert t("train loss") == "train loss"


def test_chinese_is_looked_up_by_argument_or_environment(monkeypatch):
    assert t("train loss", lang="zh") == "训练损失"
    monkeypatch.setenv("LLM_BOOK_LANG", "zh_CN.UTF-8")
    assert t("train loss") == "训练损失"


def test_a_word_without_a_translation_stays_english():
    assert t("a word nobody translated", lang="zh") == "a word nobody translated"


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="language 'fr' is unknown; choose one of en, zh"):
        t("train loss", lang="fr")


def test_every_translation_holds_chinese_characters():
    assert all(any("一" <= c <= "鿿" for c in text) for text in ZH.values())
