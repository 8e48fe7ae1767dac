"""The workflows, which nobody has run yet, at least say what they mean."""

import re
import shutil
import subprocess

import pytest
import yaml

from llm_book.dev.__main__ import commands
from tests.house.tracked import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NAMES = [path.stem for path in WORKFLOWS]


@pytest.mark.parametrize("path", WORKFLOWS, ids=NAMES)
def test_workflow_says_that_it_has_not_been_run(path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# Not run yet")


@pytest.mark.parametrize("path", WORKFLOWS, ids=NAMES)
def test_workflow_has_few_rights_and_an_end(path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=NAMES)
def test_workflow_gives_commands_that_exist(path) -> None:
    said = re.findall(r"(?:make|-m llm_book\.dev) ([\w-]+)", path.read_text(encoding="utf-8"))
    assert said or path.stem == "tests"
    assert set(said) <= set(commands())


def test_tests_run_on_three_systems_with_the_oldest_and_the_newest_python() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["everything"]["strategy"]["matrix"]
    assert matrix["system"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["python"] == ["3.11", "3.14"]


def test_actionlint_has_nothing_to_complain_about() -> None:
    actionlint = shutil.which("actionlint")
    if not actionlint:
        pytest.skip("actionlint is not installed; CONTRIBUTING.md says when it was last asked")
    done = subprocess.run([actionlint, *WORKFLOWS], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
