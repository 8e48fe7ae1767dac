"""The tokeniser view: the page's ids are Python's for every text; it is used without a mouse."""

import base64
import random
import re
from functools import cache
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.i18n import t
from llm_book.text.bpe import BPETokenizer
from llm_book.text.gpt2_files import read_gpt2
from llm_book.text.split import CL100K_SPLIT, GPT2_SPLIT, Splitter
from llm_book.text.tokenizers import ByteTokenizer, CharTokenizer, WordTokenizer
from llm_book.text.vocabulary import UNK, Vocabulary
from llm_book.widgets.render import words
from llm_book.widgets.tokeniser import (
    CODE_POINTS,
    LONGEST_TEXT,
    SPLITS,
    TokeniserRecord,
    tokeniser,
    tokeniser_record,
    visible,
)
from tests.site.axe import violations
from tests.text.bpe_peers import SPECIALS, corpus, texts, trained
from tests.widgets import hostile
from tests.widgets.node import run
from tests.widgets.pages import opened

PATTERNS = pytest.mark.parametrize("pattern", [GPT2_SPLIT, CL100K_SPLIT], ids=["gpt2", "cl100k"])
SETUP = "const all = w.tokenizers(a[0], Buffer.from(a[1], 'base64'));"
BLOCK = 1 << 14
TEXT = "The film doesn't end.\n这部电影真好看。👩\u200d👧 שלום <|endoftext|>12345"
LONG = (
    " " * 3000 + "\n" * 3000 + "a" * 3000 + " \n" * 500 + "我" * 2000 + "🙂" * 500
    + "\r\n\t " * 200 + "x1" * 300 + "\x00" * 300 + "e\u0301" * 300 + "1" * 1000 + "  "
)  # fmt: skip


def page(record, body, *more):
    """What the module gives, with ``all`` its tokenizers and ``a`` the further values from 2 on."""
    blob = base64.b64encode(record.blob()).decode()
    expression = f"(() => {{ {SETUP} {body} }})()"
    return run("tokeniser", expression, record.document(), blob, *more)


def page_pieces(record, several, recognise=True):
    """For each text the pieces under the first tokenizer as [id, text, size]."""
    body = (
        "return a[2].map((text) => { const found = w.encode(all[0], text, a[3], t);"
        "return found.wrong ?? found.pieces.map((p) => [p.id, p.text, p.size]); });"
    )
    return page(record, body, several, recognise)


def our_pieces(tokenizer, text):
    (cut,) = TokeniserRecord(text, (("", tokenizer),)).pieces()
    return [[piece.id, piece.text, piece.size] for piece in cut]


def alone(tokenizer, text=""):
    return tokeniser_record([("", tokenizer)], text)


@cache
def small():
    return trained(GPT2_SPLIT)


# --- the same ids as Python, for every text


@PATTERNS
def test_the_page_splits_around_every_code_point_as_python_does(pattern):
    splitter = Splitter(pattern)
    points = [i for i in range(CODE_POINTS) if not 0xD800 <= i < 0xE000]
    ours = []
    for start in range(0, len(points), BLOCK):
        text = "".join(f"a{c}1!{c}'{c}" for c in map(chr, points[start : start + BLOCK]))
        mark = 0
        for piece in splitter.pieces(text):
            mark = (mark * 31 + len(piece)) % 1_000_003
        ours.append(mark)
    body = """
      const points = [], marks = [];
      for (let i = 0; i < 0x110000; i++) if (i < 0xd800 || i >= 0xe000) points.push(i);
      for (let start = 0; start < points.length; start += a[2]) {
        const text = points.slice(start, start + a[2]).map((i) => String.fromCodePoint(i))
          .map((c) => `a${c}1!${c}'${c}`).join('');
        let mark = 0;
        for (const piece of w.split(all[0].split, text, all[0].classes))
          mark = (mark * 31 + [...piece].length) % 1000003;
        marks.push(mark);
      }
      return marks;"""
    theirs = page(alone(trained(pattern)), body, BLOCK)
    wrong = [n * BLOCK for n, pair in enumerate(zip(ours, theirs, strict=True)) if len({*pair}) > 1]
    assert wrong == []


@PATTERNS
def test_pre_tokens_equal_pythons_on_any_text(pattern):
    record = alone(trained(pattern))

    @given(st.lists(texts, min_size=40, max_size=80))
    @settings(max_examples=4)
    def holds(several):
        several = [*several, "12345678 1\u0663\u0664\u0665\u0666", "a'LLb", "x \n\n y \n"]
        body = "return a[2].map((text) => w.split(all[0].split, text, all[0].classes));"
        assert page(record, body, several) == [Splitter(pattern).pieces(x) for x in several]

    holds()


@given(st.lists(st.text(max_size=60), min_size=30, max_size=60))
@settings(max_examples=4)
def test_the_page_shows_a_piece_as_the_package_does(several):
    edge = ["x" * 48, "x" * 49, " a  ", "  ", "\u200d\ufe0f", "a\u200d", "\uffff\ufffe", "\t\r\n"]
    several = [*several, *edge, *(" " + hostile.LONG, hostile.MARKS, hostile.TURNED)]
    assert run("tokeniser", "a[0].map(w.shown)", several) == [visible(x) for x in several]


@PATTERNS
@pytest.mark.parametrize("recognise", [True, False])
def test_ids_pieces_and_lengths_equal_pythons_on_any_text(pattern, recognise):
    tokenizer = trained(pattern)
    record = alone(tokenizer)

    @given(st.lists(texts, min_size=40, max_size=80))
    @settings(max_examples=6)
    def holds(several):
        theirs = page_pieces(record, several, recognise)
        for text, found in zip(several, theirs, strict=True):
            ids = tokenizer.encode(text, "recognise" if recognise else "plain")
            assert [i for i, *_ in found] == ids, text
            if recognise:
                assert found == our_pieces(tokenizer, text)

    holds()


@PATTERNS
def test_long_runs_and_the_whole_corpus_have_pythons_ids(pattern):
    tokenizer = trained(pattern)
    several = [LONG, corpus()]
    found = page_pieces(alone(tokenizer), several)
    assert [[i for i, *_ in one] for one in found] == [tokenizer.encode(text) for text in several]


def test_a_table_that_makes_the_same_bytes_twice_and_skips_ids_has_pythons_ids():
    made = ["ab", "bc", "abc", "abc", "abcabc", "cab", "ca"]
    pairs = ["a b", "b c", "ab c", "a bc", "abc abc", "c ab", "c a"]
    merges = [tuple(part.encode() for part in pair.split()) for pair in pairs]
    tokens = {255 - byte: bytes([byte]) for byte in range(256)}
    tokens |= {5000 + 7 * n: token.encode() for n, token in enumerate(dict.fromkeys(made))}
    tokenizer = BPETokenizer(tokens, merges, {"<ab>": 777, "abc": 9000, "a.b": 4_000_000_000})

    @given(st.lists(st.text("abc<>.", max_size=30), min_size=50, max_size=90))
    @settings(max_examples=5)
    def holds(several):
        found = page_pieces(alone(tokenizer), several, False)
        plain = [tokenizer.encode(text, "plain") for text in several]
        assert [[i for i, *_ in one] for one in found] == plain
        found = page_pieces(alone(tokenizer), several)
        assert [[i for i, *_ in one] for one in found] == [tokenizer.encode(x) for x in several]

    holds()


def test_marks_that_nobody_sees_are_whole_characters_in_a_token():
    text = "\ufeff\ufeff 🙂\u200d🙂\u200d \u00a0\u3000" * 4
    tokenizer = BPETokenizer.train(text, 300)
    (found,) = page_pieces(alone(tokenizer), [text])
    assert found == our_pieces(tokenizer, text) and any("\\ufeff" in shown for _, shown, _ in found)


def test_of_specials_at_one_place_the_longest_counts():
    tokenizer = BPETokenizer.train("some text", 270, ["<|", "<|end|>", "<|end", "$^.*"])
    several = ["a<|end|>b", "<|end>", "<|end|", "<|<|", "$^.*x$", ""]
    found = page_pieces(alone(tokenizer), several)
    assert [[i for i, *_ in one] for one in found] == [tokenizer.encode(text) for text in several]


def test_the_merges_of_a_word_are_pythons_one_by_one():
    tokenizer, several = small(), [" the", " wonderful", "我不喜欢", "aaaaaaa", "x", "🙂🙂", "'"]
    body = """const names = (list) => list.map((s) => [...all[0].token(s).bytes]);
      return a[2].map((word) => w.steps(word, all[0]).map(
        ({ rank, before, from, after, to }) => [rank, names(before), from, names(after), to]));"""
    for word, found in zip(several, page(alone(tokenizer), body, several), strict=True):
        rows = [[list(part) for part in parts] for parts in tokenizer.steps(word)]
        assert [after for *_, after, _ in found] == rows[1:]
        assert [before for _, before, *_ in found] == rows[:-1]
        for rank, before, pairs, after, joined in found:
            left, right = map(list, tokenizer.merges[rank])
            marked = [before[i] for i in pairs]
            assert marked == [left, right] * len(joined)
            assert {tuple(after[i]) for i in joined} == {tuple(left + right)}


# --- other tokenizers


def test_characters_and_bytes_have_pythons_ids():
    characters = CharTokenizer.train(corpus(), [UNK])
    several = [TEXT, "", "☃ snow", "\r\n", "\u200d"]
    assert page_pieces(alone(characters), several) == [our_pieces(characters, x) for x in several]
    several.append("".join(map(chr, range(300))))
    found = page_pieces(alone(ByteTokenizer()), several)
    assert found == [our_pieces(ByteTokenizer(), text) for text in several]


def test_a_character_that_is_not_in_the_vocabulary_is_named():
    record = alone(CharTokenizer.train("abc"))
    (said,) = page_pieces(record, ["a\u200eb"])
    assert said == "The character “\\u200e” is not in the vocabulary, which has no <unk>."
    assert page(record, "return w.sentence(all, [w.encode(all[0], 'x', true, t)], 'x', t)") == (
        "The character “x” is not in the vocabulary, which has no <unk>."
    )


@pytest.mark.parametrize("vocabulary", [None, Vocabulary((UNK, "the", "film"), (UNK,))])
def test_words_are_shown_for_the_given_text_and_another_asks_for_a_kernel(vocabulary):
    tokenizer = WordTokenizer(vocabulary=vocabulary)
    record = alone(tokenizer, "The film isn't  long")
    given_text, another = page_pieces(record, [record.text, "The"])
    assert given_text == our_pieces(tokenizer, record.text)
    assert [text for _, text, _ in given_text] == ["the", "film", "is", "n't", "long"]
    assert "needs a running kernel" in another
    assert page_pieces(record.with_text("The"), ["The"]) == [our_pieces(tokenizer, "The")]


def test_with_a_kernel_words_are_cut_as_they_are_typed():
    shown = tokeniser(WordTokenizer(), "The film")
    live = shown.live(lambda state: shown.record.with_text(state["text"]))
    live.model.state = {"text": "it isn't"}
    assert [text for text, *_ in live.model.record["tokenizers"][0]["pieces"]] == [
        "it",
        "is",
        "n't",
    ]
    live.model.state = {"text": "a\ud83d"}
    assert "lone surrogate" in live.model.error


# --- sentences


@given(st.lists(texts, min_size=20, max_size=40))
@settings(max_examples=4)
def test_the_sentence_is_pythons_in_both_languages(several):
    rivals = [("", small()), ("{tokens} $& <b>", trained(CL100K_SPLIT)), ("b", ByteTokenizer())]
    said = page(
        tokeniser_record(rivals, ""),
        "return a[2].map((text) => [speaker({}), speaker(a[3])].map((t) => w.sentence(all, "
        "all.map((one) => w.encode(one, text, true, t)), text, t)));",
        several,
        words("tokeniser", "zh"),
    )
    for text, both in zip(several, said, strict=True):
        record = tokeniser_record(rivals, text)
        assert both == [record.sentence("en"), record.sentence("zh")]


def test_the_sentence_counts_and_names_the_longest_piece():
    tokenizer = BPETokenizer.train("the language of the language " * 3, 256 + 14)
    assert alone(tokenizer, "the language").sentence("en") == (
        "The text is 2 tokens for 12 characters (12 bytes): 6.00 characters a token; "
        "the longest piece is “␣language”."
    )
    assert alone(tokenizer, "x").sentence("en") == (
        "The text is 1 token for 1 character (1 byte): 1.00 characters a token."
    )
    assert alone(tokenizer).sentence("en") == "There is no token yet; type a text."
    assert (
        alone(tokenizer, "é").sentence("en").startswith("The text is 2 tokens for 1 character (2")
    )


def test_the_sentence_does_not_repeat_a_long_text():
    text = "x" * 5000
    assert len(alone(CharTokenizer.train(text), text).sentence("en")) < 120
    assert text[:60] not in alone(WordTokenizer(), text).sentence("en")


# --- refusals


@pytest.mark.parametrize(
    ("tokenizer", "options", "why"),
    [
        ("gpt2", {}, "a str came; give a BPETokenizer"),
        (BPETokenizer.train("a b", 257, pattern=r"(?s:.)"), {}, "split pattern .* GPT2_SPLIT"),
        (BPETokenizer.train("a b", 257), {"text": 3}, "the text is int; give one string"),
        (BPETokenizer.train("a b", 257), {"text": "a\ud83d"}, "lone surrogate"),
        (BPETokenizer.train("a b", 257), {"text": "x" * (LONGEST_TEXT + 1)}, "text.*20,000"),
        (BPETokenizer.train("a b", 257), {"rivals": [ByteTokenizer()]}, "give names"),
        (BPETokenizer.train("a b", 257), {"rivals": {"": ByteTokenizer()}}, "few words"),
        (BPETokenizer.train("a b", 257), {"rivals": {3: ByteTokenizer()}}, "few words"),
        (BPETokenizer.train("a b", 257), {"rivals": {"b": None}}, "a NoneType came"),
        (ByteTokenizer(), {"rivals": dict.fromkeys("abcdef", ByteTokenizer())}, "up to 5"),
        (BPETokenizer.train("a b", 257), {"title": " "}, "title"),
        (CharTokenizer.train("abc"), {"text": "abcd"}, "cannot be encoded: the token 'd'"),
        (CharTokenizer(Vocabulary(("a", "\ud83d"), ())), {"text": "a"}, "lone surrogate"),
        (
            BPETokenizer({i: bytes([i]) for i in range(256)}, [], {"<far>": 2**32}),
            {"text": "a"},
            "4,294,967,296; the page has room",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(tokenizer, options, why):
    with pytest.raises(ValueError, match=why):
        tokeniser(tokenizer, **options)


def test_half_a_character_is_answered_with_a_sentence():
    for tokenizer in (small(), ByteTokenizer(), CharTokenizer.train("abc", [UNK])):
        body = "return w.encode(all[0], 'a' + String.fromCharCode(0xd83d), true, t).wrong"
        assert page(alone(tokenizer), body) == (
            "The text holds \\ud83d, half a character that UTF-8 cannot write; delete it."
        )


# --- still, table, size, speed


@given(texts, st.sampled_from(["en", "zh"]))
@settings(max_examples=60)
def test_the_still_picture_is_a_picture_for_any_text(text, lang):
    record = tokeniser_record([("", small()), ('<b>"', ByteTokenizer())], text)
    drawn = ElementTree.fromstring(record.still(lang))
    height, width = float(drawn.get("height")), float(drawn.get("width"))
    for box in drawn.iter("{http://www.w3.org/2000/svg}rect"):
        if box.get("width") != "100%":
            assert float(box.get("x")) + float(box.get("width")) <= width
            assert float(box.get("y")) + float(box.get("height")) <= height


def test_a_still_picture_of_a_long_text_says_how_much_it_leaves_out():
    text = "x1 " * 1000
    record = alone(ByteTokenizer(), text)
    drawn = ElementTree.fromstring(record.still("en"))
    (ids,) = [list(node) for node in drawn.iter() if node.get("font-size") == "11"]
    assert f"{3000 - len(ids):,} more pieces are not drawn." in record.still("en")
    boxes = [node for node in drawn.iter() if node.tag.endswith("rect")][1:]
    assert len(boxes) == len(ids) and len({box.get("y") for box in boxes}) == 5


def test_the_table_holds_pieces_of_one_tokenizer_and_counts_of_several():
    one = alone(small(), TEXT).table("en")
    assert one.head == ("piece", "bytes", "id") and len(one.rows) == 20
    assert one.rows[0] == ("The", "54 68 65", str(small().encode("The")[0]))
    two = tokeniser(small(), TEXT, rivals={"bytes": ByteTokenizer()}).record.table("zh")
    assert two.head == (t("tokenizer", "zh"), t("tokens", "zh"), t("characters a token", "zh"))
    assert [row[:2] for row in two.rows] == [
        ("339 次合并", str(len(small().encode(TEXT)))),
        ("bytes", str(len(TEXT.encode()))),
    ]


@cache
def of_size(vocab_size):
    """A tokenizer whose merges are drawn at random: no table packs worse."""
    draw = random.Random(0)
    known = [bytes([byte]) for byte in range(256)]
    have, merges = set(known), []
    while len(known) < vocab_size:
        pair = draw.choice(known[:3000]), draw.choice(known[:3000])
        if sum(map(len, pair)) < 16 and pair[0] + pair[1] not in have:
            known.append(pair[0] + pair[1])
            have.add(known[-1])
            merges.append(pair)
    return BPETokenizer(dict(enumerate(known)), merges)


def test_a_page_with_8192_tokens_stays_below_100_kilobytes():
    assert len(tokeniser(of_size(8192)).html().encode()) < 100_000


@pytest.mark.needs_mirror
def test_gpt2_itself_works_in_a_page_below_900_kilobytes(mirror):
    folder = mirror / "gpt2"
    tokenizer = read_gpt2(folder / "encoder.json", folder / "vocab.bpe")
    shown = tokeniser(tokenizer, TEXT)
    assert len(shown.html().encode()) < 900_000
    several = [TEXT, LONG, corpus(), "Hello, world!", "<|endoftext|>"]
    for recognise in ("recognise", "plain"):
        found = page_pieces(shown.record, several, recognise == "recognise")
        ours = [tokenizer.encode(text, recognise) for text in several]
        assert [[i for i, *_ in one] for one in found] == ours

    @given(st.lists(texts, min_size=40, max_size=60))
    @settings(max_examples=2)
    def holds(several):
        found = page_pieces(shown.record, several)
        assert [[i for i, *_ in one] for one in found] == [tokenizer.encode(x) for x in several]

    holds()


# --- in a browser


def view(text=TEXT, **options):
    return tokeniser(small(), text, **options)


def box(page):
    return page.get_by_role("textbox", name="Text", exact=True)


def chips(page, which=0):
    return page.locator(".chips").nth(which).locator(".chip bdi").all_inner_texts()


def selected(page):
    return page.locator(".chip[aria-selected=true] bdi").inner_text()


def drawn_ids(page, which=0):
    found = page.locator(".chips").nth(which).locator("small").all_inner_texts()
    return [int(i) for i in found]


@pytest.mark.needs_browser
def test_what_is_typed_is_cut_at_once(chromium, tmp_path):
    with opened(chromium, view(), tmp_path) as page:
        area = box(page)
        assert area.input_value() == TEXT and drawn_ids(page) == small().encode(TEXT)
        for text in ("我不喜欢 the wonderful film", "x = [1, 2]\n\tif x:", "🦉e\u0301", "a  "):
            area.fill(text)
            assert drawn_ids(page) == small().encode(text)
            assert page.locator(".sentence").inner_text() == alone(small(), text).sentence("en")
        area.fill("")
        assert page.locator(".sentence").inner_text() == "There is no token yet; type a text."
        assert page.locator(".chips:visible").count() == 0
        area.press_sequentially("don't")
        assert drawn_ids(page) == small().encode("don't")


@pytest.mark.needs_browser
def test_what_stays_while_one_types_and_what_changes_is_drawn_alike(chromium, tmp_path):
    hues = "chips => chips.map(chip => chip.style.getPropertyValue('--hue'))"
    with opened(chromium, tokeniser(ByteTokenizer(), "aa"), tmp_path) as page:
        for text in ("aaa", "aaaa", "aa", "abaa", "aba", "cabac", "a", "é", "aaaaaaaa", "aaaa"):
            box(page).fill(text)
            assert drawn_ids(page) == list(text.encode())
            four = [f"var(--{hue})" for hue in ("blue", "orange", "green", "pink")]
            shown = page.locator(".chip").evaluate_all(hues)
            assert shown == [four[i % 4] for i in range(len(shown))]


@pytest.mark.needs_browser
def test_a_pause_is_followed_by_one_word_to_the_screen_reader(chromium, tmp_path):
    with opened(chromium, view(), tmp_path) as page:
        box(page).press_sequentially("abc", delay=20)
        status = page.get_by_role("status")
        assert status.inner_text() == ""
        page.wait_for_timeout(900)
        assert status.inner_text() == page.locator(".sentence").inner_text()


@pytest.mark.needs_browser
def test_what_an_input_method_composes_is_left_alone_until_it_is_done(chromium, tmp_path):
    with opened(chromium, view("film "), tmp_path) as page:
        area = box(page)
        area.press("End")
        keys = page.context.new_cdp_session(page)
        before = page.locator(".sentence").inner_text()
        for composed in ("w", "wo", "wo x"):
            keys.send(
                "Input.imeSetComposition",
                {"text": composed, "selectionStart": len(composed), "selectionEnd": len(composed)},
            )
            assert page.locator(".sentence").inner_text() == before
            assert area.input_value() == "film " + composed
        keys.send("Input.insertText", {"text": "我喜"})
        assert area.input_value() == "film 我喜"
        assert drawn_ids(page) == small().encode("film 我喜")


@pytest.mark.needs_browser
def test_half_a_character_is_told_and_nothing_breaks(chromium, tmp_path):
    with opened(chromium, view(), tmp_path) as page:
        area = box(page)
        put = "(box, text) => { box.value = text; box.dispatchEvent(new InputEvent('input')); }"
        area.evaluate(put, "ab\ud83d")
        assert "half a character" in page.locator(".sentence").inner_text()
        area.evaluate(put, "ab")
        assert drawn_ids(page) == small().encode("ab")


@pytest.mark.needs_browser
def test_pieces_and_merges_are_walked_by_keyboard_alone(chromium, tmp_path):
    text = "The wonderful film"
    with opened(chromium, view(text), tmp_path) as page:
        box(page).focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        pieces = page.get_by_role("listbox")
        assert pieces.evaluate("list => list.getRootNode().activeElement === list")
        page.keyboard.press("Home")
        walked = [selected(page)]
        for _ in chips(page)[1:]:
            page.keyboard.press("ArrowRight")
            walked.append(selected(page))
        assert walked == chips(page)
        page.keyboard.press("ArrowRight")
        assert selected(page) == walked[-1]
        page.keyboard.press("ArrowLeft")
        assert selected(page) == walked[-2]
        page.keyboard.press("Home")
        page.keyboard.press("ArrowDown")
        active = pieces.get_attribute("aria-activedescendant")
        assert page.locator(f"#{active} bdi").inner_text() == selected(page)
        rows = list(small().steps(" wonderful"))
        assert "␣wonderful" in page.locator(".merges").inner_text()
        page.keyboard.press("Tab")
        for number, (before, after) in enumerate(pairwise(rows), start=1):
            slider = page.get_by_role("slider")
            assert slider.get_attribute("aria-valuetext") == f"{number} of {len(rows) - 1}"
            shown = [
                "".join(row.locator("bdi").all_inner_texts()) for row in page.locator(".row").all()
            ]
            assert shown == ["␣wonderful"] * 2
            counts = [row.locator("bdi").count() for row in page.locator(".row").all()]
            assert counts == [len(before), len(after)]
            (rank,) = re.findall(r"Rank (\d+),", page.locator(".said").inner_text())
            left, right = (part.decode().replace(" ", "␣") for part in small().merges[int(rank)])
            pair = page.locator(".row").first.locator(".pair").all_inner_texts()
            assert pair[:2] == [left, right]
            assert page.locator(".row").last.locator(".pair").first.inner_text() == left + right
            page.keyboard.press("ArrowRight")


@pytest.mark.needs_browser
def test_a_click_chooses_a_word_and_typing_the_one_at_the_caret(chromium, tmp_path):
    with opened(chromium, view("The wonderful film"), tmp_path) as page:
        page.get_by_role("slider").press("ArrowRight")
        assert page.get_by_role("slider").input_value() == "2"
        page.locator(".chip").first.click()
        assert "“The”" in page.locator(".merges").inner_text()
        assert page.get_by_role("slider").input_value() == "1"
        box(page).press("End")
        page.keyboard.type("s")
        assert "“␣films”" in page.locator(".merges").inner_text()
        page.keyboard.press("Home")
        page.keyboard.type("A")
        assert "“AThe”" in page.locator(".merges").inner_text()


@pytest.mark.needs_browser
def test_specials_are_recognised_or_plain(chromium, tmp_path):
    text = f"a{SPECIALS[0]}b"
    with opened(chromium, view(text), tmp_path) as page:
        assert drawn_ids(page) == small().encode(text)
        assert page.locator(".special bdi").all_inner_texts() == [SPECIALS[0]]
        page.get_by_label("recognise special tokens").uncheck()
        assert drawn_ids(page) == small().encode(text, "plain")
        assert page.locator(".special").count() == 0
    with opened(chromium, tokeniser(ByteTokenizer(), "a"), tmp_path) as page:
        assert page.get_by_role("checkbox").count() == 0


@pytest.mark.needs_browser
def test_rivals_stand_side_by_side_over_the_same_text(chromium, tmp_path):
    rivals = {
        "few merges": BPETokenizer.train(corpus(), 300),
        "bytes": ByteTokenizer(),
        "words": WordTokenizer(),
    }
    with opened(chromium, view("The film", rivals=rivals), tmp_path) as page:
        assert page.locator(".chips:visible").count() == 4
        box(page).fill("The films 我")
        assert drawn_ids(page, 1) == rivals["few merges"].encode("The films 我")
        assert drawn_ids(page, 2) == list("The films 我".encode())
        assert page.locator(".chips:visible").count() == 3
        assert "needs a running kernel" in page.locator(".more:not(:empty)").inner_text()
        page.locator(".chips").nth(1).locator(".chip").nth(1).click()
        assert page.locator("[aria-selected=true]").count() == 1
        assert page.locator(".merges").inner_text().startswith("The merges of")
        page.locator("summary").last.click()
        rows = page.locator(".foot tbody tr").all_inner_texts()
        assert rows[2].split("\t") == ["bytes", "13", "0.846"] and rows[3].split("\t")[1] == "–"


@pytest.mark.needs_browser
def test_words_cannot_be_typed_over_without_a_kernel(chromium, tmp_path):
    with opened(chromium, tokeniser(WordTokenizer(), "The film"), tmp_path) as page:
        assert box(page).get_attribute("readonly") is not None
        assert "needs a running kernel" in page.locator(".body").inner_text()
        assert chips(page) == ["the", "film"]


@pytest.mark.needs_browser
def test_a_link_restores_text_specials_piece_and_merge(chromium, tmp_path):
    shown = view()
    last = len(small().encode("<|end|> wonderful", "plain")) - 1
    state = f"#w={shown.key}&text=%3C%7Cend%7C%3E+wonderful&specials=plain&piece={last}&merge=3"
    with opened(chromium, shown, tmp_path) as page:
        page.goto("about:blank")
        page.goto((tmp_path / f"{shown.key}.html").as_uri() + state)
        page.wait_for_selector(".llm-book[data-alive]")
        assert box(page).input_value() == "<|end|> wonderful"
        assert drawn_ids(page) == small().encode("<|end|> wonderful", "plain")
        assert not page.get_by_role("checkbox").is_checked()
        assert page.get_by_role("slider").get_attribute("aria-valuetext").startswith("3 of")
        assert page.locator(".chip").nth(last).get_attribute("aria-selected") == "true"
        page.goto("about:blank")
        page.goto((tmp_path / f"{shown.key}.html").as_uri() + f"#w={shown.key}&piece=x&tokenizer=9")
        page.wait_for_selector(".llm-book[data-alive]")
        assert drawn_ids(page) == small().encode(TEXT)


@pytest.mark.needs_browser
def test_the_view_is_saved_as_picture_and_as_table(chromium, tmp_path):
    with opened(chromium, view(TEXT, rivals={"b": ByteTokenizer()}), tmp_path) as page:
        files = {}
        for name in ("SVG", "PNG", "CSV"):
            with page.expect_download() as saved:
                page.get_by_role("button", name=name).click()
            files[name] = saved.value.path().read_bytes()
    drawing = ElementTree.fromstring(files["SVG"])
    said = ["".join(node.itertext()) for node in drawing.iter() if node.tag.endswith("text")]
    assert {str(i) for i in small().encode(TEXT)} <= set(said)
    assert b"var(" not in files["SVG"]
    assert files["PNG"].startswith(b"\x89PNG")
    rows = files["CSV"].decode("utf-8-sig").split("\r\n")
    assert len(rows) == 2 + len(small().encode(TEXT)) + len(TEXT.encode())


@pytest.mark.needs_browser
def test_a_saved_picture_shows_what_was_scrolled_away(chromium, tmp_path):
    shown = view(corpus()[:1200], rivals={"rival": ByteTokenizer()})
    with opened(chromium, shown, tmp_path) as page:
        with page.expect_download() as saved:
            page.get_by_role("button", name="SVG").click()
        drawing = ElementTree.fromstring(saved.value.path().read_bytes())
    texts = [node for node in drawing.iter() if node.tag.endswith("text")]
    places = [(("".join(node.itertext())), float(node.get("y"))) for node in texts]
    (heading,) = [i for i, (said, _) in enumerate(places) if said.startswith("rival · ")]
    assert max(y for _, y in places[:heading]) < places[heading][1]
    assert max(y for _, y in places) <= float(drawing.get("height"))


@pytest.mark.needs_browser
@pytest.mark.parametrize(
    "word", [word for word in hostile.ALL if word and word != hostile.HALF], ids=range(11)
)
def test_hostile_words_are_text(word, chromium, tmp_path):
    rivals = {word: ByteTokenizer()} if word.strip() else None
    tokenizer = BPETokenizer.train("a b " + word, 400, [word] if len(word) < 100 else [])
    with opened(chromium, tokeniser(tokenizer, word, rivals=rivals), tmp_path) as page:
        typed = word.replace("\r", "")
        box(page).fill("a" + typed)
        if len(word) < 600:
            assert drawn_ids(page) == tokenizer.encode("a" + typed)
        assert page.locator(".body script, .body img").count() == 0


@pytest.mark.needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_narrow_page_does_not_overflow(chromium, tmp_path, scheme):
    shown = view(
        "The film 我👩\u200d👧 <|end|>" + "x" * 60,
        rivals={"b " * 20: ByteTokenizer(), "w": WordTokenizer()},
    )
    with opened(chromium, shown, tmp_path, width=360, color_scheme=scheme) as page:
        assert violations(page, ".llm-book") == []
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0
        box(page).fill("")
        assert violations(page, ".llm-book") == []


@pytest.mark.needs_browser
def test_nothing_is_left_running_after_the_view_is_gone(chromium, tmp_path):
    with opened(chromium, view(), tmp_path) as page:
        left = page.evaluate(
            """async () => {
              const root = document.querySelector('.llm-book'), said = [];
              const live = root.querySelector('.llm-book-live > div').shadowRoot;
              const status = live.querySelector('[role=status]');
              const area = live.querySelector('textarea');
              const heard = () => said.push(status.textContent);
              new MutationObserver(heard).observe(status, { childList: true });
              area.value = 'abc';
              area.dispatchEvent(new InputEvent('input'));
              llmBook.roots[root.dataset.key].forEach((draw) => draw({
                get: (name) => ({ record: { text: '', tokenizers: [{ kind: 'bytes' }] }, title: 'x',
                  blob: new Uint8Array(0) })[name],
                on() {}, off() {}, set() {}, save_changes() {} }));
              await new Promise((done) => setTimeout(done, 900));
              return said;
            }"""
        )
        assert left == []


def test_every_pattern_that_the_module_knows_is_a_pattern_of_the_book():
    assert set(SPLITS) == {GPT2_SPLIT, CL100K_SPLIT}
