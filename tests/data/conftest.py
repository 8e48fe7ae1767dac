"""Fixtures for fetching: a server on this machine, an empty cache, a set in the table."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from llm_book.data.registry import DATASETS, DataFile, DataSet
from tests.data.local_server import CONTENT, Handler, Server


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    handler = type("OneServer", (Handler,), {"server_state": state})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    httpd.daemon_threads = True
    httpd.block_on_close = False
    state.address = f"http://127.0.0.1:{httpd.server_address[1]}"
    thread = threading.Thread(target=httpd.serve_forever, args=(0.05,))
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no mirror folder, no proxy."""
    monkeypatch.setenv("LLM_BOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("LLM_BOOK_MIRROR", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Callable[..., DataSet]:
    """Enters a set called "tiny", with one file and these addresses, into the table."""

    def enter(*urls: str, size: int | None = len(CONTENT)) -> DataSet:
        digest = hashlib.sha256(CONTENT).hexdigest()
        files = (DataFile("tiny/tiny.bin", size, digest, urls),)
        row = DataSet("tiny", files, "CC0", True, "nobody2000", instead="use something else")
        monkeypatch.setitem(DATASETS, "tiny", row)
        return row

    return enter
