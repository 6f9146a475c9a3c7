"""The limit of any loader: processes that decode crops from memory and do nothing else."""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType

import numpy as np
from simplejpeg import decode_jpeg

from manifests.table import Manifest

_NUM_SAMPLES = 200


class DecodeLimit:
    """A pool of processes that decode.

    Args:
        manifest: A local manifest; some of its crops are decoded over and over.
        processes: The most that are asked for at a time.
    """

    def __init__(self, manifest: Manifest, processes: int) -> None:
        self._jpegs = _sample_jpegs(manifest)
        self._pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
        list(self._pool.map(_warm_up, range(processes)))

    def rate(self, pairs: int, processes: int) -> float:
        """Return the pairs per second that so many processes decode side by side."""
        processes = max(processes, 1)
        share = pairs // processes
        futures = [self._pool.submit(_decode, self._jpegs, share) for _ in range(processes)]
        return sum(future.result() for future in futures)

    def __enter__(self) -> "DecodeLimit":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown()


def _decode(jpegs: Sequence[tuple[bytes, bytes]], pairs: int) -> float:
    template, search = (decode_jpeg(jpeg, "RGB") for jpeg in jpegs[0])
    start = time.perf_counter()
    for number in range(pairs):
        for jpeg, memory in zip(jpegs[number % len(jpegs)], (template, search), strict=True):
            decode_jpeg(jpeg, "RGB", buffer=memory)
    return pairs / (time.perf_counter() - start)


def _sample_jpegs(manifest: Manifest) -> list[tuple[bytes, bytes]]:
    """Return the bytes of some crop pairs, spread over the manifest."""
    chosen = np.linspace(0, manifest.rows.height - 1, _NUM_SAMPLES).astype(int)
    folder = Path(manifest.url).parent
    jpegs = []
    for row in manifest.rows[chosen.tolist()].iter_rows(named=True):
        with (folder / row["shard"]).open("rb") as shard:
            parts = []
            for letter in "zx":
                shard.seek(row[f"{letter}_offset"])
                parts.append(shard.read(row[f"{letter}_bytes"]))
        jpegs.append((parts[0], parts[1]))
    return jpegs


def _warm_up(_: int) -> None:
    time.sleep(0.2)  # long enough that every process of the pool gets one
