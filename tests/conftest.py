"""What every test shares: one thread, fixed seeds, shapes checked on every call of llm_book."""

# ruff: noqa: E402  the environment and the import hook must come before the imports

import os
import random
from collections.abc import Iterator
from pathlib import Path

# Before anything imports NumPy or PyTorch: they read these once.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("KERAS_BACKEND", "torch")

import pytest
from jaxtyping import install_import_hook

# The number tower lets an int stand where a float is asked for, as Python itself does.
install_import_hook(
    "llm_book", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
)

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]

MARKERS = {
    "needs_mirror": "uses real data from the folder LLM_BOOK_MIRROR",
    "needs_browser": "drives a real browser",
    "slow": "takes more than ten seconds",
}


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    if mirror := os.environ.get("LLM_BOOK_MIRROR"):
        # Notebooks run in their own folder; a relative path means one from here.
        os.environ["LLM_BOOK_MIRROR"] = str(Path(mirror).resolve())
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _same_start_for_every_test() -> Iterator[None]:
    """No test sees random numbers, claims or languages that another left behind."""
    from llm_book import claims

    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    claims.reset()
    presets = {name: os.environ.pop(name, None) for name in ("LLM_BOOK_PRESET", "LLM_BOOK_LANG")}
    yield
    os.environ.update({name: value for name, value in presets.items() if value is not None})


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture
def mirror() -> Path:
    """The folder of real data; without one the test is skipped, or fails where it is required."""
    folder = os.environ.get("LLM_BOOK_MIRROR")
    if not folder:
        pytest.skip("no real data: set LLM_BOOK_MIRROR to a folder that holds it")
    if not Path(folder).is_dir():
        pytest.fail(f"LLM_BOOK_MIRROR is {folder!r}, which is not a folder; correct or unset it")
    return Path(folder)


def requirement(item: pytest.Item) -> str:
    """What a test cannot run without: "mirror", "browser" or nothing."""
    if item.get_closest_marker("needs_mirror") or "mirror" in getattr(item, "fixturenames", ()):
        return "mirror"
    return "browser" if item.get_closest_marker("needs_browser") else ""


def required() -> set[str]:
    """What LLM_BOOK_REQUIRE names, comma separated: there a skip is a failure."""
    return {word.strip() for word in os.environ.get("LLM_BOOK_REQUIRE", "").split(",")} - {""}


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("needs_mirror") and not os.environ.get("LLM_BOOK_MIRROR"):
        pytest.skip("no real data: set LLM_BOOK_MIRROR to a folder that holds it")


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outside the plugin that makes skips
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> pytest.TestReport:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and requirement(item) in required():
        report.outcome = "failed"
        report.longrepr = (
            f"skipped, but LLM_BOOK_REQUIRE asks for {requirement(item)}: {report.longrepr[2]}"
        )
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> pytest.CollectReport:
    """A whole file skipped for want of a browser or of data counts as its tests would."""
    report = yield
    if report.skipped:
        why = str(report.longrepr)
        for word in required():
            if word in why:
                report.outcome = "failed"
                report.longrepr = f"skipped, but LLM_BOOK_REQUIRE asks for {word}: {why}"
    return report
