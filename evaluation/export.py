"""Copy one-pass results into the layouts that other evaluators read.

    python -m evaluation.export --results results/lasot/DCFFNet --layout matlab --out exported
    python -m evaluation.export --results results/got10k/DCFFNet --layout got10k --out DCFFNet.zip

got10k       a zip of ``<sequence>/<sequence>_001.txt`` and ``_time.txt``, as its server takes
trackingnet  a zip of ``<sequence>.txt``, as its server takes
matlab       a folder ``<tracker>_tracking_result/<sequence>.txt``, as LaSOT's toolkit reads

The boxes are the same numbers in all of them, to four decimals.
"""

import io
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from datasets.box_files import read_box_file
from datasets.tracks import SourceError
from evaluation.results import times_path
from manifests.atomic import whole_file
from manifests.cli import run_command
from manifests.places import keep_inputs

Layout = Literal["got10k", "trackingnet", "matlab"]
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in a zip, so that equal results give equal archives."""


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """Copy one-pass results into another layout."""

    results: Path
    """A tracker's folder of result files."""
    layout: Layout = "got10k"
    """Which layout."""
    out: Path
    """The zip to write, or the folder for matlab."""


def run(config: ExportConfig) -> None:
    """Read everything first, then write; a damaged result leaves nothing behind."""
    paths = sorted(config.results.glob("*.txt"))
    if not paths:
        raise SourceError(f"{config.results}: no result files in it, expected <sequence>.txt")
    files: dict[str, str] = {}
    for path in paths:
        files |= LAYOUTS[config.layout](config.results.name, path, read_box_file(path))
    times = [path for path in map(times_path, paths) if path.exists()]
    outputs = [config.out / name for name in files] if config.layout == "matlab" else [config.out]
    keep_inputs([*paths, *times], files=outputs)
    if config.layout == "matlab":
        for name, text in files.items():
            with whole_file(config.out / name) as temporary:
                temporary.write_text(text, encoding="ascii")
    else:
        with whole_file(config.out) as temporary:
            temporary.write_bytes(_zip(files))
    print(f"{len(paths)} sequences in {config.out}")


def _got10k(tracker: str, path: Path, boxes: NDArray[np.float64]) -> dict[str, str]:
    name = path.stem
    timed = times_path(path)
    times = timed.read_text(encoding="ascii") if timed.exists() else "0\n" * len(boxes)
    return {f"{name}/{name}_001.txt": _lines(boxes), f"{name}/{name}_time.txt": times}


def _trackingnet(tracker: str, path: Path, boxes: NDArray[np.float64]) -> dict[str, str]:
    return {path.name: _lines(boxes)}


def _matlab(tracker: str, path: Path, boxes: NDArray[np.float64]) -> dict[str, str]:
    return {f"{tracker}_tracking_result/{path.name}": _lines(boxes)}


LAYOUTS: Mapping[Layout, Callable[[str, Path, NDArray[np.float64]], dict[str, str]]] = {
    "got10k": _got10k,
    "trackingnet": _trackingnet,
    "matlab": _matlab,
}
"""By layout: tracker, result file and its boxes to the files they become."""


def _lines(boxes: NDArray[np.float64]) -> str:
    return "".join(",".join(f"{value:.4f}" for value in box) + "\n" for box in boxes)


def _zip(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, date_time=_EPOCH), text)
    return buffer.getvalue()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(
        ExportConfig, run, argv, prog="python -m evaluation.export", errors=(SourceError,)
    )


if __name__ == "__main__":
    sys.exit(main())
