"""MATLAB's files of version 5 to 7: the numbers, texts, cells and structs of results.

Read here and not by SciPy, whose reader can end the process on a damaged file. A file is a header
of 128 bytes and then elements, each a type and a length before its content. A matrix is an element
that holds others: class, shape, name, then its numbers, or its cells and fields as matrices.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datasets.tracks import SourceError

Value = NDArray[np.float64] | str | list["Value"] | dict[str, "Value"] | None
"""A (rows, columns) array, a text, the entries of a cell, a struct; None for other classes. Of an
array of structs the first one counts."""

_NUMBERS = {
    **{1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4"},
    **{7: "f4", 9: "f8", 12: "i8", 13: "u8"},
}
"""By type of element, how NumPy calls its numbers."""
_TEXTS = {1: "latin-1", 2: "latin-1", 16: "utf-8", 4: "utf-16", 17: "utf-16", 18: "utf-32"}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _TEXT = 1, 2, 4
_NUMERIC = range(6, 16)
_COMPLEX = 0x800
_DEPTH = 20
_MOST_BYTES = 1 << 28
"""Largest size of an unpacked element."""


class _Element(NamedTuple):
    kind: int
    content: bytes


def read_mat(data: bytes, *, where: str) -> dict[str, Value]:
    """Return the variables of a file by name.

    Raises:
        SourceError: It is damaged, or of another version.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if data[:19] == b"MATLAB 7.3 MAT-file" or data[512:516] == b"\x89HDF":
        raise SourceError(f"{where}: saved as version 7.3. Load it in MATLAB, save it with '-v7'")
    if order is None:
        raise SourceError(f"{where}: not a MATLAB file of version 5 to 7. Copy it again")
    variables: dict[str, Value] = {}
    try:
        for element in _elements(data[128:], order):
            content = element
            if element.kind == _COMPRESSED:
                unpacked = zlib.decompressobj().decompress(element.content, _MOST_BYTES)
                content = next(_elements(unpacked, order))
            if content.kind == _MATRIX:
                name, value = _read_matrix(content.content, order)
                variables[name] = value
    except (struct.error, zlib.error, ValueError, IndexError, StopIteration, KeyError) as error:
        reason = str(error) or "cut off"
        raise SourceError(f"{where}: damaged MATLAB file ({reason}). Copy it again") from None
    return variables


def _elements(data: bytes, order: str) -> Iterator[_Element]:
    position = 0
    while position < len(data):
        kind, length = struct.unpack_from(f"{order}II", data, position)
        start = position + 8
        if kind >> 16:  # up to four bytes lie in the tag itself
            kind, length, start = kind & 0xFFFF, kind >> 16, position + 4
            position += 8
        else:
            position = start + length
            position += 0 if kind == _COMPRESSED else -position % 8
        if start + length > len(data):
            raise ValueError("cut off")
        yield _Element(kind, data[start : start + length])


def _read_matrix(data: bytes, order: str, depth: int = 0) -> tuple[str, Value]:
    if not data:
        return "", np.zeros((0, 0))
    if depth > _DEPTH:
        raise ValueError("nested too deeply")
    parts = _elements(data, order)
    flags = struct.unpack_from(f"{order}I", next(parts).content)[0]
    array_class = flags & 0xFF
    shape = [int(number) for number in _numbers(next(parts), order)]
    name = next(parts).content.decode("latin-1")
    count = int(np.prod(shape, dtype=np.float64))
    if count > len(data):
        raise ValueError(f"{count} entries")
    if flags & _COMPLEX:
        return name, None
    if array_class in _NUMERIC:
        values = _numbers(next(parts), order)
        return name, values.reshape(shape, order="F")
    if array_class == _TEXT:
        return name, _text(next(parts), order)
    if array_class == _CELL:
        return name, [_read_matrix(next(parts).content, order, depth + 1)[1] for _ in range(count)]
    if array_class == _STRUCT:
        length = int(_numbers(next(parts), order)[0])
        names = next(parts).content
        fields = [names[at : at + length] for at in range(0, len(names), max(length, 1))]
        return name, {
            field.partition(b"\0")[0].decode("latin-1"): _read_matrix(
                next(parts).content, order, depth + 1
            )[1]
            for field in fields
            if count
        }
    return name, None


def _numbers(element: _Element, order: str) -> NDArray[np.float64]:
    kind = np.dtype(f"{order}{_NUMBERS[element.kind]}")
    return np.frombuffer(element.content, kind).astype(np.float64)


def _text(element: _Element, order: str) -> str:
    encoding = _TEXTS[element.kind]
    if encoding in ("utf-16", "utf-32"):
        encoding += "-le" if order == "<" else "-be"
    return element.content.decode(encoding)
