"""The chat box: what is said is answered, shown as it grows, stopped, and kept when it fails."""

import json
import threading
import time
from itertools import pairwise

import pytest
import torch

from llm_book.generation.filtering import Sampling
from llm_book.generation.writing import write
from llm_book.i18n import t
from llm_book.models.transformer import GPT, GPTConfig
from llm_book.text.tokenizers import ByteTokenizer
from llm_book.widgets.chat import LONGEST_ANSWER, ChatRecord, chat, chat_record, chat_view
from llm_book.widgets.programs import module, words
from tests.widgets.hostile import ALL, IMAGE, SCRIPT
from tests.widgets.node import run
from tests.widgets.pages import opened

OPENING = [{"role": "system", "content": "Answer briefly."}]
TALK = [
    *OPENING,
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hello,\n你好 <b>you</b>"},
]


def asked(box, **state):
    """Send what the page would send, and wait until nothing is being written."""
    send(box, **state)
    return finished(box)


def send(box, **state):
    box.model.state = {**state, "n": box.state.get("n", 0) + 1}


def finished(box):
    return until(box, lambda record: record.phase == "")


def until(box, true, seconds=20):
    end = time.monotonic() + seconds
    while not true(box.view.record):
        assert time.monotonic() < end, box.view.record
        time.sleep(0.005)
    return box.view.record


def echo(messages):
    return messages[-1]["content"].upper()


def endless(messages):
    while True:
        time.sleep(0.002)
        yield "la "


def test_a_message_is_answered_with_all_that_was_said_before():
    heard = []
    box = chat(lambda messages: heard.append(messages) or "yes", opening=OPENING)
    asked(box, say="One?")
    record = asked(box, say="Two?")
    assert heard[1] == [
        *OPENING,
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "Two?"},
    ]
    assert [text for _, text in record.messages][1:] == ["One?", "yes", "Two?", "yes"]
    assert box.model.record["messages"][-1] == {"role": "assistant", "content": "yes"}


def test_generate_cannot_change_the_conversation():
    def meddling(messages):
        messages[0]["content"] = "changed"
        messages.clear()
        return "done"

    assert asked(chat(meddling), say="keep me").messages[0] == ("user", "keep me")


def test_an_untrained_model_answers_piece_by_piece():
    config = GPTConfig(vocab_size=256, context_length=64, width=16, n_layers=1, n_heads=2)
    model = GPT(config, torch.Generator().manual_seed(0))
    tokens = ByteTokenizer()

    def generate(messages):
        return write(model, tokens, messages[-1]["content"], 12, Sampling(temperature=0))

    record = asked(chat(generate), say="Hello")
    assert record.note == "" and record.messages[1][0] == "assistant"
    assert len(record.messages[1][1]) > 0


def test_an_answer_grows_before_our_eyes_but_not_too_often():
    records = []
    box = chat(endless)
    box.model.observe(lambda change: records.append(change["new"]), "record")
    began = time.monotonic()
    send(box, say="sing")
    until(box, lambda record: len(record.messages) == 2 and len(record.messages[1][1]) > 60)
    assert asked(box, do="stop").note == "Stopped."
    growing = [r for r in records if r["phase"] == "writing"]
    texts = [r["messages"][1]["content"] for r in growing if len(r["messages"]) == 2]
    assert texts and all(b.startswith(a) for a, b in pairwise(texts))
    assert len(records) <= 10 * (time.monotonic() - began) + 4
    assert box.view.record.messages[1][1].startswith(texts[-1])


def test_stop_closes_the_generator_and_keeps_what_was_written():
    closed, kept = threading.Event(), []

    def singing(messages):
        try:
            yield from endless(messages)
        finally:
            closed.set()

    def generate(messages):
        kept.append(singing(messages))  # or it would be closed by nobody holding it
        return kept[-1]

    box = chat(generate)
    send(box, say="sing")
    until(box, lambda record: len(record.messages) == 2)
    record = asked(box, do="stop")
    assert closed.wait(5)
    assert record.messages[1][1].startswith("la la") and record.note == "Stopped."
    assert len(record.messages[1][1]) < 5000  # far from where it would have been cut


def test_an_answer_in_one_piece_is_waited_for_and_thrown_away_when_it_was_stopped():
    go = threading.Event()
    box = chat(lambda messages: go.wait(20) and "too late")
    send(box, say="slow")
    send(box, do="stop")
    assert box.view.record.phase == "stopping"
    go.set()
    record = finished(box)
    assert record.messages == (("user", "slow"),) and record.note == "Stopped."
    go.set()
    assert asked(box, do="retry").messages[1:] == (("assistant", "too late"),)


def test_stop_without_an_answer_does_nothing():
    box = chat(echo)
    assert asked(box, do="stop").phase == ""
    assert asked(box, say="on").messages[-1] == ("assistant", "ON")


def test_while_an_answer_is_written_nothing_else_is_done():
    go = threading.Event()
    box = chat(lambda messages: go.wait(20) and "done")
    send(box, say="first")
    for what in ({"say": "second"}, {"do": "clear"}, {"do": "retry"}):
        send(box, **what)
        assert "wait, or stop it first" in box.view.record.note
        assert box.view.record.messages == (("user", "first"),)
    go.set()
    assert finished(box).messages == (("user", "first"), ("assistant", "done"))


def boom(messages):
    raise ValueError("70 tokens do not fit\nin a context of 64")


def half(messages):
    yield "half of "
    raise RuntimeError


@pytest.mark.parametrize(
    ("generate", "note", "kept"),
    [
        (boom, "No answer came: ValueError: 70 tokens do not fit in a context of 64", []),
        (half, "No answer came: RuntimeError", ["half of "]),
        (lambda m: 3, "No answer came: TypeError: generate gave int; expected a string", []),
        (lambda m: ["a", 1], "generate gave a piece of type int, no string", ["a"]),
        (lambda m: "", "", [""]),
        (lambda m: iter("x" * 30_000), "was cut after 20,000 characters", ["x" * 20_001]),
    ],
)
def test_what_goes_wrong_is_told_in_a_sentence_and_the_conversation_stays(generate, note, kept):
    assert LONGEST_ANSWER == 20_000
    box = chat(generate, opening=OPENING)
    record = asked(box, say="Hello")
    assert note in record.note and bool(note) == bool(record.note)
    assert [text for _, text in record.messages] == ["Answer briefly.", "Hello", *kept]
    assert box.model.error == "" and record.phase == ""


def test_an_error_is_followed_by_a_second_try():
    answers = iter([ValueError("no"), "at last", "again"])

    def generate(messages):
        assert messages[-1]["role"] == "user"
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    box = chat(generate)
    assert asked(box, say="Well?").messages == (("user", "Well?"),)
    assert asked(box, do="retry").messages[-1] == ("assistant", "at last")
    record = asked(box, do="retry")
    assert record.messages == (("user", "Well?"), ("assistant", "again")) and record.note == ""


@pytest.mark.parametrize(
    ("state", "note"),
    [
        ({"say": " \n"}, "An empty message"),
        ({"say": "x" * 11}, "11 characters are too many for one message; at most 10 are read."),
        ({"do": "retry"}, "no message to answer"),
    ],
)
def test_what_cannot_be_answered_is_refused(state, note):
    box = chat(echo, opening=TALK[:1] + TALK[2:], limit=10)
    record = asked(box, **state)
    assert note in record.note and len(record.messages) == 2
    assert asked(box, say="x" * 10).note == ""


def test_clear_goes_back_to_the_opening():
    box = chat(echo, opening=OPENING)
    asked(box, say="hello")
    assert asked(box, do="clear").messages == (("system", "Answer briefly."),)
    assert asked(box, say="hello").messages[1:] == (("user", "hello"), ("assistant", "HELLO"))


def test_the_notes_are_in_the_readers_language():
    record = asked(chat(endless, lang="zh"), do="retry")
    assert record.note == t("There is no message to answer; write one.", "zh")


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ("hello", "is no list of messages"),
        ({"role": "user", "content": "x"}, "is no list of messages"),
        (3, "is no list of messages"),
        (["hello"], "is no message"),
        ([{"role": "user"}], "is no message"),
        ([{"role": "bot", "content": "x"}], "choose one of system, user, assistant"),
        ([{"role": "user", "content": 3}], "is no text"),
    ],
)
def test_what_is_no_conversation_is_refused(messages, why):
    for made in (chat_view, lambda m: chat(echo, opening=m)):
        with pytest.raises(ValueError, match=why):
            made(messages)


def test_other_nonsense_is_refused():
    with pytest.raises(ValueError, match="the limit is 0"):
        chat(echo, limit=0)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("messages", [[], TALK])
def test_page_and_package_say_the_same_sentence(messages, lang):
    record = chat_record(messages)
    said = run(
        "chat", "w.sentence(a[0], false, speaker(a[1]))", record.document(), words("chat", lang)
    )
    assert said == record.sentence(lang)


def test_with_a_kernel_the_page_says_what_is_going_on():
    said = {
        phase: run("chat", "w.sentence({ messages: [1, 2], phase: a[0] }, true, t)", phase)
        for phase in ("", "writing", "stopping")
    }
    assert said[""] == "Messages in this conversation: 2."
    assert said["writing"] == "An answer is being written."
    assert said["stopping"].startswith("Stopping")


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        ({"key": "Enter"}, True),
        ({"key": "Enter", "shiftKey": True}, False),
        ({"key": "Enter", "isComposing": True}, False),
        ({"key": "Enter", "keyCode": 229}, False),  # Safari ends a composition so
        ({"key": "a"}, False),
    ],
)
def test_enter_sends_but_not_in_the_middle_of_a_word_being_composed(event, sent):
    assert run("chat", "w.sends({ shiftKey: false, isComposing: false, ...a[0] })", event) == sent


def test_the_picture_wraps_long_lines_and_ends():
    long = [{"role": "user", "content": "word " * 100 + "字" * 200}] * 12
    record = chat_record(long)
    assert record.still("en").count("<text") <= 60 and "…" in record.still("en")
    assert len(record.table("en").rows) == 12
    assert "Nothing has been said yet." in chat_record([]).still("en")


def test_hostile_messages_can_be_drawn_and_sent():
    record = chat_record([{"role": "user", "content": text} for text in ALL])
    json.dumps(record.document(), ensure_ascii=False).encode()
    assert "<script" not in record.still("en")
    assert record.messages[ALL.index("\n")][1] == "\n"


@pytest.mark.needs_browser
def test_without_a_kernel_the_conversation_is_read_copied_and_saved(chromium, tmp_path):
    with opened(chromium, chat_view(TALK), tmp_path) as page:
        assert page.locator(".message").all_inner_texts() == [
            "system\nAnswer briefly.",
            "user\nHello",
            "assistant\nHello,\n你好 <b>you</b>",
        ]
        assert page.get_by_label("Your message").is_disabled()
        assert "A running kernel is needed" in page.locator(".note").inner_text()
        for name in ("Send", "Stop", "Answer again", "Start afresh"):
            assert page.get_by_role("button", name=name).is_disabled()
        saved = {}
        for name in ("Text", "JSON"):
            with page.expect_download() as waiting:
                page.get_by_role("button", name=name, exact=True).click()
            saved[name] = waiting.value.path().read_text(encoding="utf-8")
        assert json.loads(saved["JSON"]) == TALK
        assert saved["Text"].startswith("system: Answer briefly.\n\nuser: Hello\n\nassistant: ")
        page.get_by_role("button", name="Copy the conversation").click()
        page.wait_for_function(
            "document.querySelector('.llm-book-live > div').shadowRoot"
            ".querySelector('[role=status]').textContent"
        )


@pytest.mark.needs_browser
def test_hostile_messages_are_shown_and_not_run(chromium, tmp_path):
    talk = [{"role": "user", "content": text} for text in ALL]
    shown = chat_view(talk, title=SCRIPT + IMAGE)
    with opened(chromium, shown, tmp_path, width=360, color_scheme="dark") as page:
        assert page.locator(".text").first.inner_text() == SCRIPT
        assert page.locator(".message").count() == len(ALL)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


LIVE = """
(() => {
  %s
  globalThis.sent = [];
  const model = llmBookView.stillModel(a);
  model.save_changes = () => sent.push(model.get('state'));
  globalThis.model = model;
  globalThis.stop = w.render({ model, el: document.body });
})()
"""


def live(chromium, record, **more):
    """A page with the module alone and a model made by hand, as a kernel would have it."""
    page = chromium.new_context().new_page()
    values = {"record": record.document(), "title": "Box", "lang": "en", "words": {}, "live": True}
    source = module("chat").replace("export default", "const w =")
    page.set_content("<!doctype html><title>Box</title><body></body>")
    page.evaluate(LIVE % f"{source}\nconst a = {json.dumps(values | more)};")
    return page


def put(page, record):
    page.evaluate("(record) => model.set('record', record)", record.document())


@pytest.mark.needs_browser
def test_with_a_kernel_enter_sends_and_shift_enter_begins_a_line(chromium):
    page = live(chromium, chat_record(OPENING))
    draft = page.get_by_label("Your message")
    draft.focus()
    page.keyboard.type("two")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("lines")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # nothing is left to send
    assert page.evaluate("sent") == [{"say": "two\nlines", "n": 1}]
    assert draft.input_value() == ""
    page.context.close()


@pytest.mark.needs_browser
def test_with_a_kernel_the_answer_grows_in_place_and_can_be_stopped(chromium):
    page = live(chromium, chat_record(TALK[:2]))
    first = page.locator(".message").nth(1).element_handle()
    for text in ("He", "Hello"):
        growing = chat_record([*TALK[:2], {"role": "assistant", "content": text}])
        put(page, ChatRecord(growing.messages, "writing"))
        assert page.locator(".message").last.inner_text() == f"assistant\n{text}"
    assert first.evaluate("(node) => node.isConnected")
    assert page.get_by_role("log").get_attribute("aria-busy") == "true"
    assert page.get_by_role("button", name="Answer again").is_disabled()
    page.get_by_label("Your message").fill("more")
    page.get_by_label("Your message").press("Enter")
    assert "wait, or stop it first" in page.locator(".note").inner_text()
    page.get_by_role("button", name="Stop").click()
    assert page.evaluate("sent") == [{"do": "stop", "n": 1}]
    put(page, chat_record(TALK))
    assert page.get_by_role("log").get_attribute("aria-busy") == "false"
    page.get_by_role("button", name="Answer again").press("Enter")
    page.get_by_role("button", name="Start afresh").press("Enter")
    assert [one.get("do") for one in page.evaluate("sent")] == ["stop", "retry", "clear"]
    assert page.get_by_label("Your message").input_value() == "more"
    put(page, chat_record(OPENING))
    assert page.locator(".message").count() == 1
    page.context.close()


@pytest.mark.needs_browser
def test_with_a_kernel_too_much_text_is_refused_before_it_is_sent(chromium):
    page = live(chromium, chat_record([], limit=3))
    assert "Nothing has been said" in page.get_by_role("log").get_attribute("data-none")
    draft = page.get_by_label("Your message")
    draft.fill("🦉🦉🦉🦉")
    draft.press("Enter")
    assert "4 characters are too many for one message; at most 3" in (
        page.locator(".note").inner_text()
    )
    assert draft.input_value() == "🦉🦉🦉🦉"
    draft.fill("🦉🦉🦉")
    page.get_by_role("button", name="Send").click()
    assert page.evaluate("sent") == [{"say": "🦉🦉🦉", "n": 1}]
    page.context.close()


@pytest.mark.needs_browser
def test_notes_errors_and_a_silent_kernel_are_told(chromium):
    page = live(chromium, chat_record(TALK), error="")
    note = page.locator(".note")
    put(page, ChatRecord((), "", "No answer came: no"))
    assert note.inner_text() == "No answer came: no"
    page.evaluate("model.set('error', 'ValueError: bad')")
    assert note.inner_text() == "ValueError: bad"
    page.clock.install()
    page.get_by_label("Your message").fill("hello")
    page.get_by_label("Your message").press("Enter")
    assert note.inner_text() == ""
    page.clock.run_for(4100)
    assert "has not heard this yet" in note.inner_text()
    page.evaluate("model.set('error', '')")
    put(page, chat_record(TALK))
    assert note.inner_text() == ""
    page.get_by_label("Your message").fill("hello")
    page.get_by_label("Your message").press("Enter")
    left = note.element_handle()
    page.evaluate("stop()")
    page.clock.run_for(4100)
    assert left.text_content() == ""
    assert page.locator(".message").count() == 0
    page.context.close()
