"""The formats of one-pass result files, by suffix."""

from collections.abc import Callable, Mapping

from datasets.box_files import decode_text, parse_boxes
from evaluation.results.matlab import parse_matlab
from evaluation.results.otb_json import Parsed, parse_otb_json


def parse_text(data: bytes, *, where: str) -> Parsed:
    """Return the boxes of a text file: a line per frame, by comma, tab, semicolon or blanks.

    Raises:
        SourceError: A line does not hold four numbers.
    """
    return parse_boxes(decode_text(data, where=where), where=where), None


FORMATS: Mapping[str, Callable[..., Parsed]] = {
    "txt": parse_text,
    "mat": parse_matlab,
    "json": parse_otb_json,
}
"""By suffix: content and ``where`` to boxes and seconds. Of two files the first format counts."""
