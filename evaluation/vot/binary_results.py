"""The binary result files of VOT's Python toolkit: a header, then one region per frame.

Little-endian: int16 version 1, uint32 number of frames; per frame a byte for the kind and its
numbers, 0 a code (uint32), 1 a rectangle (4 float32), 2 a polygon (uint16 corners, then float32 x,y
of each). Masks (3) and points (4) belong to other challenges.
"""

import struct

from datasets.tracks import SourceError

_HEADER = struct.Struct("<hI")
_CODE, _RECTANGLE, _POLYGON = 0, 1, 2
_OTHERS = {3: "a mask", 4: "a point"}


def parse_binary(data: bytes, *, where: str) -> dict[int, list[float]]:
    """Return the numbers of each frame, counted from 1, as the text format has them.

    Raises:
        SourceError: It is damaged, or holds regions of another challenge.
    """
    try:
        version, num_frames = _HEADER.unpack_from(data)
        if version != 1:
            raise SourceError(f"{where}: version {version}, expected 1 of VOT's binary format")
        position = _HEADER.size
        rows: dict[int, list[float]] = {}
        for number in range(1, num_frames + 1):
            kind = data[position]
            if kind not in (_CODE, _RECTANGLE, _POLYGON):
                region = _OTHERS.get(kind, f"kind {kind}")
                raise SourceError(
                    f"{where}: frame {number} is {region}, expected a code, a rectangle or a "
                    "polygon"
                )
            position += 1
            layout = "<I" if kind == _CODE else "<4f"
            if kind == _POLYGON:
                (corners,) = struct.unpack_from("<H", data, position)
                position, layout = position + 2, f"<{2 * corners}f"
            rows[number] = [float(value) for value in struct.unpack_from(layout, data, position)]
            position += struct.calcsize(layout)
    except (struct.error, IndexError):
        raise SourceError(f"{where}: cut off in VOT's binary format. Copy it again") from None
    return rows
