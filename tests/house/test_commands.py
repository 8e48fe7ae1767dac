"""The commands: named alike in every place, and readable before anything is installed."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from llm_book.dev.__main__ import commands, main
from tests.house.tracked import ROOT

BEFORE_INSTALLING = [
    ROOT / "llm_book" / "__init__.py",
    *sorted((ROOT / "llm_book/dev").glob("*.py")),
]


def make_targets() -> set[str]:
    """Every target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([\w -]+):$", makefile, re.MULTILINE)[0].split())


def test_every_command_is_a_target_and_every_target_a_command() -> None:
    assert make_targets() == set(commands())


def test_help_explains_every_target_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    for name, function in commands().items():
        first, *others = (function.__doc__ or "").strip().splitlines()
        assert not others and first.endswith("."), f"{name}: one sentence in one line"
        assert f"  {name:10} {first}\n" in printed


def test_an_unknown_command_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bok"]) == 2
    assert "bok: not one of help, book, test" in capsys.readouterr().err


def test_commands_in_the_documents_exist() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        said = re.findall(r"^make ([\w-]+)|`make ([\w-]+)|-m llm_book\.dev ([\w-]+)", text, re.M)
        assert said
        assert {"".join(words) for words in said} <= set(commands()), name


@pytest.mark.parametrize("path", BEFORE_INSTALLING, ids=lambda path: path.stem)
def test_commands_need_the_standard_library_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    allowed = {*sys.stdlib_module_names, "llm_book"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            assert module.split(".")[0] in allowed and not node.level
            if module.startswith("llm_book"):
                assert module.startswith("llm_book.dev")


@pytest.mark.parametrize("path", BEFORE_INSTALLING, ids=lambda path: path.stem)
def test_an_old_python_can_read_the_commands(path: Path) -> None:
    assert ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_an_old_python_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert main(["book"]) == 2
    assert capsys.readouterr().err == (
        "This is Python 3.9 and the book needs 3.11 or newer; install one and name it: "
        "make book PYTHON=python3.12\n"
    )


def test_commands_start_without_any_package() -> None:
    command = [sys.executable, "-I", "-S", "-c"]
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import llm_book.dev.__main__ as m; m.main([])"
    )
    done = subprocess.run([*command, program, str(ROOT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "make COMMAND" in done.stdout


def test_importing_the_package_imports_no_numerics() -> None:
    program = "import sys, llm_book; print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_conda_environment_leaves_everything_to_pip() -> None:
    described = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, by_pip = described["dependencies"]
    assert (python, pip) == ("python>=3.11", "pip")
    assert by_pip == {"pip": ["--constraint constraints.txt", "--editable .[book,dev]"]}


def test_ci_runs_the_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert script.read_text(encoding="utf-8").rstrip().endswith("\nmake test")
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
