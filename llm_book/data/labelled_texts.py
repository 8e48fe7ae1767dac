"""Short texts, each with one label: SMS spam, bank customers' intents, news, hotel reviews."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from llm_book.data.archives import open_member
from llm_book.data.download import fetch
from llm_book.data.reading import decoded, malformed, read_columns, read_csv, read_text

SMS_LABELS = ("ham", "spam")
AG_NEWS_LABELS = ("World", "Sports", "Business", "Sci/Tech")
HOTEL_LABELS = ("negative", "positive")
BANKING_SPLITS = ("train", "test")


@dataclass(frozen=True)
class LabelledText:
    """A text and its label: the label's place in the set's `label_names`."""

    text: str
    label: int


@dataclass(frozen=True)
class LabelledTexts:
    """Texts in published order, and what each label is called."""

    texts: tuple[LabelledText, ...]
    label_names: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many texts carry each label."""
        labels = [text.label for text in self.texts]
        return {name: labels.count(label) for label, name in enumerate(self.label_names)}

    @property
    def n_repeated(self) -> int:
        """Texts that stood there before, letter for letter: keep them on one side of a split."""
        return len(self.texts) - len({text.text for text in self.texts})

    @property
    def n_empty(self) -> int:
        """Texts without a character other than spaces."""
        return sum(not text.text.strip() for text in self.texts)


def load_sms_spam(progress: bool = True) -> LabelledTexts:
    """5,574 text messages: 4,827 that were wanted, "ham", and 747 "spam"; 403 stand again.

    From `sms.tsv` or from UCI's zip, whichever is at hand. Raises DataUnavailable where neither
    can be had. Source: Almeida et al. (2011).
    """
    return read_sms(fetch("sms_spam", progress=progress))


def read_sms(path: str | Path) -> LabelledTexts:
    """The messages in a file of rows `label<TAB>text`, or in the zip that holds one.

    Raises ValueError at a row with other columns or another label.
    """
    path = Path(path)
    if path.suffix == ".zip":
        name = "SMSSpamCollection"
        with open_member(path, name) as file:
            content = decoded(file.read(), name)
    else:
        name, content = path.name, read_text(path)
    rows = ((row, label, text) for row, (label, text) in read_columns(content, name, 2))
    return _labelled(rows, SMS_LABELS, name)


def load_banking77(split: str = "train", progress: bool = True) -> LabelledTexts:
    """Questions of a bank's customers with one of 77 intents: 10,003 for training, 3,080 to test.

    Intents are numbered alphabetically, alike in both splits. Raises ValueError for another split,
    DataUnavailable where the file cannot be had. Source: Casanueva et al. (2020).
    """
    if split not in BANKING_SPLITS:
        raise ValueError(f"banking77 has no split {split!r}; choose one of {BANKING_SPLITS}")
    return read_banking77(fetch(f"classification/banking77_{split}.csv", progress=progress))


def read_banking77(path: str | Path) -> LabelledTexts:
    """The questions in a file of records `text,category` under that header.

    Raises ValueError where the header or a record is another one.
    """
    name = Path(path).name
    records = list(read_csv(read_text(path), name, 2, header="text,category"))
    intents = tuple(sorted({intent for _, (_, intent) in records}))
    return _labelled(((row, intent, text) for row, (text, intent) in records), intents, name)


def load_ag_news(progress: bool = True) -> LabelledTexts:
    """The test set of AG's news: 7,600 titles with their first sentences, 1,900 of each of 4 kinds.

    A backslash stands where the source had a line end. Raises DataUnavailable where the file
    cannot be had. Source: Zhang et al. (2015).
    """
    return read_ag_news(fetch("ag_news", progress=progress))


def read_ag_news(path: str | Path) -> LabelledTexts:
    """The news in a file of records `kind,title,description`, as "title\\ndescription".

    Raises ValueError at a record with other columns or a kind that is not 1 to 4.
    """
    name = Path(path).name
    kinds = {str(number): label for number, label in enumerate(AG_NEWS_LABELS, start=1)}
    rows = (
        (row, kinds.get(kind, kind), f"{title}\n{description}")
        for row, (kind, title, description) in read_csv(read_text(path), name, 3)
    )
    return _labelled(rows, AG_NEWS_LABELS, name)


def load_chnsenticorp(progress: bool = True) -> LabelledTexts:
    """7,766 Chinese reviews of hotels, 5,322 with praise and 2,444 with blame; one is empty.

    Raises DataUnavailable where the file cannot be had. Source: Tan and Zhang (2008).
    """
    return read_chnsenticorp(fetch("chnsenticorp", progress=progress))


def read_chnsenticorp(path: str | Path) -> LabelledTexts:
    """The reviews in a file of records `label,review` under that header, labels 0 and 1.

    Raises ValueError where the header or a record is another one.
    """
    name = Path(path).name
    names = dict(zip("01", HOTEL_LABELS, strict=True))
    rows = (
        (row, names.get(label, label), review)
        for row, (label, review) in read_csv(read_text(path), name, 2, header="label,review")
    )
    return _labelled(rows, HOTEL_LABELS, name)


def _labelled(
    rows: Iterable[tuple[int, str, str]], names: tuple[str, ...], file: str
) -> LabelledTexts:
    number = {name: i for i, name in enumerate(names)}
    texts = []
    for row, label, text in rows:
        if label not in number:
            raise malformed(file, row, f"the label {label!r} is none of {', '.join(names)}")
        texts.append(LabelledText(text, number[label]))
    return LabelledTexts(tuple(texts), names)
