"""nbval with our policy, run for real on small notebooks."""

import base64
import copy
import json
import re
import subprocess
import sys
import zlib
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from llm_book.widgets.records import packed, unpacked
from llm_book.widgets.sampling import sampling
from tests import nbval_policy
from tests.chapters.notebooks import ROOT
from tests.chapters.refresh_outputs import refresh
from tests.chapters.sample import picture, png
from tests.chapters.stored import masked_share

CLAIM = """\
from llm_book.claims import claim

claim("accuracy", 0.912, within=(0.85, 0.96))"""
DRAW = """\
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(3, 2))
axes.plot([1, 2, {end}])
plt.show()"""
TABLE = """\
from IPython.display import HTML

HTML("<b>41</b>")"""

# What is altered in the stored notebook, cell by cell, and whether nbval must fail there.
ALTERATIONS = [
    ("a numeral in printed text", "print('12 reviews')", "12 reviews", "13 reviews", True),
    ("the band of a claim", CLAIM, "0.85 …", "0.84 …", True),
    ("a claim's value, which is masked", CLAIM, "⟨0.912⟩", "⟨0.913⟩", False),
    ("a numeral in HTML", TABLE, "<b>41</b>", "<b>42</b>", True),
    ("another picture", DRAW.format(end=3), None, picture, True),
    ("garbage in a picture", DRAW.format(end=4), None, "bm8gcGljdHVyZQ==", True),
    ("a word of an error", "raise ValueError('five')", "five", "four", True),
]


def stored(sources: list[str], path: Path) -> Path:
    """A notebook on disk that has run in this environment."""
    tags = [["raises-exception"] if "raise " in source else [] for source in sources]
    cells = [new_code_cell(s, metadata={"tags": t}) for s, t in zip(sources, tags, strict=True)]
    nbformat.write(new_notebook(cells=cells), path)
    refresh(path, setup=False)
    return path


def nbval(folder: Path, *options: str) -> dict[str, list[str]]:
    """Run nbval as `make test` does; the outcomes of each notebook's cells."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.nbval_policy", "--nbval", "-rA"]
    command += ["--nbval-sanitize-with", str(nbval_policy.CONFIG), "--nbval-current-env"]
    command += ["-p", "no:cacheprovider", "--color=no", "-q", *options, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=300)
    found: dict[str, dict[int, str]] = {}
    for line in done.stdout.splitlines():
        if match := re.match(r"([A-Z]+) .*?(\w+)\.ipynb::Cell (\d+)", line):
            found.setdefault(match[2], {})[int(match[3])] = match[1]
    assert found, done.stdout + done.stderr
    return {name: [cells[n] for n in sorted(cells)] for name, cells in found.items()}


@pytest.mark.slow
def test_of_seven_alterations_the_six_that_must_fail_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    path = stored([source for _, source, *_ in ALTERATIONS], tmp_path / "unaltered.ipynb")
    book = nbformat.read(path, as_version=4)
    for cell, (_, _, old, new, _) in zip(book.cells, ALTERATIONS, strict=True):
        alter(cell, old, new)
    nbformat.write(book, tmp_path / "altered.ipynb")
    assert nbval(tmp_path) == {
        "unaltered": ["PASSED"] * 7,
        "altered": ["FAILED" if must_fail else "PASSED" for *_, must_fail in ALTERATIONS],
    }


@pytest.mark.slow
def test_what_nbval_would_pass_over_fails(tmp_path):
    cells = [new_code_cell(source, execution_count=1) for source in ("a = 1", "b = 2", "c = 3")]
    cells[1].source = "import time; time.sleep(60)"
    nbformat.write(new_notebook(cells=cells), tmp_path / "too_long.ipynb")
    nbformat.write(new_notebook(cells=[new_code_cell("1 + 1")]), tmp_path / "never_run.ipynb")
    assert nbval(tmp_path, "--nbval-cell-timeout=1") == {
        "too_long": ["PASSED", "FAILED", "FAILED"],  # nbval would call the last an expected failure
        "never_run": ["ERROR"],  # and compare nothing here
    }


def alter(cell, old, new) -> None:
    """Change a stored output: a text in it, or its picture."""
    changed = 0
    for output in cell.outputs:
        data = output.get("data", {})
        if old is None and "image/png" in data:
            data["image/png"] = new() if callable(new) else new
            changed += 1
        for entry in (output, data):
            for name, text in entry.items():
                if old is not None and isinstance(text, str) and old in text:
                    entry[name] = text.replace(old, new)
                    changed += 1
    assert changed, f"{old!r} stands nowhere in {cell.outputs}"


def drawn(data: str) -> list:
    return [new_output("display_data", data={"image/png": data})]


def exactly(monkeypatch, exact: bool) -> None:
    monkeypatch.setattr(nbval_policy, "pinned", lambda: exact)


@pytest.mark.parametrize("exact", [True, False])
def test_a_picture_is_the_same_as_itself(monkeypatch, exact):
    exactly(monkeypatch, exact)
    assert nbval_policy.outputs_differ(drawn(picture()), drawn(picture())) == []


def test_under_the_pinned_matplotlib_pixels_are_compared(monkeypatch):
    exactly(monkeypatch, True)
    (why,) = nbval_policy.outputs_differ(drawn(picture(0)), drawn(picture(1)))
    assert "pixels differ by" in why


def test_under_another_matplotlib_and_for_trained_pictures_only_the_size_counts(monkeypatch):
    exactly(monkeypatch, False)
    assert nbval_policy.outputs_differ(drawn(picture(0)), drawn(picture(1))) == []
    assert nbval_policy.outputs_differ(drawn(picture(0)), drawn(picture(1, size=(66, 48)))) == []
    assert nbval_policy.outputs_differ(drawn(picture(0)), drawn(picture(1, size=(70, 48))))
    exactly(monkeypatch, True)
    trained = {"tags": ["trained-picture"]}
    assert nbval_policy.outputs_differ(drawn(picture(0)), drawn(picture(1)), trained) == []


@pytest.mark.parametrize("exact", [True, False])
def test_blank_unreadable_and_missing_pictures_are_never_the_same(monkeypatch, exact):
    exactly(monkeypatch, exact)
    blank = png(np.full((4, 4, 3), 255, dtype=np.uint8))
    assert nbval_policy.outputs_differ(drawn(blank), drawn(blank))
    assert nbval_policy.outputs_differ(drawn(picture()), drawn("bm8gcGljdHVyZQ=="))
    assert nbval_policy.outputs_differ(drawn(picture()), [])


def test_the_comparison_leaves_the_outputs_as_they_were():
    outputs = [new_output("stream", name="stdout", text=word) for word in ("one ", "two")]
    before = copy.deepcopy(outputs)
    assert nbval_policy.outputs_differ(outputs, outputs) == []
    assert outputs == before


def test_the_masks_are_ascii_so_that_every_machine_reads_them_alike():
    assert nbval_policy.CONFIG.read_bytes().isascii()
    assert len(nbval_policy.sanitizers()) == 4


def a_view(last: float, words: str = "ab", trained: bool = False) -> list:
    """The output of a cell that shows a view."""
    numbers = [2.0] * (len(words) - 1) + [last]
    shown = sampling(numbers, list(words), trained=trained)
    return [new_output("display_data", data=shown._repr_mimebundle_())]


def changed(outputs: list, old: str, new: str) -> list:
    """The output with a piece of its page replaced."""
    other = copy.deepcopy(outputs)
    page = other[0]["data"]["text/html"]
    assert old in page
    other[0]["data"]["text/html"] = page.replace(old, new, 1)
    return other


def payload(outputs: list) -> str:
    return nbval_policy.VIEW.search(outputs[0]["data"]["text/html"])[3]


def test_the_record_of_a_view_is_compared_to_the_letter_whatever_compressed_it():
    stored = a_view(1.0)
    assert nbval_policy.outputs_differ(a_view(1.0), stored) == []
    record, blob = unpacked(payload(stored))
    again = zlib.compress(json.dumps(record).encode() + b"\0" + blob, 1)
    recompressed = changed(stored, payload(stored), base64.b64encode(again).decode())
    assert nbval_policy.outputs_differ(recompressed, stored) == []
    record["record"]["logits"][1] = 1.0000001
    for payload_of_another in (packed(record, blob), packed(record, b"x")):
        other = changed(stored, payload(stored), payload_of_another)
        assert nbval_policy.outputs_differ(stored, other)


def test_a_trained_view_may_differ_in_numbers_and_not_in_form():
    stored = a_view(1.0, trained=True)
    assert nbval_policy.outputs_differ(a_view(1.5, "abc", trained=True), stored) == []
    record, blob = unpacked(payload(stored))
    del record["record"]["prompt"]
    other = changed(stored, payload(stored), packed(record, blob))
    assert "another form" in nbval_policy.outputs_differ(stored, other)[0]
    assert nbval_policy.outputs_differ(a_view(1.0), stored)
    assert nbval_policy.outputs_differ(stored, [])


@pytest.mark.parametrize("trained", [True, False])
def test_garbage_in_a_view_is_noticed(trained):
    stored = a_view(1.0, trained=trained)
    for old, new in (
        (payload(stored), "bm8gcmVjb3Jk"),
        ("svg+xml;base64,", "svg+xml;base64,AAAA"),
        ("const here", "const there"),
    ):
        assert nbval_policy.outputs_differ(changed(stored, old, new), stored)


def test_of_the_masked_characters_those_of_views_are_not_counted():
    printing = new_output("stream", name="stdout", text="12 reviews, ⟨3⟩ s\n" * 9)
    cells = [new_code_cell("", outputs=[o]) for o in (*a_view(1.0, trained=True), printing)]
    both, alone = new_notebook(cells=cells), new_notebook(cells=cells[1:])
    assert masked_share(both) == masked_share(alone) == pytest.approx(1 / 18)


def test_a_sentence_of_a_trained_view_may_take_another_number_of_lines():
    stored, fresh = ("Training\n" + "\n".join(["⟨" + "a" * 99 + "⟩"] * n) for n in (1, 3))
    same = [[new_output("display_data", data={"text/plain": said})] for said in (stored, fresh)]
    assert nbval_policy.outputs_differ(*same) == []
    same[1][0]["data"]["text/plain"] += "\n4"
    assert nbval_policy.outputs_differ(*same)


REPLACED = """\
from IPython.display import display

handle = display({{"text/plain": "first"}}, raw=True, display_id=True)
handle.update({{"text/plain": "last {word}"}}, raw=True)"""


@pytest.mark.slow
def test_of_a_display_that_is_replaced_the_last_state_is_compared(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    sources = [REPLACED.format(word=word) for word in ("one", "two")]
    path = stored(sources, tmp_path / "replaced.ipynb")
    book = nbformat.read(path, as_version=4)
    assert [len(cell.outputs) for cell in book.cells] == [1, 1]
    alter(book.cells[1], "last two", "first")
    nbformat.write(book, path)
    assert nbval(tmp_path) == {"replaced": ["PASSED", "FAILED"]}
