"""A real S3 server for measurements and examples: moto in a process of its own, with a bucket."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import fsspec

_BUCKET = "crops"
_PATIENCE_S = 60.0


def can_serve() -> bool:
    """Return True if the server and a client for it are installed."""
    return all(find_spec(name) is not None for name in ("moto", "flask", "s3fs"))


@contextmanager
def served(folder: Path | None = None) -> Iterator[str]:
    """Yield the URL of a bucket with a folder's files, or of an empty one.

    The server ends with the context.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as server:
        try:
            _wait_until_up(port)
            store = fsspec.filesystem("s3", skip_instance_cache=True)
            store.mkdir(_BUCKET)
            if folder is not None:
                store.put(f"{folder}/", f"{_BUCKET}/", recursive=True)
            yield f"s3://{_BUCKET}"
        finally:
            server.kill()


def _wait_until_up(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
