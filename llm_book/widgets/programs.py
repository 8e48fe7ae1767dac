"""The JavaScript of each kind of view: one program, put together for each place where it runs.

``static/shell.js`` and ``static/KIND.js`` are what people read and change. The wheel also carries a
small form of both together, made by ``make assets``, which is what pages and notebooks hold. It is
used as long as it was made from the source that lies here; otherwise the source itself is.
"""

import hashlib
import json
import re
from functools import cache
from importlib import resources

from llm_book.i18n import ZH

NAME = "llmBookView"  # the one name that a program defines
EXPORT = "export default"
WORDS = re.compile(r"""\bt\(\s*(['"`])(.+?)\1""")  # t('…') in a module
# What the places below, and the tests, take out of a program.
PARTS = (
    "widget: _widget, mount: _mount, connect: _connect, stillModel: _still_model, speaker, written"
)


def kinds() -> tuple[str, ...]:
    """The kinds of view: the names of the modules, the shell left out."""
    folder = resources.files("llm_book") / "widgets" / "static"
    names = (path.name for path in folder.iterdir() if path.name.endswith(".js"))
    return tuple(sorted(name.removesuffix(".js") for name in names if name != "shell.js"))


@cache
def source(kind: str) -> str:
    """The ES module of a kind: the shell, then the widget; comments and indents left out.

    Raises ``ValueError`` for a module that does not export exactly one thing.
    """
    folder = resources.files("llm_book") / "widgets" / "static"
    parts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in ("shell", kind)]
    lines = (line.strip() for line in "\n".join(parts).splitlines())
    text = "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"
    if text.count(EXPORT) != 1 or "</script" in text:
        raise ValueError(f"{kind}.js must hold '{EXPORT}' once and no '</script'")
    return text


def written_out(kind: str) -> str:
    """The source as a program that defines one name."""
    body = source(kind).replace(EXPORT, "const _widget =")
    return f"const {NAME} = (() => {{\n{body}return {{ {PARTS} }};\n}})();\n"


def stamp(kind: str) -> str:
    """The first line of a small program: which source it was made from."""
    return f"// {hashlib.sha256(written_out(kind).encode()).hexdigest()}"


@cache
def program(kind: str) -> str:
    """What pages carry: the small program where it is that of this source, else the source."""
    small = resources.files("llm_book") / "assets" / "widgets" / f"{kind}.js"
    if small.is_file():
        first, _, rest = small.read_text(encoding="utf-8").partition("\n")
        if first == stamp(kind):
            return rest
    return written_out(kind)


@cache
def module(kind: str) -> str:
    """The program as an ES module with the widget as its default export."""
    return f"{program(kind)}export default {NAME}.widget;\n"


@cache
def live_module(kind: str) -> str:
    """The program for anywidget: it also joins what already stands in the page."""
    return (
        f"{program(kind)}export default {{ initialize({{ model }}) {{ {NAME}.connect(model); }}, "
        f"render: {NAME}.widget.render }};\n"
    )


@cache
def starter(kind: str) -> str:
    """The program as a script that starts it in the element around the script."""
    return (
        "(() => {\nconst here = document.currentScript?.closest('.llm-book')\n"
        f"?? document.querySelector('.llm-book[data-llm-book={kind}]:not([data-started])');\n"
        "here.dataset.started = '';\n"
        f"{program(kind)}{NAME}.mount(here, {NAME}.widget);\n}})();\n"
    )


def words(kind: str, lang: str) -> dict[str, str]:
    """The words that a module shows, in a language other than English."""
    if lang != "zh":
        return {}
    return {word: ZH[word] for word in phrases(kind) if word in ZH}


@cache
def phrases(kind: str) -> tuple[str, ...]:
    """Every text that a module gives to ``t``."""
    return tuple(sorted({_plain(match[2]) for match in WORDS.finditer(source(kind))}))


def _plain(literal: str) -> str:
    return json.loads('"' + literal.replace("\\'", "'").replace('"', '\\"') + '"')
