"""The site: built from the stored outputs, warnings being errors, and served on this machine."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from llm_book.dev.environment import child_env, node_ready, ready
from llm_book.dev.tell import ROOT, Refusal, heading, must_run, run

HTML = ROOT / "_build" / "html"
INPUTS = (
    *("book", "chapters", "llm_book", "_config.yml", "_toc.yml", "constraints.txt"),
    *("pyproject.toml", "package.json", "package-lock.json"),
)
NOT_READ = {"__pycache__", ".ipynb_checkpoints", "node_modules", "vendor"}


def book() -> int:
    """Build the site into _build/html and serve it on this machine, printing the address."""
    if build() != 0:
        raise Refusal("The site was not built: see the warnings and errors above.")
    if os.environ.get("SERVE") == "0":
        print(f"The book is in {HTML}")
        return 0
    return serve(HTML)


def build() -> int:
    """Build the site unless it was built from these very files; the builder's exit status.

    Always from nothing: a second build of a broken book reads no page again and would report
    success. So a site that is there with its note is a site that built without a warning.
    """
    python = ready()
    node_ready()
    must_run(
        [python, ROOT / "book" / "vendor.py"],
        child_env(),
        "The site's scripts could not be fetched; see above, and try again with a network.",
    )
    note = ROOT / "_build" / "built-from"
    digest = digest_of(ROOT)
    if note.exists() and note.read_text(encoding="utf-8") == digest:
        print(f"{HTML} is up to date")
        return 0
    heading("building the site")
    shutil.rmtree(ROOT / "_build", ignore_errors=True)
    command: list[str | Path] = [python.with_name("jupyter-book"), "build", "."]
    command += ["-W", "-n", "--keep-going"]
    status = run(command, child_env())
    if status == 0 and not (HTML / "index.html").exists():
        status = 1
    if status == 0:
        note.write_text(digest, encoding="utf-8")
    return status


def digest_of(root: Path) -> str:
    """One hash over the names and bytes of all that the site is made from."""
    digest = hashlib.sha256()
    for top in INPUTS:
        found = [root / top] if (root / top).is_file() else sorted((root / top).rglob("*"))
        for path in found:
            name = path.relative_to(root)
            if path.is_file() and not NOT_READ.intersection(name.parts):
                digest.update(f"{name.as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def serve(folder: Path) -> int:
    """Serve a folder on this machine alone until interrupted."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    with bound_server(handler) as server:
        print(f"\nThe book is at http://localhost:{server.server_address[1]}/ (Ctrl-C ends)")
        print(end="", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


def bound_server(handler: Callable[..., QuietHandler]) -> http.server.ThreadingHTTPServer:
    """A server on ``PORT``, or on the first free port from 8000 on."""
    asked = os.environ.get("PORT")
    if asked and not asked.isdecimal():
        raise Refusal(f"PORT is {asked!r}, which is no number; name one: make book PORT=8123")
    for port in [int(asked)] if asked else [*range(8000, 8010), 0]:
        try:
            return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError:
            continue
    raise Refusal(f"Port {asked} is taken; name another one: make book PORT=8123")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Files from a folder, without a line in the terminal for each."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
