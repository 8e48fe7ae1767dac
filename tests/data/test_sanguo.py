"""三国演义: its chapters in order, and numerals read as they are written."""

import pytest

from llm_book.data.sanguo import NovelChapter, chapters, chinese_number, load_sanguo

DIGITS = "零一二三四五六七八九"


def numeral(number):
    """A whole number from 1 to 999 as Chinese writes it: 一百零五, 一百二十, 十二."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    head = f"{DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        middle = "十" if tens == 1 and not hundreds else f"{DIGITS[tens]}十"
    else:
        middle = "零" if hundreds and ones else ""
    return head + middle + (DIGITS[ones] if ones else "")


def test_every_numeral_to_999_is_read():
    assert [chinese_number(numeral(n)) for n in range(1, 1000)] == list(range(1, 1000))
    assert chinese_number("一百〇五") == 105


@pytest.mark.parametrize("wrong", ["", "零", "二二", "十百", "一千", "12", "百"])
def test_what_is_no_numeral_is_refused(wrong):
    with pytest.raises(ValueError, match=f"'{wrong}' is no Chinese numeral"):
        chinese_number(wrong)


def test_a_chapter_is_a_heading_and_the_paragraphs_under_it():
    text = "第一回 甲 乙\r\n话说。\n且听。\n第二回 丙\n却说。\n"
    assert chapters(text) == (
        NovelChapter(1, "甲 乙", ("话说。", "且听。")),
        NovelChapter(2, "丙", ("却说。",)),
    )
    assert chapters(text)[0].text == "话说。\n且听。"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("话说\n第一回 甲\n", "x, row 1: '话说' where the first chapter's heading must come"),
        ("第二回 甲\n", "x, row 1: chapter 2 where 1 must come"),
        ("第一回 甲\n话\n第三回 乙\n", "x, row 3: chapter 3 where 2 must come"),
        ("第一回 甲\n第一回 乙\n", "x, row 2: chapter 1 where 2 must come"),
    ],
)
def test_chapters_out_of_order_are_refused_by_row(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        chapters(text, "x")


def test_the_novel_has_its_characters_and_chapters(mirror):
    text = load_sanguo(progress=False)
    found = chapters(text)
    assert (len(text), len(found)) == (596_940, 120)
    assert found[0].title == "宴桃园豪杰三结义 斩黄巾英雄首立功"
    assert found[119].number == 120 and all(chapter.paragraphs for chapter in found)
    parts = [f"第{numeral(c.number)}回 {c.title}\n{c.text}\n" for c in found]
    assert "".join(parts) == text
