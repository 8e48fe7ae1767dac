"""What a reading path is made of: steps in the book and elsewhere, what each needs and gives.

A step stands after every step that gives what it needs. Licences are those that the works' own
pages state; an address is given where the work is free to read.
"""

from dataclasses import dataclass

Words = dict[str, str]  # a text in English ("en") and in Chinese ("zh")


@dataclass(frozen=True)
class Step:
    """One thing to read: ``needs`` and ``gives`` are topics; a step of the book has no licence."""

    name: Words
    where: Words
    needs: tuple[str, ...]
    gives: str
    licence: str = ""
    address: str = ""


def _both(en: str, zh: str) -> Words:
    return {"en": en, "zh": zh}


def _chapter(number: str, en: str, zh: str, needs: tuple[str, ...], gives: str) -> Step:
    what = ("section", "节") if "." in number else ("chapter", "章")
    place = _both(f"this book, {what[0]} {number}", f"本书第 {number} {what[1]}")
    return Step(_both(en, zh), place, needs, gives)


TOPICS: dict[str, Words] = {
    "python": _both("Python", "Python"),
    "mathematics": _both("derivatives, matrices, chances", "导数、矩阵、概率"),
    "tensors": _both("tensors in PyTorch", "PyTorch 张量"),
    "counting": _both("language models that count", "基于计数的语言模型"),
    "tokens": _both("tokens, and a model as a whole", "词元与模型全貌"),
    "vectors": _both("word vectors", "词向量"),
    "recurrent": _both("recurrent networks", "循环神经网络"),
    "transformer": _both("the Transformer", "Transformer"),
    "training": _both("training a network", "训练网络"),
    "derivations": _both("the formulas derived", "公式推导"),
    "project": _both("a classifier measured honestly", "如实评估的分类器"),
    "applications": _both("five applications", "五种应用"),
    "libraries": _both("the field's libraries", "常用框架"),
    "finetuning": _both("fine-tuning large models", "微调大模型"),
    "papers": _both("reading papers", "阅读论文"),
    "scale": _both("training on many GPUs", "多卡训练"),
    "trends": _both("scaling, looking inside, safety", "规模、可解释性、安全"),
    "trouble": _both("what helps, what goes wrong", "调优与排错"),
    "language": _both("language as linguists see it", "语言学视角"),
}

STEPS: tuple[Step, ...] = (
    Step(
        _both("The Python Tutorial", "Python 教程"),
        _both("Python's own pages, chapters 1 to 9", "Python 官网，第 1–9 章"),
        (),
        "python",
        "PSF-2.0",
        "https://docs.python.org/3/tutorial/",
    ),
    Step(
        _both("Dive into Deep Learning: Preliminaries", "《动手学深度学习》预备知识"),
        _both("d2l.ai, chapter 2", "d2l.ai，第 2 章"),
        ("python",),
        "mathematics",
        "text CC BY-SA 4.0, code modified MIT",
        "https://d2l.ai/chapter_preliminaries/",
    ),
    Step(
        _both("PyTorch: Learn the Basics", "PyTorch 基础教程"),
        _both("PyTorch's own tutorials", "PyTorch 官方教程"),
        ("python",),
        "tensors",
        "BSD-3-Clause",
        "https://docs.pytorch.org/tutorials/beginner/basics/intro.html",
    ),
    _chapter("1", "Background", "背景介绍", ("python",), "counting"),
    Step(
        _both("Speech and Language Processing, volume I", "《自然语言处理综论》第一卷"),
        _both("draft of the third edition", "第三版草稿"),
        ("counting", "mathematics"),
        "language",
        "all rights reserved, free to read",
        "https://web.stanford.edu/~jurafsky/slp3/",
    ),
    _chapter("2", "Core concepts", "核心概念与联系", ("counting",), "tokens"),
    _chapter("3.1", "Word vectors", "词向量表示", ("tokens", "mathematics", "tensors"), "vectors"),
    _chapter("3.2", "Recurrent networks", "循环神经网络", ("vectors",), "recurrent"),
    _chapter("3.3", "The Transformer", "Transformer 模型", ("vectors",), "transformer"),
    _chapter("3.4", "Training and optimisation", "模型训练与优化", ("vectors",), "training"),
    _chapter(
        "4",
        "Mathematics, derived and checked",
        "数学模型和公式",
        ("recurrent", "transformer", "training"),
        "derivations",
    ),
    _chapter("5", "Project: sentiment", "项目实践", ("recurrent", "training"), "project"),
    _chapter("6", "Applications", "实际应用场景", ("transformer", "training"), "applications"),
    _chapter("7.2", "Frameworks", "开发工具框架", ("transformer", "training"), "libraries"),
    _chapter("7.3", "How to read a paper", "相关论文著作", ("transformer",), "papers"),
    Step(
        _both("LLM Course", "大模型课程"),
        _both("Hugging Face", "Hugging Face"),
        ("libraries",),
        "finetuning",
        "Apache-2.0",
        "https://huggingface.co/learn/llm-course",
    ),
    Step(
        _both("nanochat", "nanochat"),
        _both("a program to read from top to bottom", "可通读的完整程序"),
        ("libraries",),
        "scale",
        "MIT",
        "https://github.com/karpathy/nanochat",
    ),
    _chapter("8", "Trends and challenges", "未来发展趋势与挑战", ("applications",), "trends"),
    _chapter("9", "Questions and answers", "常见问题与解答", ("training",), "trouble"),
)

# What a reader may want, and the topics that this takes.
GOALS: dict[str, tuple[Words, tuple[str, ...]]] = {
    "understand": (_both("know what a language model is", "了解什么是语言模型"), ("tokens",)),
    "build": (_both("build a GPT by hand", "动手实现 GPT"), ("transformer", "training")),
    "classify": (_both("classify texts and trust the number", "文本分类并可信评估"), ("project",)),
    "apply": (_both("translate, answer, talk, write", "翻译、问答、对话、写作"), ("applications",)),
    "libraries": (
        _both("use and fine-tune models of others", "使用并微调现有模型"),
        ("finetuning", "trouble"),
    ),
    "papers": (_both("read and check papers", "阅读并核对论文"), ("papers", "derivations")),
    "scale": (_both("train on many GPUs", "在多块 GPU 上训练"), ("scale", "trouble")),
    "inside": (_both("look inside, and make models safer", "解释模型并提高安全性"), ("trends",)),
    "language": (_both("see the linguist's side", "了解语言学视角"), ("language", "tokens")),
}
