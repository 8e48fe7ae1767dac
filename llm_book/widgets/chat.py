"""A box to talk with any function that answers: live with a kernel, readable without one."""

import threading
import time
import unicodedata
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from llm_book.i18n import language, phrase, t
from llm_book.widgets import charts
from llm_book.widgets.live import Live
from llm_book.widgets.records import Table, prose, shown
from llm_book.widgets.render import View, view

ROLES = ("system", "user", "assistant")
LIMIT = 2000  # characters of one message
PAUSE = 0.1  # seconds between two records of a growing answer, at least
LONGEST_ERROR = 300
LONGEST_ANSWER = 20_000
COLUMNS, LINES = 90, 30  # of the picture
ROWS = 20
EXAMPLE = '[{"role": "user", "content": "Hello"}]'
CUT = "The answer was cut after {count} characters."
TOO_LONG = "{count} characters are too many for one message; at most {limit} are read."

Message = dict[str, str]


@dataclass(frozen=True)
class ChatRecord:
    """A conversation: (role, text) pairs, whether an answer is being written, and what went wrong.

    ``phase`` is "" (the reader's turn), "writing" or "stopping"; ``note`` one sentence for the
    reader, or empty.
    """

    kind: ClassVar[str] = "chat"
    messages: tuple[tuple[str, str], ...] = ()
    phase: str = ""
    note: str = ""
    limit: int = LIMIT

    def document(self) -> dict[str, Any]:
        return {
            "messages": [{"role": role, "content": text} for role, text in self.messages],
            "phase": self.phase,
            "note": self.note,
            "limit": self.limit,
        }

    def blob(self) -> bytes:
        return b""

    def sentence(self, lang: str) -> str:
        return phrase(
            "Messages in this conversation: {count}. A running kernel is needed to answer.",
            lang,
            count=f"{len(self.messages):,}",
        )

    def still(self, lang: str) -> str:
        lines = [line for role, text in self.messages for line in _lines(t(role, lang), text)]
        if len(lines) > LINES:
            lines = [*lines[: LINES - 1], ("", "…")]
        lines = lines or [("", t("Nothing has been said yet.", lang))]
        parts = []
        for row, (role, text) in enumerate(lines):
            y = 24 + 19 * row
            parts.append(charts.text(96, y, role, "end", fill=charts.MUTED))
            parts.append(charts.text(108, y, text))
        return charts.document(700, 20 + 19 * len(lines), parts, self.sentence(lang))

    def table(self, lang: str) -> Table:
        rows = tuple((t(role, lang), shown(text, 200)) for role, text in self.messages[-ROWS:])
        return Table((t("who", lang), t("what was said", lang)), rows)


def chat_record(messages: Any, limit: Any = LIMIT) -> ChatRecord:
    """The record of a conversation; arguments and errors as for ``chat_view``."""
    if not isinstance(limit, int) or limit < 1:
        raise ValueError(f"the limit is {limit!r}; give a number of characters, such as 2000")
    return ChatRecord(_pairs(_checked(messages)), limit=limit)


def chat_view(
    messages: Any,
    *,
    title: str = "A conversation",
    lang: str | None = None,
    trained: bool = True,
) -> View:
    """A conversation as it was, for a page without a kernel.

    ``messages`` are dictionaries with a "role" ("system", "user" or "assistant") and a "content".
    Raises ``ValueError`` for anything else.
    """
    return view(chat_record(messages), title, lang, trained)


def chat(
    generate: Callable[[list[Message]], Any],
    *,
    opening: Any = (),
    title: str = "A conversation",
    lang: str | None = None,
    limit: Any = LIMIT,
) -> Live:
    """A box in which a reader talks with ``generate``.

    ``generate`` gets the messages so far, dictionaries of "role" and "content", and gives the
    answer: a string, or pieces of it one after the other, which are shown as they come. It runs in
    a thread of its own, so that the kernel hears "stop"; between two pieces it is stopped, inside
    one it cannot be. An error is told in one sentence and the conversation stays. ``opening`` are
    messages that stand there from the beginning; a message of the reader has at most ``limit``
    characters. Raises ``ValueError`` for an opening as ``chat_view`` does.
    """
    if not callable(generate):
        raise ValueError(f"{generate!r} cannot be called; give a function of a list of messages")
    record = chat_record(opening, limit)
    talk = _Talk(generate, _checked(opening), record, lang or language())
    box = view(record, title, lang).live(talk.hear)
    talk.show = box.show
    return box


class _Talk:
    """The conversation of one box: ``hear`` gets what the page sends, records go to ``show``."""

    show: Callable[[Any], None]

    def __init__(
        self, generate: Callable[..., Any], opening: list[Message], record: ChatRecord, lang: str
    ) -> None:
        self._generate, self._opening, self._lang = generate, opening, lang
        self._record, self._messages = record, list(opening)
        self._partial = ""  # of the answer that is being written
        self._lock = threading.RLock()  # the page and the writing thread both put records
        self._stop = threading.Event()

    def hear(self, state: dict[str, Any]) -> None:
        """Do what the page asks: {"say": text}, or {"do": "stop", "retry" or "clear"}."""
        asked = state.get("do")
        if asked == "stop":
            self._stopping()
        elif self._record.phase:
            self._put(note=self._said("An answer is being written; wait, or stop it first."))
        elif asked == "clear":
            self._messages = list(self._opening)
            self._put(note="")
        elif asked == "retry":
            self._retry()
        elif "say" in state:
            self._say(str(state["say"]))

    def _stopping(self) -> None:
        with self._lock:
            if self._record.phase:  # else it ended just now
                self._stop.set()
                self._put(phase="stopping")

    def _say(self, text: str) -> None:
        limit = self._record.limit
        if not text.strip():
            self._put(note=self._said("An empty message cannot be answered; write something."))
        elif len(text) > limit:
            self._put(note=self._said(TOO_LONG, count=f"{len(text):,}", limit=f"{limit:,}"))
        else:
            self._messages.append({"role": "user", "content": text})
            self._answer()

    def _retry(self) -> None:
        kept = len(self._messages)
        while kept and self._messages[kept - 1]["role"] == "assistant":
            kept -= 1
        if not kept or self._messages[kept - 1]["role"] != "user":
            self._put(note=self._said("There is no message to answer; write one."))
            return
        del self._messages[kept:]
        self._answer()

    def _answer(self) -> None:
        self._stop.clear()
        self._put(phase="writing", note="")
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        """Write one answer, in a thread of its own."""
        try:
            note = self._write()
        except Exception as error:  # the reader sees it and can go on
            note = self._said("No answer came: {error}", error=_one_line(error))
        with self._lock:
            if self._stop.is_set():
                note = self._said("Stopped.")
            if self._partial or not note:  # an empty answer is one, an error is none
                self._messages.append({"role": "assistant", "content": self._partial})
            self._partial = ""
            self._put(phase="", note=note)

    def _write(self) -> str:
        answer = self._generate([dict(message) for message in self._messages])
        if isinstance(answer, str):
            self._partial = "" if self._stop.is_set() else answer
            return ""
        last = time.monotonic()
        with closing(_pieces(answer)) as pieces:
            for piece in pieces:
                self._partial += piece
                if self._stop.is_set():
                    break
                if len(self._partial) > LONGEST_ANSWER:
                    return self._said(CUT, count=f"{LONGEST_ANSWER:,}")
                if time.monotonic() - last >= PAUSE:
                    self._put()
                    last = time.monotonic()
        return ""

    def _put(self, **changes: Any) -> None:
        with self._lock:
            messages = list(self._messages)
            if self._partial:
                messages.append({"role": "assistant", "content": self._partial})
            self._record = replace(self._record, messages=_pairs(messages), **changes)
            self.show(self._record)

    def _said(self, text: str, **values: str) -> str:
        return phrase(text, self._lang, **values)


def _pieces(answer: Any) -> Generator[str, None, None]:
    """The pieces of an answer; where the reader stops early, its generator is closed."""
    if not isinstance(answer, Iterable):
        raise TypeError(f"generate gave {type(answer).__name__}; expected a string or its pieces")
    try:
        for piece in answer:
            if not isinstance(piece, str):
                raise TypeError(f"generate gave a piece of type {type(piece).__name__}, no string")
            yield piece
    finally:
        getattr(answer, "close", lambda: None)()


def _checked(messages: Any) -> list[Message]:
    if isinstance(messages, str | dict) or not isinstance(messages, Iterable):
        raise ValueError(f"{messages!r:.80} is no list of messages; give {EXAMPLE}")
    return [_message(message) for message in messages]


def _message(message: Any) -> Message:
    if not isinstance(message, dict) or not {"role", "content"} <= set(message):
        raise ValueError(f"{message!r:.80} is no message; give one as in {EXAMPLE}")
    role, content = message["role"], message["content"]
    if role not in ROLES:
        raise ValueError(f"the role {role!r} is unknown; choose one of {', '.join(ROLES)}")
    if not isinstance(content, str):
        raise ValueError(f"the content {content!r:.80} is no text; give one string a message")
    return {"role": role, "content": content}


def _pairs(messages: list[Message]) -> tuple[tuple[str, str], ...]:
    return tuple((message["role"], prose(message["content"])) for message in messages)


def _one_line(error: Exception) -> str:
    said = " ".join(str(error).split())
    return prose(f"{type(error).__name__}: {said}" if said else type(error).__name__)[
        :LONGEST_ERROR
    ]


def _lines(role: str, text: str) -> list[tuple[str, str]]:
    """A message in lines that fit the picture; the first names who said it."""
    lines = [line for part in text.split("\n") for line in _wrapped(part)]
    return [(role if row == 0 else "", line) for row, line in enumerate(lines)]


def _wrapped(text: str) -> list[str]:
    """Lines of at most ``COLUMNS`` columns, cut at a space where there is one; 字 takes two."""
    lines, line, width = [], "", 0
    for letter in text.replace("\t", "    "):
        line, width = line + letter, width + _columns(letter)
        if width > COLUMNS:
            cut = line.rfind(" ", len(line) // 2) + 1 or len(line) - 1
            lines.append(line[:cut].rstrip())
            line = line[cut:]
            width = sum(map(_columns, line))
    return [*lines, line]


def _columns(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
