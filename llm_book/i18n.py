"""The words that code shows a reader, in the reader's language."""

import os

LANGUAGES = ("en", "zh")


ZH = {
    "a measurement": "测量值",
    "after the settings": "调整之后",
    "Copy the link from the field": "请从输入框复制链接",
    "different on input": "不同，输入",
    "Draw ten tokens": "抽取十个词元",
    "Drawn:": "抽到：",
    "equal to": "相等，误差不超过",
    "Link copied": "链接已复制",
    "Link to this view": "此视图的链接",
    "min-p": "min-p",
    "must be at least": "必须不小于",
    "must be at most": "必须不大于",
    "must lie in": "必须落在",
    "not answered yet": "尚未作答",
    "Numbers": "数据",
    "of the model": "模型给出",
    "off": "关",
    "Probability of each next token": "每个后续词元的概率",
    "same as ours": "与参考答案相同",
    "shown, not enforced": "只显示，不作要求",
    "temperature": "温度",
    "token": "词元",
    "top-k": "top-k",
    "top-p": "top-p",
    "train loss": "训练损失",
    "validation loss": "验证损失",
    "value": "数值",
    "what": "内容",
    "What this notebook claimed and measured": "本章的断言与测量",
    "what we asked of it": "要求",
    "yes": "是",
    "{count} tokens with {share} % together are left out.": "另有 {count} 个词元未列出，合计概率 {share} %。",
    "{kept} of {all} tokens stay possible; the most probable is “{token}” with {share} %.": "{all} 个词元中还有 {kept} 个可能；概率最大的是“{token}”，为 {share} %。",
    "{name} saved": "已保存 {name}",
}


def phrase(text: str, lang: str | None = None, **values: object) -> str:
    """The sentence ``text`` in ``lang``, each ``{name}`` in it replaced by its value."""
    said = t(text, lang)
    for name, value in values.items():
        said = said.replace(f"{{{name}}}", str(value))
    return said


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
