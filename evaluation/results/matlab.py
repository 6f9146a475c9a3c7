"""Results of OTB's MATLAB toolkit, as UAV123 and many trackers publish theirs too.

    <tracker>/<sequence>_<tracker>.mat      a variable ``results``: a cell with a struct per run
    <sequence>_<tracker>.mat                the same for many trackers in one folder

The struct is the record of `otb_json`. A variable with x,y,w,h rows is read too.
"""

from datasets.tracks import SourceError
from evaluation.results.mat5 import Value, read_mat
from evaluation.results.otb_json import Parsed, read_record

_VARIABLES = ("results", "result", "res", "boxes", "rects")
"""What trackers call it; a file with one variable may call it anything."""


def parse_matlab(data: bytes, *, where: str) -> Parsed:
    """Return the boxes of a .mat file.

    Raises:
        SourceError: It is damaged, or holds something else.
    """
    variables = read_mat(data, where=where)
    chosen = [name for name in _VARIABLES if name in variables] or list(variables)
    if not chosen:
        raise SourceError(f"{where}: no variable in it, expected 'results'. Copy it again")
    value = _first(variables[chosen[0]])
    if not isinstance(value, dict):
        return read_record({"res": value}, where=where)
    record = {name: _first(entry) for name, entry in value.items()}
    if isinstance(inner := record.get("res"), dict):  # results.res.res, of some trackers
        record |= {name: _first(entry) for name, entry in inner.items()}
    return read_record(record, where=where)


def _first(value: Value) -> Value:
    """Return the first entry of a cell, however deep; anything else as it is."""
    while isinstance(value, list) and value:
        value = value[0]
    return value
