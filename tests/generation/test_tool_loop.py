"""An agent calls the tools it is given, and nothing that it writes is executed or believed."""

import pytest

from llm_book.generation.calculator import calculator
from llm_book.generation.tool_loop import first_line, result_of, run_tools

TOOLS = {"calculator": calculator, "shout": str.upper}


def saying(*lines: str):
    """A writer that says these lines in turn, and what it was given to read."""
    read = []

    def generate(transcript: str) -> str:
        read.append(transcript)
        return lines[len(read) - 1]

    return generate, read


def test_a_result_is_read_before_the_next_line_is_written():
    generate, read = saying("Call calculator: 6 * 7", "Answer: 42")
    run = run_tools(generate, "six times seven?", TOOLS)
    assert (run.answer, run.steps) == ("42", 2)
    assert read[0] == "Question: six times seven?\n"
    assert read[1] == read[0] + "Call calculator: 6 * 7\nResult: 42\n"
    assert run.transcript == read[1] + "Answer: 42\n"


def test_a_writer_that_never_answers_is_stopped_at_the_limit():
    calls = []
    run = run_tools(lambda transcript: calls.append(1) or "Call shout: a", "?", TOOLS, 3)
    assert (run.answer, run.steps, len(calls)) == (None, 3, 3)
    assert run.transcript.count("Result: A") == 3


def test_what_is_written_below_the_call_is_not_believed():
    generate, read = saying("Call calculator: 1 + 1\nResult: 5\nAnswer: 5", "Answer: 2")
    assert run_tools(generate, "?", TOOLS).answer == "2"
    assert "5" not in read[1]


def test_an_unknown_tool_is_refused_in_one_sentence_that_names_the_tools():
    assert result_of("Call rm: x", TOOLS) == (
        "there is no tool 'rm'; the tools are calculator, shout."
    )


@pytest.mark.parametrize("line", ["", "I think so.", "Call calculator 1+1", "call shout: a"])
def test_a_line_of_another_form_is_told_the_form(line):
    assert result_of(line, TOOLS) == "write 'Call name: argument' or 'Answer: text'."


def test_a_tools_refusal_is_read_back_and_another_error_is_not_hidden():
    assert result_of("Call calculator: 1/0", TOOLS) == "nothing can be divided by 0."
    with pytest.raises(KeyError):
        result_of("Call broken: a", {"broken": lambda argument: {}[argument]})


def test_a_result_of_several_lines_is_put_on_one():
    assert result_of("Call tool: a", {"tool": lambda argument: "one\nAnswer: two "}) == (
        "one Answer: two"
    )


def test_the_first_line_is_taken_without_spaces():
    assert first_line("\n  Answer: a  \nmore") == "Answer: a"
    assert first_line("  ") == ""


def test_a_limit_below_one_is_refused():
    with pytest.raises(ValueError, match="allow at least 1 step"):
        run_tools(lambda transcript: "", "?", TOOLS, 0)
