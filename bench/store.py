"""A web store that is as slow and as unreliable as asked: a proxy in front of a real one.

    python -m bench.store --upstream http://127.0.0.1:8000 --latency-ms 50 --mb-per-s 20
    python -m bench.store --upstream http://127.0.0.1:5000 --faults 503 reset --every 3
    python -m bench.store --upstream http://127.0.0.1:5000 --faults 503 reorder --share 0.05

Prints its own URL on one line and serves until it is killed. Every ``--every``-th GET meets the
next of ``--faults``: ``500``, ``503``, ``reset`` (the connection is cut in the body), ``truncate``
(it ends early), ``stall`` (no byte for ``--stall-s``), ``delay`` (a second) or ``reorder`` (after
the next answer). With ``--share`` so many of all requests meet one at random; those that write
meet no fault in the answer's body.
"""

import http.client
import itertools
import random
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

Fault = Literal["500", "503", "reset", "truncate", "stall", "delay", "reorder"]
_IN_BODY = {"reset", "truncate", "stall"}
_DELAY_S = 1.0
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
    share: float = 0.0
    """Share of all requests that meet one, chosen at random; 0 counts as --every says."""
    seed: int = 0
    """Of the random choice."""
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


class _Faults:
    """Chooses requests that meet a fault, and counts them."""

    def __init__(self, config: StoreConfig) -> None:
        self._config = config
        self._rng = random.Random(config.seed)
        self._turns = itertools.count(1)
        self._cycle = itertools.cycle(config.faults)
        self._lock = threading.Lock()

    def next(self, method: str) -> Fault | None:
        """Return the fault of a request, or None."""
        config = self._config
        with self._lock:
            if not config.share:
                is_hit = config.faults and method == "GET" and not next(self._turns) % config.every
                return next(self._cycle) if is_hit else None
            if not config.faults or self._rng.random() >= config.share:
                return None
            harmless = [f for f in config.faults if method == "GET" or f not in _IN_BODY]
            return self._rng.choice(harmless) if harmless else None


def serve(config: StoreConfig) -> None:
    """Serve until killed."""
    upstream = urlsplit(config.upstream)
    line = _Line(config.mb_per_s * 1e6)
    faults = _Faults(config)
    answered = threading.Condition()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            """Pass the request on and the answer back, with the wanted faults between."""
            time.sleep(config.latency_ms / 1000)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = faults.next(self.command)
            if fault in {"500", "503"}:  # the request is not passed on
                self.send_error(int(fault))
                return
            if fault == "delay":
                time.sleep(_DELAY_S)
            connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            if fault == "reorder":
                with answered:
                    answered.wait(timeout=_DELAY_S)
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                    self.send_header(name, value)
            length = answer.headers.get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self._send(content, fault if fault in _IN_BODY else None)
            with answered:
                answered.notify_all()

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
