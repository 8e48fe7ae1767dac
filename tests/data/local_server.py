"""A real server on this machine that sends a file well, by halves, altered or not at all."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

CONTENT = bytes(range(256)) * 4096  # 1 MiB: several chunks
HALF = len(CONTENT) // 2


@dataclass
class Server:
    """What was asked, and how each address behaves: `/good`, `/breaks`, `/short`, …"""

    address: str = ""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    encodings: set[str | None] = field(default_factory=set)
    n_sent: int = 0

    def url(self, behaviour: str) -> str:
        return f"{self.address}/{behaviour}"

    @property
    def asked(self) -> list[str]:
        return [path for path, _ in self.requests]


class Handler(BaseHTTPRequestHandler):
    server_state: Server

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        behaviour = self.path.strip("/")
        asked_range = self.headers.get("Range")
        self.server_state.requests.append((behaviour, asked_range))
        self.server_state.encodings.add(self.headers.get("Accept-Encoding"))
        start = int(asked_range[6:].rstrip("-")) if asked_range else 0
        if behaviour == "missing":
            return self.send_error(404)
        if behaviour == "no-range":
            start = 0
        if behaviour == "endless":
            return self.send_without_end()
        body = {
            "short": CONTENT[:HALF],
            "corrupt": CONTENT[:-1] + b"\0",
            "long": CONTENT + b"more",
            "page": b"<html>please log in</html>",
        }.get(behaviour, CONTENT)[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header(
                "Content-Range", f"bytes {start}-{start + len(body) - 1}/{start + len(body)}"
            )
        self.end_headers()
        if behaviour in ("breaks", "breaks-corrupt"):
            body = body[: HALF - start]
            body = body[:-1] + b"?" if behaviour == "breaks-corrupt" else body
        if behaviour in ("slow", "stalls"):
            self.wfile.write(body[:HALF])
            self.wfile.flush()
            time.sleep(1 if behaviour == "slow" else 30)
            body = body[HALF:]
        self.wfile.write(body)

    def send_without_end(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):  # the reader hangs up
            while self.server_state.n_sent < 256 * len(CONTENT):
                self.wfile.write(CONTENT)
                self.server_state.n_sent += len(CONTENT)
