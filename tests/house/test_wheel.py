"""What a reader installs: the package with what its chapters need, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from llm_book.dev.carried import asset_copies, stale_assets
from tests.house.tracked import ROOT, tracked_files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names in a wheel built from a copy of the tracked files, without a network."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    wanted = ("llm_book/", "tests/", "assignments/", "pyproject.toml", "README.md", "LICENSE")
    for path in tracked_files():
        name = path.relative_to(ROOT)
        if name.as_posix().startswith(wanted):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(path.read_bytes())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-q"]
    options = ["--no-deps", "--no-index", "--no-build-isolation", "-w", str(target), str(source)]
    done = subprocess.run([*pip, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = target.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


def test_wheel_holds_every_file_of_the_package(wheel: list[str]) -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked_files()]
    assert [n for n in names if n.startswith("llm_book/") and n not in wheel] == []


def test_wheel_holds_every_asset(wheel: list[str]) -> None:
    copies = [copy.relative_to(ROOT).as_posix() for copy in asset_copies(ROOT).values()]
    assert copies
    assert [name for name in copies if name not in wheel] == []


def test_wheel_holds_nothing_but_the_package(wheel: list[str]) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel} == {"llm_book"}


def test_wheel_carries_both_licences_and_its_types(wheel: list[str]) -> None:
    assert "llm_book/py.typed" in wheel
    assert {Path(name).name for name in wheel if "/licenses/" in name} == {
        "LICENSE",
        "LICENSE-text",
    }


def test_assets_are_what_their_sources_are() -> None:
    wrong = [
        source.relative_to(ROOT).as_posix()
        for source, copy in asset_copies(ROOT).items()
        if not copy.exists() or copy.read_bytes() != source.read_bytes()
    ]
    assert wrong == [], "run `make assets`"
    assert stale_assets(ROOT) == [], "run `make assets`"


def test_a_copy_without_a_source_is_seen(tmp_path: Path) -> None:
    kept, lost = (tmp_path / f"llm_book/assets/results/{name}.json" for name in ("a", "b"))
    source = tmp_path / "book/results/a.json"
    for path in (kept, lost, source):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert asset_copies(tmp_path) == {source: kept}
    assert stale_assets(tmp_path) == [lost]
