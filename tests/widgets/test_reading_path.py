"""The reading path: the page finds the package's path, and no step comes before what it needs."""

import itertools
import re

import pytest

from llm_book.i18n import ZH
from llm_book.widgets.reading_path import path, reading_path, reading_path_record
from llm_book.widgets.reading_steps import GOALS, STEPS, TOPICS
from tests.site.axe import violations
from tests.widgets.node import run
from tests.widgets.pages import opened

CASES = [(goal, known) for goal in GOALS for known in ((), ("python", "mathematics", "vectors"))]


def test_every_topic_has_one_step_and_stands_before_those_that_need_it():
    given = [step.gives for step in STEPS]
    assert sorted(given) == sorted(TOPICS)
    for step in STEPS:
        assert {*step.needs} <= {*given[: given.index(step.gives)]}, step.name["en"]
    for _, topics in GOALS.values():
        assert topics and {*topics} <= {*TOPICS}


def test_every_step_is_met_on_the_way_to_some_goal():
    met = {step.gives for _, topics in GOALS.values() for step in path(topics, ())}
    assert met == {*TOPICS}


def test_words_come_in_both_languages_and_a_work_of_others_has_licence_and_address():
    texts = [words for words, _ in GOALS.values()] + [*TOPICS.values()]
    texts += [words for step in STEPS for words in (step.name, step.where)]
    assert all(set(words) == {"en", "zh"} and all(words.values()) for words in texts)
    for step in STEPS:
        ours = step.where["en"].startswith("this book")
        assert bool(step.licence) == bool(step.address) == (not ours)
        assert ours or step.address.startswith("https://")


@pytest.mark.parametrize(("goal", "known"), CASES)
def test_a_path_holds_what_the_goal_needs_and_nothing_else(goal, known):
    wanted = GOALS[goal][1]
    steps = path(wanted, known)
    gives = [step.gives for step in steps]
    assert not {*gives} & {*known}
    assert {*wanted} <= {*gives, *known}
    for step in steps:
        assert {*step.needs} <= {*known, *gives[: gives.index(step.gives)]}
    used = {topic for step in steps for topic in step.needs}
    assert {*gives} <= used | {*wanted}


def test_what_is_known_cuts_off_what_only_it_needed():
    assert [step.gives for step in path(("vectors",), ("tokens", "tensors"))] == [
        *("python", "mathematics", "vectors")
    ]
    assert path(("vectors",), ("vectors",)) == []


def test_the_page_finds_the_packages_path_and_sentence():
    for (goal, known), lang in itertools.product(CASES, ("en", "zh")):
        record = reading_path_record(goal, known, lang)
        document, state = record.document(), {"goal": goal, "known": list(known)}
        words = ZH if lang == "zh" else {}
        found, said = run(
            "reading_path",
            "[w.path(a[0].steps, a[1], a[2].known).map((s) => s.name), "
            "w.sentence(a[0], a[2], speaker(a[3]))]",
            *(document, list(GOALS[goal][1]), state, words),
        )
        assert found == [step.name[lang] for step in record.steps()]
        assert said == record.sentence(lang)


def test_a_goal_that_is_reached_says_so():
    record = reading_path_record("understand", ["tokens"])
    assert "nothing more" in record.sentence("en")
    said = run(
        "reading_path",
        "w.sentence(a[0], a[1], t)",
        *(record.document(), {"goal": "understand", "known": ["tokens"]}),
    )
    assert said == record.sentence("en")


@pytest.mark.parametrize(
    ("goal", "known", "why"),
    [
        ("fly", (), "goal 'fly' is unknown"),
        ("build", ("flying",), "topic 'flying' is unknown"),
        ("build", "python", "one string"),
        (None, (), "goal None is unknown"),
    ],
)
def test_what_is_not_listed_is_refused_in_a_sentence(goal, known, why):
    with pytest.raises(ValueError, match=why):
        reading_path(goal, known)


@pytest.mark.needs_browser
@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_reader_chooses_by_keyboard_and_the_path_follows(chromium, tmp_path, look):
    with opened(chromium, reading_path(), tmp_path, color_scheme=look) as page:
        before = page.locator("li").count()
        assert before == len(reading_path_record("build", ["python"]).steps())
        page.get_by_label("word vectors").focus()
        page.keyboard.press("Space")
        assert page.locator("li").all_inner_texts()[0].startswith("The Transformer")
        page.get_by_label("I want to").focus()
        page.keyboard.press("ArrowDown")
        assert "classify texts" in page.locator(".sentence").inner_text()
        assert violations(page) == []


@pytest.mark.needs_browser
def test_a_link_restores_goal_and_knowledge_and_the_page_fits_a_telephone(chromium, tmp_path):
    shown = reading_path(lang="zh")
    with opened(chromium, shown, tmp_path, width=360) as page:
        page.goto("about:blank")
        address = (tmp_path / f"{shown.key}.html").as_uri()
        page.goto(address + f"#w={shown.key}&goal=scale&known=python,<b>,libraries")
        page.wait_for_selector(".llm-book[data-alive]")
        record = reading_path_record("scale", ["python", "libraries"], "zh")
        assert page.locator(".sentence").inner_text() == record.sentence("zh")
        assert page.locator("input:checked").count() == 2
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360 and re.search("[一-鿿]", page.locator("legend").inner_text())
