"""Readers of result files, ours and those of other toolkits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.faults.damaged import made_trees as trees
from bench.faults.damaged.mutations import BYTES, TEXT
from bench.faults.damaged.reader import Reader, command_on
from bench.faults.damaged.structures import (
    change_json,
)
from datasets.box_files import decode_text, parse_rows
from evaluation.results.files import parse_times
from evaluation.results.formats import FORMATS
from evaluation.vot.binary_results import parse_binary
from evaluation.vot.result_files import make_run
from tests.support.foreign_results import binary_of, json_of, matlab_of, text_of


def _boxes(suffix: str) -> Callable[[Path], None]:
    def read(tree: Path) -> None:
        path = tree / f"s.{suffix}"
        boxes, seconds = FORMATS[suffix](path.read_bytes(), where=str(path))
        assert boxes.ndim == 2
        assert boxes.shape[1] == 4
        assert not np.isinf(boxes).any(), "boxes that are infinite"
        assert seconds is None or (np.isfinite(seconds).all() and (seconds >= 0).all()), "times"

    return read


def _read_binary(tree: Path) -> None:
    path = tree / "s.bin"
    rows = parse_binary(path.read_bytes(), where=str(path))
    run = make_run(rows, where=str(path), num_frames=6)
    assert not np.isinf(run.regions).any(), "regions that are infinite"


def _read_vot(tree: Path) -> None:
    path = tree / "s.txt"
    rows = parse_rows(decode_text(path.read_bytes(), where=str(path)), where=str(path))
    make_run(rows, where=str(path), num_frames=6)


def _read_times(tree: Path) -> None:
    path = tree / "s.txt"
    seconds = parse_times(path.read_bytes(), where=str(path))
    assert np.isfinite(seconds).all()


_JSON = (*TEXT, *(change_json,) * 10)
_EXPORT = command_on("evaluation.export", "--results", "{tree}", "--out", "{out}/x.zip")

RESULT_READERS: tuple[Reader, ...] = (
    *(
        Reader(
            name=f"results {suffix}",
            file=f"s.{suffix}",
            make=trees.file(f"s.{suffix}", data),
            read=_boxes(suffix),
            mutations=mutations,
            command=_EXPORT,
        )
        for suffix, data, mutations in (
            ("txt", lambda: text_of(trees.TRUTH), TEXT),
            ("json", lambda: json_of(trees.TRUTH, fps=20.5), _JSON),
            ("mat", lambda: matlab_of(trees.TRUTH, fps=20.5), BYTES),
        )
    ),
    Reader(
        name="results mat, packed",
        file="s.mat",
        make=trees.file("s.mat", lambda: matlab_of(trees.TRUTH, compressed=True)),
        read=_boxes("mat"),
        mutations=BYTES,
        command=_EXPORT,
    ),
    Reader(
        name="results vot bin",
        file="s.bin",
        make=trees.file("s.bin", lambda: binary_of(trees.VOT_LINES)),
        read=_read_binary,
        mutations=BYTES,
    ),
    Reader(
        name="results vot txt",
        file="s.txt",
        make=trees.file("s.txt", lambda: "\n".join(trees.VOT_LINES).encode()),
        read=_read_vot,
        mutations=TEXT,
    ),
    Reader(
        name="results times",
        file="s.txt",
        make=trees.file("s.txt", lambda: b"0.125\n" * 6),
        read=_read_times,
        mutations=TEXT,
    ),
)
