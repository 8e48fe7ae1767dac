"""A record as a reader sees it: alive in any page, alive with a kernel, a picture elsewhere."""

import base64
import hashlib
import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_book.i18n import language, t
from llm_book.widgets.programs import starter, words
from llm_book.widgets.records import Record, Table, packed

CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")


@dataclass(frozen=True, eq=False)
class View:
    """A record, shown. The last line of a cell that is a view shows it.

    ``trained`` says that training, or the clock, made the numbers: then the comparison of a stored
    notebook with a fresh run looks at the shape of the record and not at its digits.
    """

    record: Record
    title: str
    lang: str = "en"
    trained: bool = False

    @property
    def key(self) -> str:
        """A name for links to this view that stays when its numbers change."""
        digest = hashlib.sha256(f"{self.record.kind}\0{self.title}".encode("utf-8", "replace"))
        return f"{self.record.kind.replace('_', '-')}-{digest.hexdigest()[:8]}"

    @property
    def sentence(self) -> str:
        """What is to be seen, in one sentence or two."""
        return self.record.sentence(self.lang)

    def html(self, key: str | None = None) -> str:
        """A fragment for any page: data, script, picture, words, a table; it asks for nothing."""
        return fragment(self, key or self.key)

    def save(self, path: Path | str) -> None:
        """Write a page of its own that needs no network."""
        page = (
            f'<!doctype html>\n<html lang="{self.lang}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            f"<title>{html.escape(self.title)}</title></head>\n<body><main>"
            f'<h1 style="position:absolute;clip-path:inset(50%)">{html.escape(self.title)}</h1>\n'
            f"{self.html()}</main></body></html>\n"
        )
        aside = Path(path).with_name(Path(path).name + ".writing")
        aside.write_text(page, encoding="utf-8", newline="\n")
        aside.replace(path)

    def live(self, react: Callable[[dict[str, Any]], Record | None] | None = None) -> Any:
        """The same view, joined to this kernel: ``react`` hears every choice of the reader.

        It gets the view's state, a dictionary, and may give a new record, which is then shown.
        """
        from llm_book.widgets.live import joined  # here, not above: few views need a kernel

        return joined(self, react)

    def document(self) -> dict[str, Any]:
        """What the module reads beside the blob."""
        return {
            "record": self.record.document(),
            "title": self.title,
            "lang": self.lang,
            "words": words(self.record.kind, self.lang),
        }

    def __repr__(self) -> str:
        said = self.sentence
        if self.trained:  # a mark covers at most 120 characters on one line
            said = "\n".join(f"⟨{said[i : i + 110]}⟩" for i in range(0, len(said), 110))
        return f"{self.title}\n{said}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": repr(self)}


def view(record: Record, title: str, lang: str | None = None, trained: bool = False) -> View:
    """A record under a title, in the language asked for. Raises ``ValueError`` for an empty one."""
    from llm_book.widgets.records import shown

    if not isinstance(title, str) or not title.strip():
        raise ValueError(f"the title is {title!r}; give a few words that name what is shown")
    lang = lang or language()
    t("", lang)  # refuses a language that the book does not have
    return View(record, shown(title.strip(), longest=200), lang, trained)


def fragment(shown: View, key: str) -> str:
    """The view as HTML: the picture first, for hosts that run no script."""
    measured = " data-measured" if shown.trained else ""
    source = base64.b64encode(shown.record.still(shown.lang).encode()).decode("ascii")
    title = html.escape(shown.title)
    alt = title if shown.trained else html.escape(f"{shown.title}. {shown.sentence}")
    # Chinese is marked for fonts and for screen readers.
    said = CHINESE.sub(
        r'<i lang="zh" style="font-style:normal">\g<0></i>', html.escape(shown.sentence)
    )
    return (
        f'<div class="llm-book" data-llm-book="{shown.record.kind}" data-key="{key}" '
        f'lang="{shown.lang}" data-lm-suppress-shortcuts="true"{" data-trained" * shown.trained}\n'
        f'data-measured="{packed(shown.document(), shown.record.blob())}">\n'
        f'<figure class="llm-book-still">'
        f'<img alt="{alt}" style="max-width:100%"{measured} '
        f'src="data:image/svg+xml;base64,{source}">\n'
        f"<figcaption><b>{title}</b> <span{measured}>{said}</span></figcaption>\n"
        f"{_details(shown.record.table(shown.lang), shown.lang, measured)}</figure>\n"
        '<div class="llm-book-live"></div>\n'
        f"<script>\n{starter(shown.record.kind)}</script>\n</div>"
    )


def _details(table: Table, lang: str, measured: str) -> str:
    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in table.head)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n"
        for row in table.rows
    )
    return (
        f"<details><summary>{t('Numbers', lang)}</summary>\n<table><thead><tr>{head}</tr></thead>\n"
        f"<tbody{measured}>\n{body}</tbody></table></details>"
    )
