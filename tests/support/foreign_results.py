"""Results as other toolkits write them, made of the truth of a benchmark."""

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


def text_of(boxes: Boxes, delimiter: str = ",") -> bytes:
    buffer = io.BytesIO()
    np.savetxt(buffer, boxes, delimiter=delimiter, fmt="%.10g")
    return buffer.getvalue()


def matlab_of(boxes: Boxes, *, compressed: bool = False, **more: object) -> bytes:
    """Return what MATLAB saves of ``results = {struct('res', boxes, 'type', 'rect')}``."""
    from scipy.io import savemat

    cell = np.empty((1, 1), object)
    cell[0, 0] = {"res": boxes, "type": "rect", "len": len(boxes), "startFrame": 1, **more}
    buffer = io.BytesIO()
    savemat(buffer, {"results": cell}, do_compression=compressed)
    return buffer.getvalue()


def json_of(boxes: Boxes, **more: object) -> bytes:
    record = {"res": boxes.tolist(), "type": "rect", "evalType": "OPE", "startFrame": 1, **more}
    return json.dumps([record]).encode()


def binary_of(lines: Iterable[str]) -> bytes:
    """Return VOT's binary file with the same codes and regions as the lines of its text file."""
    rows = [[float(word) for word in line.split(",")] for line in lines]
    parts = [struct.pack("<hI", 1, len(rows))]
    for row in rows:
        if len(row) == 1:
            parts.append(struct.pack("<BI", 0, int(row[0])))
        elif len(row) == 4:
            parts.append(struct.pack("<B4f", 1, *row))
        else:
            parts.append(struct.pack(f"<BH{len(row)}f", 2, len(row) // 2, *row))
    return b"".join(parts)


def write_files(root: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write an archive as a Mac does, with its own files beside each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{next(iter(files)).partition('/')[0]}/.DS_Store", b"\0\0\0\1Bud1")
        for name, data in files.items():
            folder, _, base = name.rpartition("/")
            archive.writestr(name, data)
            archive.writestr(f"__MACOSX/{folder}/._{base}", b"\0\5\26\7Mac OS X")


def _pytracking(results: Path, truth: Mapping[str, Boxes]) -> None:
    for name, boxes in truth.items():
        files = {f"{name}.txt": text_of(boxes, "\t"), f"{name}_time.txt": b"0.1\n" * len(boxes)}
        write_files(results / "T/dimp50", files)


def _got10k(results: Path, truth: Mapping[str, Boxes]) -> None:
    for name, boxes in truth.items():
        files = {f"{name}_001.txt": text_of(boxes), f"{name}_time.txt": b"0.1\n" * len(boxes)}
        write_files(results / "T" / name, files)


def _zip_of_a_mac(results: Path, truth: Mapping[str, Boxes]) -> None:
    write_zip(results / "T.zip", {f"T/{name}.txt": text_of(each) for name, each in truth.items()})


def _plain_zip(results: Path, truth: Mapping[str, Boxes]) -> None:
    write_zip(results / "T.zip", {f"{name}.txt": text_of(each) for name, each in truth.items()})


def _json(results: Path, truth: Mapping[str, Boxes]) -> None:
    write_files(results / "OPE/T", {f"{name}.json": json_of(each) for name, each in truth.items()})
    write_files(results / "OPE/T/scores_tb100", {"ALL.json": b'{"name": "ALL"}'})


def _matlab(results: Path, truth: Mapping[str, Boxes]) -> None:
    files = {f"{name.lower()}_T.mat": matlab_of(each) for name, each in truth.items()}
    write_files(results / "T", files)


def _matlab_of_all(results: Path, truth: Mapping[str, Boxes]) -> None:
    for tracker in ("T", "KCF_2"):
        files = {f"{name}_{tracker}.mat": matlab_of(each) for name, each in truth.items()}
        write_files(results, files)


FOREIGN: Mapping[str, Callable[[Path, Mapping[str, Boxes]], None]] = {
    "T/dimp50": _pytracking,
    "T got10k": _got10k,
    "T mac": _zip_of_a_mac,
    "T zip": _plain_zip,
    "OPE/T": _json,
    "T mat": _matlab,
    "T KCF_2": _matlab_of_all,
}
"""By the first word, what the tracker is called: who writes all sequences of a benchmark."""
