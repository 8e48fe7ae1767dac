"""A view as a fragment: self-contained, in the reader's language, the same every time."""

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from llm_book.i18n import ZH
from llm_book.widgets import programs
from llm_book.widgets.programs import (
    live_module,
    module,
    phrases,
    program,
    source,
    stamp,
    starter,
    written_out,
)
from llm_book.widgets.records import unpacked
from llm_book.widgets.render import View
from llm_book.widgets.sampling import sampling, sampling_record
from tests.widgets import hostile
from tests.widgets.kinds import ASSETS, STATIC, kinds
from tests.widgets.node import run
from tests.widgets.pages import opened

WORDS = ["the", " a", "mat"]
FETCHES = re.compile(r"\b(?:import|fetch|XMLHttpRequest|WebSocket|importScripts)\b\s*\(?|//[\w.]+/")


def some(title: str = "The next token", **more):
    return sampling([2.0, 1.0, 0.5], WORDS, title=title, **more)


class Tags(HTMLParser):
    """The elements of a fragment, and what its attributes hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("kind", kinds())
def test_a_program_asks_for_nothing_and_makes_no_markup_of_text(kind):
    for text in (source(kind), program(kind)):
        plain = text.replace("http://www.w3.org/2000/svg", "")
        assert [hit for hit in FETCHES.findall(plain) if not hit.startswith("//")] == []
        for word in ("innerHTML", "insertAdjacentHTML", "localStorage", "eval(", "</script"):
            assert word not in text, word


@pytest.mark.parametrize("kind", kinds())
def test_every_word_that_a_module_shows_has_a_chinese_one(kind):
    assert [word for word in phrases(kind) if word not in ZH] == []


def test_a_chinese_phrase_has_the_places_of_the_english_one():
    def places(text):
        return sorted(re.findall(r"\{\w+\}", text))

    assert {word: zh for word, zh in ZH.items() if places(word) != places(zh)} == {}


@pytest.mark.parametrize("kind", kinds())
def test_the_source_of_a_program_leaves_out_comments_and_indents_and_nothing_else(kind):
    whole = (STATIC / "shell.js").read_text("utf-8") + (STATIC / f"{kind}.js").read_text("utf-8")
    kept = [line.strip() for line in whole.splitlines()]
    assert source(kind).splitlines() == [k for k in kept if k and not k.startswith("//")]


@pytest.mark.parametrize("kind", kinds())
def test_the_wheel_carries_the_small_program_of_this_very_source(kind):
    small = ASSETS / f"{kind}.js"
    assert small.is_file() and small.read_text("utf-8").startswith(stamp(kind)), "make assets"
    assert program(kind) == small.read_text("utf-8").partition("\n")[2]
    assert len(program(kind)) < 0.8 * len(written_out(kind))


def test_the_wheel_carries_no_program_without_a_source():
    assert sorted(path.stem for path in ASSETS.iterdir()) == kinds()


@pytest.mark.parametrize("kind", kinds())
def test_every_place_gets_a_whole_program(kind):
    for text in (module(kind), live_module(kind)):
        assert text.count("export default") == 1
    assert "export default" not in starter(kind)
    assert program(kind).startswith(f"const {programs.NAME}")


def test_where_the_source_is_newer_the_source_is_used(monkeypatch, tmp_path):
    (tmp_path / "widgets" / "static").mkdir(parents=True)
    (tmp_path / "assets" / "widgets").mkdir(parents=True)
    for name, text in (("shell", "const a = 1;\n"), ("one", "  // why\n  export default { a };\n")):
        (tmp_path / "widgets" / "static" / f"{name}.js").write_text(text, encoding="utf-8")
    small = tmp_path / "assets" / "widgets" / "one.js"
    monkeypatch.setattr(programs.resources, "files", lambda _: tmp_path)
    assert programs.kinds() == ("one",)
    for first, expected in ((stamp("one"), "small\n"), ("// 0000", written_out("one"))):
        small.write_text(f"{first}\nsmall\n", encoding="utf-8")
        program.cache_clear()
        assert program("one") == expected
    assert "const _widget = { a };" in written_out("one")
    for cached in (program, source):
        cached.cache_clear()


def test_the_same_view_makes_the_same_fragment_and_another_another():
    assert some().html() == some().html()
    assert some().key == some().key != some("Another title").key
    assert re.fullmatch(r"sampling-[0-9a-f]{8}", some().key)


def test_a_fragment_holds_everything_and_asks_for_nothing():
    found = Tags(some().html()).found
    assert [tag for tag, _ in found if tag in ("link", "iframe", "style", "object")] == []
    sources = [a["src"] for _, a in found if "src" in a]
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources) and sources
    (root,) = [a for _, a in found if "data-llm-book" in a]
    document, blob = unpacked(root["data-measured"])
    assert document["record"] == some().record.document() and blob == b""
    assert (document["lang"], document["words"], root["lang"]) == ("en", {}, "en")


def test_a_fragment_speaks_without_a_script():
    text = some().html()
    (image,) = [a for tag, a in Tags(text).found if tag == "img"]
    assert some().sentence in image["alt"]
    picture = base64.b64decode(image["src"].partition(",")[2])
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert text.count('<th scope="col">') == 3


@pytest.mark.parametrize("word", hostile.ALL)
def test_hostile_words_are_words_in_the_fragment(word):
    text = sampling([1.0, 2.0], [word, "b"], title=f"t {word}").html()
    tags = [tag for tag, _ in Tags(text).found]
    assert tags.count("script") == 1 and tags.count("img") == 1
    assert text.count("</script") == 1
    text.encode("utf-8")


def test_in_chinese_everything_is_chinese(monkeypatch):
    shown = some("下一个词元", lang="zh")
    assert 'lang="zh"' in shown.html()
    assert shown.sentence.startswith("3 个词元中还有 3 个可能")
    assert shown.document()["words"]["temperature"] == "温度"
    monkeypatch.setenv("LLM_BOOK_LANG", "zh_CN.UTF-8")
    assert some().lang == "zh"


@pytest.mark.parametrize("trained", [False, True])
def test_chinese_words_of_an_english_sentence_are_marked(trained):
    shown = View(sampling_record([2.0, 1.0], ["雨", "the"]), "Next", "en", trained)
    assert "“雨”" in shown.sentence
    assert '<i lang="zh" style="font-style:normal">雨</i>' in shown.html()


@pytest.mark.parametrize(
    ("title", "lang", "why"),
    [("", "en", "give a few words"), ("  ", None, "give a few words"), ("x", "fr", "choose one")],
)
def test_no_title_and_no_such_language_are_refused(title, lang, why):
    with pytest.raises(ValueError, match=why):
        some(title, lang=lang)


def test_a_trained_view_marks_every_number_that_a_reader_sees():
    text = some(trained=True).html()
    for mark in ("<span data-measured>", "<tbody data-measured>", "<img alt=", " data-trained\n"):
        assert text.count(mark) == 1
    bare = re.sub(r"(?s)<script>.*?</script>|<tbody data-measured>.*?</tbody>|<[^>]*>", "", text)
    assert not re.search(r"\d", bare.replace(some().sentence, ""))
    lines = repr(some(trained=True)).splitlines()
    assert lines[0] == "The next token"
    assert all(re.fullmatch(r"⟨[^⟨⟩]{1,120}⟩", line) for line in lines[1:])


def test_saving_writes_aside_and_leaves_one_file(tmp_path):
    some().save(tmp_path / "page.html")
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text("utf-8").startswith("<!doctype html>")


NUMBERS = [0, -0.0, 1, 0.5, 2.5, 0.125, 0.0625, 25000, 999.5, 0.9995, 1e-7, 123456789, 1e9, 1e-4]
NUMBERS += [9.995, 0.99949, 1234.5, -3.14159, 2.675, 1.005, 1e22, 5e-324, 12.25, 0.3125, 100.5]


@pytest.mark.parametrize("digits", [1, 2, 3, 4, 6])
def test_the_page_writes_numbers_as_the_book_does(digits):
    from llm_book.claims import written

    got = run("sampling", f"a[0].map((v) => written(v, {digits}))", NUMBERS)
    expected = [written(value, digits) for value in NUMBERS]
    assert got == ["0" if e == "-0" and g == "0" else e for g, e in zip(got, expected, strict=True)]


def test_infinities_and_nan_are_written_too():
    assert run("sampling", "[NaN, Infinity, -Infinity].map((v) => written(v))") == (
        ["nan", "inf", "-inf"]
    )


def test_a_module_with_two_exports_is_refused(monkeypatch, tmp_path):
    (tmp_path / "widgets" / "static").mkdir(parents=True)
    for name, text in (("shell", ""), ("two", "export default 1;\nexport default 2;\n")):
        (tmp_path / "widgets" / "static" / f"{name}.js").write_text(text, encoding="utf-8")
    monkeypatch.setattr(programs.resources, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match="'export default' once"):
        source("two")


@pytest.mark.needs_browser
def test_without_scripts_the_picture_the_sentence_and_the_numbers_are_there(chromium, tmp_path):
    with opened(chromium, some(), tmp_path, script=False) as page:
        assert page.locator("figure img").evaluate("i => i.complete && i.naturalWidth") > 100
        assert some().sentence in page.locator("figcaption").inner_text()
        page.locator("summary").click()
        assert page.locator("tbody tr").count() == 3


@pytest.mark.needs_browser
@pytest.mark.parametrize("host", ["book", "lab", "colab", "code"])
def test_the_theme_is_that_of_the_host(chromium, tmp_path, host):
    dark = {
        "book": "document.documentElement.dataset.theme = 'dark'",
        "lab": "document.body.dataset.jpThemeLight = 'false'",
        "colab": "document.documentElement.setAttribute('theme', 'dark')",
        "code": "document.body.className = 'vscode-dark'",
    }[host]
    with opened(chromium, some(), tmp_path, color_scheme="light") as page:
        paper = "() => getComputedStyle(document.querySelector('.llm-book-live > div')"
        paper += ".shadowRoot.querySelector('.shell')).backgroundColor"
        assert page.evaluate(paper) == "rgb(253, 253, 251)"
        page.evaluate(dark)
        page.wait_for_function(f"({paper})() === 'rgb(20, 25, 27)'")


@pytest.mark.needs_browser
def test_two_views_of_one_key_both_come_alive(chromium, tmp_path):
    page = chromium.new_page()
    path = tmp_path / "two.html"
    path.write_text(f"<meta charset=utf-8>{some().html()}{some().html()}", encoding="utf-8")
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelectorAll('.llm-book[data-alive]').length === 2")
    said = page.locator(".llm-book .sentence").all_inner_texts()
    assert said == [some().sentence] * 2
    page.close()


@pytest.mark.needs_browser
def test_a_damaged_payload_leaves_the_picture(chromium, tmp_path):
    page = chromium.new_page()
    text = re.sub(r'data-measured="[^"]{20}', 'data-measured="AAAA', some().html())
    (tmp_path / "bad.html").write_text(f"<meta charset=utf-8>{text}", encoding="utf-8")
    page.goto((tmp_path / "bad.html").as_uri())
    page.wait_for_timeout(300)
    assert page.locator("figure img").is_visible()
    page.close()
