"""Results as the authors of OTB publish them: JSON, and the record that MATLAB's files hold too.

    <tracker>/<sequence>.json      a list of records, one per run: res, type or resType, evalType

``res`` has one x,y,w,h row per frame if the type is ``rect``; other types are turned boxes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commands.json_files import parse_json
from datasets.tracks import SourceError

_LEAST_FPS, _MOST_FPS = 1e-6, 1e9
Parsed = tuple[NDArray[np.float64], NDArray[np.float64] | None]
"""(T, 4) boxes, and (T,) seconds per frame if the file has them."""


def parse_otb_json(data: bytes, *, where: str) -> Parsed:
    """Return the boxes of a JSON file of the OTB authors.

    Raises:
        SourceError: It holds something else.
    """
    try:
        content = parse_json(data)
    except ValueError:
        raise SourceError(f"{where}: not JSON. Copy it again") from None
    records = content if isinstance(content, list) else [content]
    if not records or not isinstance(records[0], dict):
        raise SourceError(f"{where}: no record in it, expected a list of records with 'res'")
    return read_record(records[0], where=where)


def read_record(record: Mapping[str, Any], *, where: str) -> Parsed:
    """Return the boxes of one run, and its speed where ``fps`` tells it.

    Raises:
        SourceError: There are no boxes, or they belong to another kind of evaluation.
    """
    kind = str(record.get("type", record.get("resType", "rect")))
    if kind.lower() != "rect":
        raise SourceError(f"{where}: results of type {kind!r}, expected 'rect' with x,y,w,h rows")
    # A file of the temporal robustness evaluation begins with the run from the first frame.
    evaluation = str(record.get("evalType", "OPE"))
    if evaluation not in {"OPE", "TRE"} or str(record.get("shiftType", "None")) not in {"None", ""}:
        raise SourceError(f"{where}: results of {evaluation!r}, expected those of one pass, 'OPE'")
    try:
        boxes = np.asarray(record.get("res"), np.float64)
    except (TypeError, ValueError, OverflowError):
        boxes = np.empty(0)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or np.isinf(boxes).any():
        raise SourceError(f"{where}: 'res' of shape {boxes.shape}, expected x,y,w,h rows")
    return boxes, _seconds(record.get("fps"), len(boxes))


def _seconds(fps: object, num_frames: int) -> NDArray[np.float64] | None:
    if isinstance(fps, (int, float, np.ndarray)) and np.size(fps) == 1:
        value = min(max(np.ravel(fps)[0], 0), _MOST_FPS)
        return np.full(num_frames, 1 / float(value)) if _LEAST_FPS < value < _MOST_FPS else None
    return None
