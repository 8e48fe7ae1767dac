"""API pages: every module of a shelf documents itself, a new one as soon as its file is there.

A page holds one line, ``<!-- modules: llm_book.text -->`` (the modules of that shelf) or
``<!-- modules: llm_book -->`` (those that stand at the top, outside any shelf).
"""

import re
from pathlib import Path

from docutils.parsers.rst import roles
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")
PLACE = re.compile(r"<!-- modules: ([\w.]+) -->")


def modules_of(source: Path, shelf: str) -> list[str]:
    """The shelf's importable modules by name, sorted; private files are left out.

    A folder without a page of its own inside a shelf counts with everything in it.
    """
    folder = source.joinpath(*shelf.split("."))
    deep = "." in shelf
    paths = folder.rglob("*.py") if deep else folder.glob("*.py")
    names = (path.relative_to(source).with_suffix("").parts for path in paths)
    public = (parts for parts in names if not any(part.startswith("_") for part in parts))
    packages = (
        path.parent.relative_to(source).parts
        for path in folder.rglob("__init__.py")
        if deep and path.parent != folder
    )
    return sorted(".".join(parts) for parts in {*public, *packages})


def section(name: str, shelf: str) -> str:
    """The Markdown that documents one module; long tables of values are left to the source."""
    title = name.removeprefix(f"{shelf}.")
    directive = f".. automodule:: {name}\n   :members:\n   :no-value:\n"
    return f"## `{title}`\n\n```{{eval-rst}}\n{directive}```\n"


def insert_modules(app: Sphinx, document: str, text: list[str]) -> None:
    """Put the sections where the page asks for them."""

    def sections(match: re.Match[str]) -> str:
        shelf = match[1]
        return "\n".join(section(name, shelf) for name in modules_of(Path(app.srcdir), shelf))

    text[0] = PLACE.sub(sections, text[0])


def pages_with_news(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """API pages to read again because a module came or went since the last build."""
    source = Path(app.srcdir)
    before = getattr(env, "llmbook_modules", {})
    env.llmbook_modules = {}
    for page in sorted((source / "book" / "api").glob("*.md")):
        found = PLACE.search(page.read_text(encoding="utf-8"))
        if found:
            document = page.relative_to(source).with_suffix("").as_posix()
            env.llmbook_modules[document] = modules_of(source, found[1])
    return [page for page, names in env.llmbook_modules.items() if before.get(page) != names]


def plain_docstring(
    app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]
) -> None:
    """Docstrings are plain sentences with `code`: stars and bars in them are no markup.

    Chinese among them is marked as such, for fonts and for screen readers.
    """
    for i, line in enumerate(lines):
        parts = re.split(r"(`+[^`]+`+)", line)
        for k, part in enumerate(parts):
            if k % 2:
                parts[k] = "``" + part.strip("`") + "``"
            else:
                part = re.sub(r"(?<!\\)([*|])|(?<=\w)_(?!\w)", r"\\\g<0>", part)
                parts[k] = CHINESE.sub(r"\\ :zh:`\g<0>`\\ ", part)
        lines[i] = "".join(parts)


def register(app: Sphinx) -> None:
    chinese = roles.CustomRole("zh", roles.generic_custom_role, {"class": ["language-zh"]})
    app.add_role("zh", chinese)
    app.connect("source-read", insert_modules)
    app.connect("env-get-outdated", pages_with_news)
    app.connect("autodoc-process-docstring", plain_docstring, priority=400)
