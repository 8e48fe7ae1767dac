"""Instructions and preferences: every field, refused by entry."""

import json

import pytest

from llm_book.data.instructions import (
    Instruction,
    Preference,
    load_instructions,
    load_preferences,
    read_instructions,
    read_preferences,
)

ENTRY = {"instruction": "Say.", "input": "", "output": "a", "chosen": "a", "rejected": "b"}


def written(tmp_path, content):
    path = tmp_path / "i.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_fields_are_read_by_name(tmp_path):
    path = written(tmp_path, [dict(reversed(ENTRY.items())), {**ENTRY, "input": "x"}])
    assert read_instructions(path) == (Instruction("Say.", "", "a"), Instruction("Say.", "x", "a"))
    assert read_preferences(path)[1] == Preference("Say.", "x", "a", "a", "b")


def test_two_equal_answers_decide_nothing(tmp_path):
    path = written(tmp_path, [ENTRY, {**ENTRY, "rejected": "a"}])
    assert [pair.decides for pair in read_preferences(path)] == [True, False]


@pytest.mark.parametrize("field", ["instruction", "input", "output", "chosen", "rejected"])
@pytest.mark.parametrize("value", ["missing", None, " "])
def test_a_missing_or_empty_field_is_refused_by_entry(field, value, tmp_path):
    bad = {**ENTRY, field: value}
    if value == "missing":
        del bad[field]
    path = written(tmp_path, [ENTRY, bad])
    if field == "input" and value == " ":
        assert read_preferences(path)[1].input == " "
        return
    with pytest.raises(ValueError, match=rf"i\.json, row 2: .*'{field}'"):
        read_preferences(path)


def test_another_form_is_refused(tmp_path):
    with pytest.raises(ValueError, match="row 1: a value of type dict where list was expected"):
        read_instructions(written(tmp_path, ENTRY))
    with pytest.raises(ValueError, match="row 2: a value of type str where an object was"):
        read_instructions(written(tmp_path, [ENTRY, "x"]))


def test_the_published_instructions_are_all_there(mirror):
    instructions, preferences = load_instructions(progress=False), load_preferences(progress=False)
    assert len(instructions) == len(preferences) == 1_100
    assert sum(not entry.input for entry in instructions) == 775
    assert sum(not pair.decides for pair in preferences) == 6
    assert [(p.instruction, p.input) for p in preferences] == [
        (i.instruction, i.input) for i in instructions
    ]
    assert all(pair.output in (pair.chosen, pair.rejected) for pair in preferences)
