"""The site is built when a file changed, and at no other time."""

import functools
import threading
import urllib.request
from pathlib import Path

import pytest

from llm_book.dev import pages
from llm_book.dev.tell import Refusal


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of three files, whose builder is pretended."""
    for name, words in {"_config.yml": "a", "book/index.md": "b", "llm_book/x.py": "c"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(words, encoding="utf-8")
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "HTML", tmp_path / "_build" / "html")
    monkeypatch.setattr(pages, "ready", lambda: Path("python"))
    monkeypatch.setattr(pages, "node_ready", lambda: None)
    monkeypatch.setattr(pages, "must_run", lambda *rest: None)
    return tmp_path


@pytest.fixture
def builder(clone: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How the next build ends; each build takes the first status, or 0."""
    statuses: list[int] = []

    def pretend(command: list[str | Path], env: dict[str, str]) -> int:
        assert not pages.HTML.exists(), "a build starts from nothing"
        pages.HTML.mkdir(parents=True)
        (pages.HTML / "index.html").write_text("page", encoding="utf-8")
        assert {"-W", "-n", "--keep-going"} <= set(map(str, command))
        return statuses.pop(0) if statuses else 0

    monkeypatch.setattr(pages, "run", pretend)
    return statuses


def test_a_second_build_of_the_same_files_does_nothing(
    builder: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert pages.build() == 0
    assert pages.build() == 0
    assert "up to date" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["_config.yml", "book/index.md", "llm_book/x.py", "book/new.md"])
def test_any_changed_or_new_file_builds_from_nothing(
    builder: list[int], clone: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert pages.build() == 0
    (clone / name).write_text("changed", encoding="utf-8")
    assert pages.build() == 0
    assert "up to date" not in capsys.readouterr().out


def test_a_broken_book_stays_broken_however_often_it_is_built(builder: list[int]) -> None:
    builder += [1, 1]
    assert pages.build() == 1
    assert pages.build() == 1
    assert pages.build() == 0


def test_a_broken_book_is_not_served(builder: list[int]) -> None:
    builder.append(1)
    with pytest.raises(Refusal, match="not built"):
        pages.book()


def test_serve_0_only_builds(
    builder: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SERVE", "0")
    assert pages.book() == 0
    assert str(pages.HTML) in capsys.readouterr().out


def test_the_site_is_served_to_this_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "0")
    (tmp_path / "index.html").write_text("the book", encoding="utf-8")
    handler = functools.partial(pages.QuietHandler, directory=str(tmp_path))
    with pages.bound_server(handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        host, port = server.server_address[:2]
        # No proxy of the machine's stands between the test and its own server.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{host}:{port}/") as answer:
            page = answer.read()
        server.shutdown()
        thread.join()
    assert host == "127.0.0.1"
    assert page == b"the book"


def test_a_taken_port_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "0")
    with pages.bound_server(pages.QuietHandler) as server:
        monkeypatch.setenv("PORT", str(server.server_address[1]))
        with pytest.raises(Refusal, match=r"is taken; name another one: make book PORT="):
            pages.bound_server(pages.QuietHandler)
