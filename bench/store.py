"""A web store that is as slow and as unreliable as asked: a proxy in front of a real one.

    python -m bench.store --upstream http://127.0.0.1:8000 --latency-ms 50 --mb-per-s 20
    python -m bench.store --upstream http://127.0.0.1:5000 --faults 503 reset --every 3

Prints its own URL on one line and serves until it is killed. Every ``--every``-th GET meets the
next of ``--faults``: ``500``, ``503``, ``reset`` (the connection is cut in the body), ``truncate``
(it ends early) or ``stall`` (no byte for ``--stall-s``).
"""

import http.client
import itertools
import socket
import struct
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

from commands.run import run_command

Fault = Literal["500", "503", "reset", "truncate", "stall"]
_PIECE_BYTES = 64 << 10


@dataclass(frozen=True, kw_only=True)
class StoreConfig:
    """How slow and how unreliable."""

    upstream: str
    """URL of the real store."""
    port: int = 0
    """Port to serve on; 0 takes a free one."""
    latency_ms: float = 0.0
    """Pause before each answer."""
    mb_per_s: float = 0.0
    """Speed of all answers together; 0 is as fast as it goes."""
    faults: tuple[Fault, ...] = field(default_factory=tuple)
    """Faults, in turn."""
    every: int = 3
    """Which GETs meet one: every n-th."""
    stall_s: float = 60.0
    """Length of a stall."""


class _Line:
    """A line of limited speed that all answers share."""

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_at = 0.0
        self._lock = threading.Lock()

    def carry(self, num_bytes: int) -> None:
        """Wait until so many bytes have passed."""
        if not self._bytes_per_s:
            return
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic()) + num_bytes / self._bytes_per_s
            wait = self._free_at - time.monotonic()
        time.sleep(max(wait, 0))


def serve(config: StoreConfig) -> None:
    """Serve until killed."""
    upstream = urlsplit(config.upstream)
    line = _Line(config.mb_per_s * 1e6)
    turns = itertools.count(1)
    faults = itertools.cycle(config.faults)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            """Pass the request on, and the answer back, with what was asked for between."""
            time.sleep(config.latency_ms / 1000)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            fault = None
            if config.faults and self.command == "GET" and next(turns) % config.every == 0:
                fault = next(faults)
            if fault in {"500", "503"}:
                self.send_error(int(fault))
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                    self.send_header(name, value)
            length = answer.headers.get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self._send(content, fault)

        def _send(self, content: bytes, fault: str | None) -> None:
            stop = len(content) // 2 if fault else len(content)
            for start in range(0, stop, _PIECE_BYTES):
                piece = content[start : min(start + _PIECE_BYTES, stop)]
                line.carry(len(piece))
                self.wfile.write(piece)
            if fault == "stall":
                time.sleep(config.stall_s)
            if fault == "reset":  # lingering for 0 s sends RST instead of FIN
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            if fault:
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Stay silent."""

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    server = ThreadingHTTPServer(("127.0.0.1", config.port), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return run_command(StoreConfig, serve, argv, prog="python -m bench.store")


if __name__ == "__main__":
    sys.exit(main())
