"""`make test` counts honestly: nothing that went wrong is lost on the way to the last line."""

from pathlib import Path

import pytest

from llm_book.dev import checks
from llm_book.dev.tell import Refusal

REPORT = """<testsuites><testsuite>
<testcase name="a"/><testcase name="b"/>
<testcase name="c"><failure message="no"/></testcase>
<testcase name="d"><error message="no"/></testcase>
<testcase name="e"><skipped type="pytest.skip" message="no browser"/></testcase>
<testcase name="f"><skipped type="pytest.xfail" message="timed out"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.xml"
    path.write_text(REPORT, encoding="utf-8")
    return path


def test_errors_and_expected_failures_count_as_failures(report: Path) -> None:
    assert checks.counted(report, status=1) == (2, 3, 1)


@pytest.mark.parametrize("status", [2, 3, 4, 5, -9])
def test_a_pytest_that_broke_or_found_no_test_counts_as_a_failure(
    tmp_path: Path, status: int
) -> None:
    assert checks.counted(tmp_path / "never-written.xml", status) == (0, 1, 0)


def test_a_refused_step_fails_alone(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> tuple[int, int, int]:
        raise Refusal("There is no network.")

    outcomes = [checks.timed("first", refuse), checks.timed("second", lambda: (3, 0, 1))]
    assert checks.summary(outcomes) == 1
    printed = capsys.readouterr().out
    assert "There is no network." in printed
    assert printed.endswith("\n3 passed, 1 failed, 1 skipped\n")


def test_nothing_failed_is_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert checks.summary([checks.Outcome("style", 2, 0)]) == 0
    assert capsys.readouterr().out.endswith("\n2 passed, 0 failed\n")
