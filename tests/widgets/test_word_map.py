"""The word map: the page finds the package's neighbours and analogies; map, keys and links work."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_book.evaluation.analogies import answers
from llm_book.evaluation.similarity import VectorTable
from llm_book.widgets.label_places import HEIGHT, label_places, text_width
from llm_book.widgets.word_map import (
    EXACT_NUMBERS,
    MOST_NUMBERS,
    MOST_WORDS,
    two_directions,
    word_map,
    word_map_record,
)
from tests.site.axe import violations
from tests.widgets import hostile
from tests.widgets.node import run
from tests.widgets.pages import opened

WORDS = ["king", "queen", "man", "woman", "apple", "pear"]
VECTORS = [
    [3.0, 1.0, 0.1, 0.0], [3.0, -1.1, 0.2, 0.0], [0.9, 1.2, 0.0, 0.2],
    [1.0, -1.0, 0.1, 0.1], [-2.0, 0.2, 3.0, 0.5], [-2.1, -0.1, 2.8, -0.5],
]  # fmt: skip
GROUPS = {"people": WORDS[:4], "fruit": WORDS[4:]}
ASKED = [("man", "king", "woman")]


def random_vectors(n, width, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width))


def in_page(record, expression, *more):
    """An expression of the module with ``m``, the record as it was read, and ``a``, more values."""
    read = f"((m, a) => {expression})(w.read(a[0], Uint8Array.from(a[1])), a.slice(2))"
    return run("word_map", read, record.document(), list(record.blob()), *more)


def counted(n):
    return [f"w{i}" for i in range(n)]


@pytest.mark.parametrize("width", [2, 7, 50])
def test_the_page_finds_the_packages_neighbours(width):
    vectors, words = random_vectors(60, width), counted(60)
    record, table = word_map_record(vectors, words), VectorTable(words, vectors)
    got = in_page(record, "[0, 7, 59].map((i) => w.nearest(m, i, 12))")
    for row, found in zip((0, 7, 59), got, strict=True):
        expected = table.neighbours(f"w{row}", 12)
        assert [words[i] for i, _ in found] == [word for word, _ in expected]
        assert np.allclose([c for _, c in found], [c for _, c in expected], atol=1e-6)
        assert [i for i, _ in found] == [i for i, _ in record.nearest(row, 12)]


@pytest.mark.parametrize("allow", [False, True])
def test_the_page_answers_analogies_as_the_package_does(allow):
    vectors, words = random_vectors(40, 9), counted(40)
    record, table = word_map_record(vectors, words), VectorTable(words, vectors)
    asked = [[0, 1, 2], [5, 5, 6], [9, 30, 9], [12, 3, 39]]
    got = in_page(record, "a[0].map((rows) => w.answers(m, rows, a[1], 3))", asked, allow)
    expected = answers(table, [[words[i] for i in rows] for rows in asked], exclude_query=not allow)
    assert [words[found[0][0]] for found in got] == expected
    for rows, found in zip(asked, got, strict=True):
        ours = record.answers(tuple(rows), allow, 3)
        assert [i for i, _ in found] == [i for i, _ in ours]
        assert np.allclose([c for _, c in found], [c for _, c in ours], atol=1e-9)
        assert allow or not {i for i, _ in found} & set(rows)


def test_words_that_are_equally_near_stand_in_their_order():
    record = word_map_record([[1, 0], [0, 1], [0, 2], [0, 1]], ["a", "b", "c", "d"])
    assert [i for i, _ in record.nearest(1, 3)] == [2, 3, 0]
    assert [i for i, _ in in_page(record, "w.nearest(m, 1, 3)")] == [2, 3, 0]


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 30), st.integers(1, 8), st.integers(0, 10_000), st.booleans())
def test_for_any_vectors_both_say_the_same(n, width, seed, positions):
    vectors = random_vectors(n, width, seed)
    asked = [("w0", "w1", "w2")] if n > 3 else []
    where = vectors[:, [0, -1]] if positions else None
    record = word_map_record(vectors, counted(n), None, asked, positions=where)
    said = in_page(record, "w.sentence(m, 0, m.analogies[0], t)")
    assert said == record.sentence("en")


def test_the_sentence_in_chinese_is_the_same_in_page_and_package():
    shown = word_map(VECTORS, WORDS, analogies=ASKED, lang="zh")
    assert shown.sentence.startswith("在 6 个词中，离“king”最近的是“man”（余弦")
    words = shown.document()["words"]
    said = in_page(shown.record, "w.sentence(m, 0, m.analogies[0], speaker(a[0]))", words)
    assert said == shown.sentence


def test_the_sentence_names_neighbours_variance_and_both_answers():
    said = word_map(VECTORS, WORDS, analogies=ASKED).sentence
    assert said.startswith("Of 6 words, nearest to “king” are “man” (cosine 0.")
    assert "“man” is to “king” as “woman” is to “queen”" in said
    assert "the answer is “woman”." in said
    assert "Two directions hold 9" in said and "mislead" not in said


def test_the_map_is_that_of_principal_components():
    from sklearn.decomposition import PCA

    rows = random_vectors(30, 12)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    theirs = PCA(2).fit(rows)
    places, share = two_directions(rows)
    expected = theirs.transform(rows)
    signs = np.sign((places * expected).sum(axis=0))
    assert np.allclose(places, expected * signs, atol=1e-9)
    assert share == pytest.approx(theirs.explained_variance_ratio_.sum())
    record = word_map_record(rows, counted(30))
    assert np.allclose(record.positions, places) and record.explained == pytest.approx(share)


def test_the_signs_of_the_map_are_settled():
    rows = random_vectors(20, 5)
    places, _ = two_directions(rows)
    mirrored, _ = two_directions(rows[::-1])
    assert np.allclose(places, mirrored[::-1])
    flat, share = two_directions(np.ones((4, 3)))
    assert np.array_equal(flat, np.zeros((4, 2))) and share == 1
    line, share = two_directions(np.array([[0.0], [3.0]]))
    assert np.allclose(line, [[-1.5, 0], [1.5, 0]]) and share == 1


def test_only_the_direction_of_a_vector_counts():
    lengths = np.array([[1e-20], [5.0], [1e20], [3.0], [7.0], [1.0]])
    record, other = (word_map_record(v, WORDS) for v in (VECTORS, np.array(VECTORS) * lengths))
    assert np.allclose(record.unit, other.unit, atol=1e-7)


def test_tensors_of_any_kind_are_taken():
    vectors = torch.tensor(VECTORS, dtype=torch.bfloat16, requires_grad=True)
    assert len(word_map_record(vectors, WORDS).words) == 6


def test_few_numbers_are_exact_and_many_say_how_far_they_are_off():
    width = 100
    exact = word_map_record(random_vectors(EXACT_NUMBERS // width, width), counted(1000))
    assert exact.stored.dtype == np.float32 and exact.tolerance is None
    vectors = random_vectors(1001, width)
    record, table = word_map_record(vectors, counted(1001)), VectorTable(counted(1001), vectors)
    assert record.stored.dtype == np.int8 and len(record.blob()) == 1001 * width
    assert (np.abs(record.stored).max(axis=1) == 127).all()
    gap = np.abs(record.unit @ record.unit.T - table.unit @ table.unit.T).max()
    assert gap <= record.tolerance <= 0.02
    got = in_page(record, "w.nearest(m, 3, 10)")
    for row, cosine in got:
        assert cosine == pytest.approx(float(table.unit[3] @ table.unit[row]), abs=record.tolerance)
    said = in_page(record, "w.sentence(m, 0, null, t)")
    assert said == record.sentence("en") and "A cosine is off by at most 0.0" in said


@pytest.mark.parametrize(("n", "width"), [(MOST_WORDS + 7, 3), (700, 1000)])
def test_words_that_are_too_many_are_left_out_and_counted(n, width):
    kept = min(MOST_WORDS, MOST_NUMBERS // width)
    groups = ["even", None] * n
    record = word_map_record(
        random_vectors(n, width), counted(n), groups[:n], positions=random_vectors(n, 2)
    )
    assert (len(record.words), len(record.positions), len(record.group_of)) == (kept,) * 3
    assert f"{n - kept} words are left out." in record.sentence("en")


def test_groups_come_one_a_word_or_as_lists_of_words():
    listed = word_map_record(VECTORS, WORDS, ["p", "p", None, "p", "f", "f"])
    assert (listed.groups, listed.group_of) == (("p", "f"), (0, 0, -1, 0, 1, 1))
    named = word_map_record(VECTORS, WORDS, {"f": ["pear", "apple"], "q": ["queen"]})
    assert (named.groups, named.group_of) == (("q", "f"), (-1, 0, -1, -1, 1, 1))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"vectors": [[1.0, float("nan")]] * 6}, "NaN or infinity"),
        ({"vectors": VECTORS[:5]}, "give one row a word"),
        ({"vectors": [1.0] * 6}, "give one row a word"),
        ({"vectors": [[]] * 6}, "give one row a word"),
        ({"vectors": [[0.0] * 4, *VECTORS[1:]]}, "no direction; leave the word out"),
        ({"vectors": VECTORS[:1], "words": ["king"]}, "at least two"),
        ({"words": "kingly"}, "one string"),
        ({"words": [*WORDS[:5], "king"]}, "stands twice"),
        ({"words": [*WORDS[:5], 3]}, "is no text"),
        ({"method": "tsne"}, "take 'pca', or give positions"),
        ({"positions": VECTORS}, "two numbers a word"),
        ({"positions": [[0.0, float("inf")]] * 6}, "NaN or infinity"),
        ({"groups": ["a"] * 5}, "one a word"),
        ({"groups": "abcdef"}, "one a word"),
        ({"groups": {"a": ["plum"]}}, "'plum' is in a group and is not among the words"),
        ({"analogies": ["abc"]}, "three words"),
        ({"analogies": [("man", "king")]}, "three words"),
        ({"analogies": [("man", "king", "plum")]}, "'plum' has no vector"),
        ({"vectors": VECTORS[:3], "words": WORDS[:3], "analogies": ASKED}, "a fourth"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_sentence(change, why):
    with pytest.raises(ValueError, match=why):
        word_map(**({"vectors": VECTORS, "words": WORDS} | change))


def test_groups_that_nobody_can_tell_apart_are_refused():
    with pytest.raises(ValueError, match="9 groups came; at most 8"):
        word_map(random_vectors(9, 3), counted(9), groups=list("abcdefghi"))


def test_an_arrow_key_goes_to_the_nearest_word_that_way():
    points = [[0, 0], [2, 1], [5, 0], [-1, 0.5], [0.2, 3], [0, -4]]
    ways = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    assert run("word_map", "a[1].map((way) => w.toward(a[0], 0, way))", points, ways) == [
        1,
        3,
        4,
        5,
    ]
    assert run("word_map", "w.toward(a[0], 2, [1, 0])", points) == 2


def boxes_of(wanted, places):
    return [(p["x"], p["y"] - 11.5, w["width"]) for w, p in zip(wanted, places, strict=True) if p]


@pytest.mark.parametrize("must", [False, True])
def test_names_never_cover_one_another(must):
    places = np.random.default_rng(1).uniform(150, 250, size=(30, 2))
    wanted = [{"x": x, "y": y, "width": 40.0, "must": must} for x, y in places.tolist()]
    got = run("word_map", "w.labelPlaces(a[0], 400, 400)", wanted)
    boxes = boxes_of(wanted, got)
    for i, (x, y, wide) in enumerate(boxes):
        assert 0 <= x <= 400 - wide and 0 <= y <= 385
        for a, b, other in boxes[:i]:
            assert x + wide <= a or a + other <= x or abs(y - b) >= 15
    assert got[0] is not None
    assert len(boxes) == 30 if must else len(boxes) < 30
    few = run("word_map", "w.labelPlaces(a[0], 400, 400, { most: 5 })", wanted)
    assert sum(place is not None for place in few) == (30 if must else 5)
    around = [[0, 0, 400, 205]]
    low = run("word_map", "w.labelPlaces(a[0], 400, 400, { taken: a[1] })", wanted, around)
    assert all(place is None or place["y"] >= 216.5 for place in low)


def test_a_name_stands_right_left_above_or_below_its_point():
    wide, point = text_width("name"), (100.0, 100.0)
    right, left = (106, 104), (94 - wide, 104)
    above, below = (100 - wide / 2, 90.5), (100 - wide / 2, 117.5)
    walls = [(110, 99, 5, 2), (85, 99, 5, 2), (99, 85, 2, 5), (99, 110, 2, 5)]
    for n, place in enumerate((right, left, above, below)):
        (found,) = label_places([point], ["name"], 200, 200, taken=walls[:n])
        assert found == pytest.approx(place)
    assert label_places([point], ["name"], 200, 200, taken=walls) == [None]


def test_names_of_the_picture_never_cover_one_another():
    points = [(float(x), float(y)) for x, y in np.random.default_rng(2).uniform(50, 250, (60, 2))]
    names = [f"名{i}" if i % 2 else f"word {i}" for i in range(60)]
    found = label_places(points, names, 300, 300, taken=[(0, 0, 300, 60)])
    boxes = [(*p, text_width(n)) for p, n in zip(found, names, strict=True) if p is not None]
    assert 10 < len(boxes) < 60
    for i, (x, y, wide) in enumerate(boxes):
        assert 0 <= x <= 300 - wide and 60 <= y - 11.5 <= 300 - HEIGHT
        for a, b, other in boxes[:i]:
            assert x + wide <= a or a + other <= x or abs(y - b) >= HEIGHT


@pytest.mark.needs_browser
def test_the_map_is_read_by_keyboard_alone(chromium, tmp_path):
    shown = word_map(VECTORS, WORDS, groups=GROUPS, analogies=ASKED)
    with opened(chromium, shown, tmp_path) as page:
        said = page.locator(".sentence")
        assert said.inner_text() == shown.sentence
        page.get_by_label("word", exact=True).focus()
        for _ in range(4):
            page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('.llm-book-live div').shadowRoot"
                             ".activeElement.className") == "map"  # fmt: skip
        for _ in range(6):
            page.keyboard.press("ArrowLeft")
        assert page.locator("[role=status]").text_content() == "apple, fruit"
        page.keyboard.press("Enter")
        assert "nearest to “apple”" in said.inner_text()
        whole = page.locator(".map path").first.get_attribute("d")
        page.keyboard.press("+")
        assert page.locator(".map path").first.get_attribute("d") != whole
        page.keyboard.press("-")
        page.keyboard.press("Escape")
        assert said.inner_text().startswith("6 words are on the map.")
        assert page.locator(".map path").first.get_attribute("d") == whole


@pytest.mark.needs_browser
def test_a_word_is_chosen_by_name_by_mouse_and_among_the_neighbours(chromium, tmp_path):
    shown = word_map(VECTORS, WORDS)
    with opened(chromium, shown, tmp_path) as page:
        said = page.locator(".sentence")
        page.get_by_label("word", exact=True).fill("PEAR")
        page.keyboard.press("Enter")
        assert "nearest to “pear”" in said.inner_text()
        assert page.locator(".near button").first.inner_text().startswith("apple")
        page.locator(".near button").first.click()
        assert "nearest to “apple”" in said.inner_text()
        label = page.locator(".map text", has_text="queen").bounding_box()
        page.mouse.click(label["x"] - 6, label["y"] + 8)
        assert "nearest to “queen”" in said.inner_text()
        page.get_by_label("word", exact=True).fill("plum")
        page.keyboard.press("Enter")
        assert "“plum” is not among the words." in page.locator(".answer").inner_text()


@pytest.mark.needs_browser
def test_an_analogy_is_asked_answered_and_taken_back(chromium, tmp_path):
    shown = word_map(VECTORS, WORDS, analogies=[*ASKED, ("king", "queen", "man")])
    with opened(chromium, shown, tmp_path) as page:
        answer = page.locator(".answer b")
        assert answer.inner_text() == "queen"
        page.get_by_label("these three may answer").check()
        assert answer.inner_text() == "woman"
        page.get_by_label("Analogies").select_option(label="king : queen = man : ?")
        page.get_by_label("these three may answer").uncheck()
        assert answer.inner_text() == "woman"
        for label, word in (("word a", "queen"), ("is to word b", "king"), ("as word c", "woman")):
            page.get_by_label(label).fill(word)
            page.keyboard.press("Enter")
        assert answer.inner_text() == "man"
        for label in ("word a", "is to word b", "as word c"):
            page.get_by_label(label).fill("")
            page.keyboard.press("Enter")
        assert answer.count() == 0
        assert "is to" not in page.locator(".sentence").inner_text()


@pytest.mark.needs_browser
def test_the_map_is_moved_and_zoomed_by_mouse(chromium, tmp_path):
    with opened(chromium, word_map(VECTORS, WORDS), tmp_path) as page:
        mark = page.locator(".map circle").first
        before, level = (float(mark.get_attribute(key)) for key in ("cx", "cy"))
        edge = page.locator(".map").bounding_box()
        page.mouse.move(edge["x"] + 100, edge["y"] + 20)
        page.mouse.down()
        page.mouse.move(edge["x"] + 140, edge["y"] + 20, steps=4)
        page.mouse.up()
        page.wait_for_timeout(100)
        assert float(mark.get_attribute("cx")) == pytest.approx(before + 40, abs=0.5)
        page.get_by_role("button", name="Whole map").click()
        assert float(mark.get_attribute("cx")) == pytest.approx(before, abs=0.5)
        page.get_by_role("button", name="Zoom in").click()
        assert float(mark.get_attribute("cx")) == pytest.approx(before, abs=0.5)  # it stays
        assert float(mark.get_attribute("cy")) == pytest.approx(level, abs=0.5)


@pytest.mark.needs_browser
def test_a_link_restores_word_and_analogy(chromium, tmp_path):
    shown = word_map(VECTORS, WORDS)
    with opened(chromium, shown, tmp_path) as page:
        page.goto("about:blank")
        address = (tmp_path / f"{shown.key}.html").as_uri()
        state = "&word=woman&a=man&b=king&c=woman&allow=1"
        page.goto(f"{address}#w={shown.key}{state}")
        page.wait_for_selector(".llm-book[data-alive]")
        said = page.locator(".sentence").inner_text()
        assert "nearest to “woman”" in said and "“man” is to “king”" in said
        assert page.locator(".answer b").inner_text() == "woman"


@pytest.mark.needs_browser
def test_hostile_words_stay_words(chromium, tmp_path):
    words = [word for word in hostile.ALL if word] + ["plain"]
    vectors = random_vectors(len(words), 5)
    shown = word_map(vectors, words, groups=[hostile.SCRIPT, hostile.IMAGE] * 6 + [hostile.TURNED],
                     analogies=[words[:3]], title=hostile.CLOSING)  # fmt: skip
    with opened(chromium, shown, tmp_path) as page:
        assert page.locator(".map img, .near img, .legend img").count() == 0
        assert page.locator(".sentence").inner_text() == shown.sentence
        assert hostile.SCRIPT in page.locator(".legend").inner_text()


@pytest.mark.needs_browser
@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, {"forced_colors": "active"}])
def test_nothing_stands_in_the_way_of_a_reader(chromium, tmp_path, options):
    shown = word_map(VECTORS, WORDS, groups=GROUPS, analogies=ASKED)
    with opened(chromium, shown, tmp_path, width=360, **options) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert violations(page) == []


@pytest.mark.needs_browser
def test_what_is_saved_is_what_is_seen(chromium, tmp_path):
    shown = word_map(VECTORS, WORDS, groups=GROUPS)
    with opened(chromium, shown, tmp_path) as page:
        saved = {}
        for name in ("SVG", "PNG", "CSV"):
            with page.expect_download() as caught:
                page.get_by_role("button", name=name, exact=True).click()
            saved[name] = caught.value.path().read_bytes()
    assert saved["PNG"].startswith(b"\x89PNG") and b"var(--" not in saved["SVG"]
    assert b"king" in saved["SVG"]
    lines = saved["CSV"].decode("utf-8-sig").splitlines()
    assert lines[0] == "word,x,y,group,cosine" and len(lines) == 7
    cells = lines[2].split(",")
    assert (cells[0], cells[3]) == ("queen", "people")
    assert float(cells[4]) == pytest.approx(dict(shown.record.nearest(0, 5))[1], abs=1e-6)


@pytest.mark.needs_browser
def test_two_thousand_words_need_few_nodes_and_a_redraw_leaves_none_behind(chromium, tmp_path):
    shown = word_map(random_vectors(2000, 100), counted(2000))
    assert len(shown.html()) < 900_000
    with opened(chromium, shown, tmp_path) as page:
        before, after = page.evaluate(
            """() => {
              const root = document.querySelector('.llm-book-live div').shadowRoot;
              const [plus, minus] = root.querySelectorAll('.controls button');
              const nodes = () => root.querySelectorAll('.map svg *').length, before = nodes();
              for (let i = 0; i < 10; i++) { plus.click(); minus.click(); }
              return [before, nodes()];
            }"""
        )
    assert before == after < 150


def test_the_blob_is_the_same_on_every_machine():
    record = word_map_record(VECTORS, WORDS)
    assert np.allclose(np.frombuffer(record.blob(), "<f4").reshape(6, 4), record.unit, atol=1e-7)
    json.dumps(record.document(), allow_nan=False)
