"""Reading published text: one answer whatever packed or wrote it, refusals by file and row."""

import gzip
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.data.reading import (
    decoded,
    lines,
    malformed,
    member,
    read_columns,
    read_csv,
    read_json,
    read_text,
)

TEXT = "one\r\n二\u2028three\n"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    ("suffix", "pack"), [("txt", bytes), ("txt.gz", gzip.compress), ("txt.xz", lzma.compress)]
)
def test_a_text_is_the_same_however_it_is_packed_and_marked(mark, suffix, pack, tmp_path):
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(pack(mark + TEXT.encode()))
    assert read_text(path) == read_text(str(path)) == TEXT


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("xz", lzma.compress)])
def test_a_packed_file_that_breaks_off_or_is_another_thing_is_refused(suffix, pack, tmp_path):
    path = tmp_path / f"x.{suffix}"
    whole = pack(TEXT.encode() * 50)
    for content in (whole[:-9], b"plain text", whole[:20] + b"\xff\xff" + whole[22:]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"x\.{suffix} breaks off or is not packed as"):
            read_text(path)


def test_bytes_that_are_no_utf8_are_refused_by_row():
    with pytest.raises(ValueError, match=r"x, row 3: the byte 0xff is no UTF-8; fetch the file"):
        decoded(b"one\ntwo\nthr\xffee\n", "x")


def test_a_refusal_names_file_row_and_what_to_do():
    assert str(malformed("x.tsv", 1234, "it is odd")) == (
        "x.tsv, row 1,234: it is odd; fetch the file again"
    )


def test_only_a_line_feed_ends_a_line():
    assert lines("a\x0bb\x85c\u2028d\r\ne\n\nf\n\n") == ["a\x0bb\x85c\u2028d", "e", "", "f"]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n")), min_size=1))
def test_what_was_joined_is_cut_again(rows):
    rows.append("end")
    assert lines("\n".join(rows) + "\n\n") == lines("\r\n".join(rows)) == rows


def test_columns_come_with_their_row():
    assert list(read_columns("a\tb\r\nc\t\n", "x", 2)) == [(1, ["a", "b"]), (2, ["c", ""])]
    with pytest.raises(ValueError, match=r"x, row 2: 1 columns where 2 were expected"):
        list(read_columns("a\tb\nc d\n", "x", 2))
    with pytest.raises(ValueError, match=r"x, row 1: 3 columns where 2 were expected"):
        list(read_columns("a\tb\tc\n", "x", 2))


def test_records_may_hold_line_ends_and_come_with_their_number():
    text = 'k,v\r\n"one\ntwo","say ""hi"""\r\n3,4\r\n'
    assert list(read_csv(text, "x", 2, header="k,v")) == [
        (2, ["one\ntwo", 'say "hi"']),
        (3, ["3", "4"]),
    ]
    assert list(read_csv("1,2\n3,4\n", "x", 2)) == [(1, ["1", "2"]), (2, ["3", "4"])]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", r"x, row 1: 'a,b' where 'k,v' was expected"),
        ("k,v\n1,2\n1\n", r"x, row 3: 1 columns where 2 were expected"),
        ('k,v\n1,2\n3,"4', r"x, row 3: it cannot be read \(unexpected end of data\)"),
        ('k,v\n1,"2"3\n', r"x, row 2: it cannot be read"),
    ],
)
def test_a_bad_record_is_refused_by_its_number(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        list(read_csv(text, "x", 2, header="k,v"))


def test_json_is_read_or_refused_by_its_row(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes("\ufeff[1, 二]".replace("二", '"二"').encode())
    assert read_json(path, list) == [1, "二"]
    with pytest.raises(ValueError, match=r"x\.json, row 1: a value of type list where dict was"):
        read_json(path, dict)
    path.write_text("[1,\n2,\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.json, row 3: it is no JSON \(Expecting value\)"):
        read_json(path, list)


def test_a_member_of_another_form_is_refused_by_its_name():
    assert member({"a": 1}, "a", int, "x", 3) == 1
    with pytest.raises(ValueError, match=r"x, row 3: a value of type list where an object was"):
        member([], "a", int, "x", 3)
    with pytest.raises(ValueError, match=r"x, row 3: the object has no 'b'"):
        member({"a": 1}, "b", int, "x", 3)
    with pytest.raises(ValueError, match=r"x, row 3: 'a' is a value of type str"):
        member({"a": "1"}, "a", int, "x", 3)
