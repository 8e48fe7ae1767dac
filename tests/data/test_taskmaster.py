"""Task dialogues: turns in order, each with its calls."""

import json

import pytest

from llm_book.data.taskmaster import (
    Annotation,
    Dialogue,
    Turn,
    load_taskmaster,
    read_taskmaster,
)

CALL = {"name": "api_call", "value": "get_menu", "context": "api_call_0"}
TURN = {"index": 0, "speaker": "user", "text": "a latte", "segments": [], "annotations": [CALL]}
ENTRY = {
    "conversation_id": "dlg-1",
    "vertical": "Coffee",
    "scenario": "s",
    "instructions": None,
    "utterances": [TURN],
}


def written(tmp_path, *entries):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(list(entries)), encoding="utf-8")
    return path


def test_a_dialogue_has_its_turns_and_their_calls(tmp_path):
    answer = {**TURN, "speaker": "assistant", "text": "done", "annotations": []}
    path = written(
        tmp_path, {**ENTRY, "utterances": [TURN, answer]}, {**ENTRY, "instructions": "i"}
    )
    call = Annotation("api_call", "get_menu", "api_call_0")
    first, second = read_taskmaster(path)
    assert first == Dialogue(
        "dlg-1",
        "Coffee",
        "s",
        "",
        (Turn("user", "a latte", (call,)), Turn("assistant", "done", ())),
    )
    assert second.instructions == "i"


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({**ENTRY, "utterances": []}, "the dialogue dlg-1 has no turn"),
        ({**ENTRY, "vertical": 3}, "'vertical' is a value of type int"),
        ({**ENTRY, "scenario": None}, "'scenario' is a value of type NoneType"),
        ({**ENTRY, "instructions": 1}, "'instructions' is a value of type int"),
        ({**ENTRY, "conversation_id": None}, "'conversation_id' is a value of type NoneType"),
        (
            {**ENTRY, "utterances": [{**TURN, "speaker": "cat"}]},
            "the speaker 'cat' is none of user",
        ),
        ({**ENTRY, "utterances": [{**TURN, "text": None}]}, "'text' is a value of type NoneType"),
        ({**ENTRY, "utterances": ["hi"]}, "a value of type str where an object was expected"),
        (
            {**ENTRY, "utterances": [{**TURN, "annotations": [{"name": "x"}]}]},
            "the object has no 'value'",
        ),
    ],
)
def test_another_form_is_refused_by_dialogue(bad, sentence, tmp_path):
    with pytest.raises(ValueError, match=rf"t\.json, row 2: {sentence}"):
        read_taskmaster(written(tmp_path, ENTRY, bad))


def test_the_published_dialogues_are_all_there(mirror):
    dialogues = load_taskmaster(progress=False)
    turns = [turn for dialogue in dialogues for turn in dialogue.turns]
    assert (len(dialogues), len(turns)) == (500, 1_883)
    assert sum(turn.speaker == "user" for turn in turns) == 946
    assert sum(len(turn.annotations) for turn in turns) == 8_330
    assert {dialogue.vertical for dialogue in dialogues} == {"Coffee"}
    assert len({dialogue.id for dialogue in dialogues}) == 500
    assert sum(not dialogue.instructions for dialogue in dialogues) == 78
