"""The words that code shows a reader, in the reader's language."""

import os

LANGUAGES = ("en", "zh")


ZH = {
    "a measurement": "测量值",
    "different on input": "不同，输入",
    "equal to": "相等，误差不超过",
    "must be at least": "必须不小于",
    "must be at most": "必须不大于",
    "must lie in": "必须落在",
    "not answered yet": "尚未作答",
    "same as ours": "与参考答案相同",
    "train loss": "训练损失",
    "validation loss": "验证损失",
    "value": "数值",
    "what": "内容",
    "what we asked of it": "要求",
    "What this notebook claimed and measured": "本章的断言与测量",
    "shown, not enforced": "只显示，不作要求",
    "yes": "是",
}


def language() -> str:
    """The language asked for by ``LLM_BOOK_LANG`` ("zh", "zh_CN.UTF-8"); English without it."""
    return os.environ.get("LLM_BOOK_LANG", "")[:2].lower() or "en"


def t(text: str, lang: str | None = None) -> str:
    """The English ``text`` in ``lang``; itself where the language has no word for it yet.

    Raises ``ValueError`` for a language the book does not have.
    """
    lang = lang or language()
    if lang not in LANGUAGES:
        raise ValueError(f"language {lang!r} is unknown; choose one of {', '.join(LANGUAGES)}")
    return ZH.get(text, text) if lang == "zh" else text
