"""The loop that makes a writer an agent: it writes, a tool answers, it reads on and writes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Tool = Callable[[str], str]
CALL = re.compile(r"Call (\w+): (.*)")
ANSWER = re.compile(r"Answer: (.*)")


@dataclass(frozen=True)
class ToolRun:
    """What came of a question: the answer, or None at the limit; how many steps; all that was said.

    ``transcript`` holds the question, every line of the writer, and every result.
    """

    answer: str | None
    steps: int
    transcript: str


def run_tools(
    generate: Callable[[str], str], question: str, tools: Mapping[str, Tool], step_limit: int = 6
) -> ToolRun:
    """Let ``generate`` call tools until it answers, ``step_limit`` times at most.

    ``generate`` reads the transcript and writes a line, ``Call name: argument`` or
    ``Answer: text``; what it writes below that line is not read, so that it cannot invent results.
    A tool that raises ValueError has its sentence read back. Raises ValueError for a limit below 1.
    """
    if step_limit < 1:
        raise ValueError(f"step_limit is {step_limit}; allow at least 1 step")
    transcript = f"Question: {question}\n"
    for step in range(1, step_limit + 1):
        line = first_line(generate(transcript))
        transcript += f"{line}\n"
        if found := ANSWER.fullmatch(line):
            return ToolRun(found[1], step, transcript)
        transcript += f"Result: {result_of(line, tools)}\n"
    return ToolRun(None, step_limit, transcript)


def first_line(written: str) -> str:
    """The first line of what was written, without the spaces around it; empty for nothing."""
    return written.strip().partition("\n")[0].rstrip()


def result_of(line: str, tools: Mapping[str, Tool]) -> str:
    """What the tool says that a line calls, on one line; or one sentence that says why none does.

    The line is data: it is matched against the tools' names and never executed.
    """
    called = CALL.fullmatch(line)
    if not called:
        return "write 'Call name: argument' or 'Answer: text'."
    name, argument = called.groups()
    if name not in tools:
        return f"there is no tool {name!r}; the tools are {', '.join(sorted(tools))}."
    try:
        return " ".join(tools[name](argument).split())
    except ValueError as refusal:
        return str(refusal)
