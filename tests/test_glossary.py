"""The glossary is read whole or refused, and holds what the chapters define."""

import re
from pathlib import Path

import pytest
import yaml

from llm_book.glossary import Term, read_terms, terms

ROOT = Path(__file__).resolve().parents[1]
FEWEST = 190


def test_it_reads_what_yaml_reads():
    entries = yaml.safe_load((ROOT / "book" / "glossary.yml").read_text(encoding="utf-8"))
    assert [
        Term(e["en"], e["zh"], e["means"], e["built"], e.get("short", "")) for e in entries
    ] == list(terms())


def test_there_are_terms_of_every_chapter_and_enough_of_them():
    assert len(terms()) >= FEWEST
    assert {term.built.split(".")[0] for term in terms()} >= set("123456")


def test_no_two_terms_share_an_english_name_or_a_chinese_one():
    for names in ([t.en.lower() for t in terms()], [t.zh for t in terms()]):
        assert sorted({name for name in names if names.count(name) > 1}) == []


def test_every_term_has_chinese_and_one_sentence():
    for term in terms():
        assert re.search(r"[\u4e00-\u9fff]", term.zh), term.en
        assert term.means.endswith(".") and not re.search(r"[.!?] [A-Z]", term.means), term.en


ONE = """\
# a comment
- {en: gated unit, short: GU, zh: 门控单元, built: "3.2",
   means: "A \\"unit\\"."}
"""


def test_an_entry_is_read_whole():
    assert read_terms(ONE) == (Term("gated unit", "门控单元", 'A "unit".', "3.2", "GU"),)
    assert read_terms(ONE.replace("short: GU, ", ""))[0].short == ""


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (("built: ", "made: "), r"missing \['built'\], unknown \['made'\]; write it as"),
        (("zh: 门控单元, ", ""), r"'gated unit': fields missing \['zh'\], unknown \[\]"),
        (('."}', '."'), "the glossary is no YAML"),
        (('"3.2"', "3.2"), "does not hold texts only"),
        (("{en: gated unit", "[en: gated unit"), "the glossary is no YAML"),
    ],
)
def test_an_entry_in_another_form_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        read_terms(ONE + ONE.replace(*wrong))


@pytest.mark.parametrize("text", ["", "en: gated unit"])
def test_what_is_no_list_is_refused(text):
    with pytest.raises(ValueError, match="is no list of terms; for each term, write it as"):
        read_terms(text)
