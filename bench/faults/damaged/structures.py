"""Mutations of structure: the result is well-formed, and means something else."""

import copy
import hashlib
import json
import random
import re
import struct
from pathlib import Path
from typing import Any

_DEEP = 100_000
_ODD_JSON: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 10**400, 1e308, float("nan"), float("inf"), 2**63, 0.5, ""),
    *("x", "../x", "/x", "\x1b[31m", "\u202e", "\ud800", "1", [], {}, [[]], [None], {"": None}),
    *([1, 2, 3], [1, 2, 3, 4], {"id": 1}, [[1, 2, 3, 4]], ["a", 1], "a" * 5000, [-1, 0, 0, 1e400]),
)


def change_json(rng: random.Random, data: bytes) -> bytes:
    """Change values and keys of a JSON document, or nest a value deeply."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return data
    marker = "\0deep\0"
    for _ in range(rng.choice((1, 1, 2, 4))):
        content = _change_value(rng, content, marker)
    text = json.dumps(content).replace(json.dumps(marker), "[" * _DEEP + "]" * _DEEP)
    return text.encode()


def _change_value(rng: random.Random, content: Any, marker: str) -> Any:
    places = list(_places(content))
    if not places or rng.random() < 0.02:
        return rng.choice((_odd_json(rng), marker))
    container, key = rng.choice(places)
    kind = rng.randrange(10)
    if kind < 6:
        container[key] = marker if rng.random() < 0.03 else _odd_json(rng)
    elif kind == 6:
        del container[key]
    elif kind == 7 and isinstance(container, dict):
        container[str(key) + rng.choice(("", "x", "\u202e"))] = container.pop(key)
    elif kind == 8 and isinstance(container, list):
        container.insert(rng.randrange(len(container) + 1), copy.deepcopy(container[key]))
    else:
        other, place = rng.choice(places)
        value = copy.deepcopy(other[place]) if _has(other, place) else None
        container[key] = value
    return content


def _odd_json(rng: random.Random) -> Any:
    return copy.deepcopy(rng.choice(_ODD_JSON))


def _has(container: Any, key: Any) -> bool:
    return key in container if isinstance(container, dict) else key < len(container)


def _places(content: Any) -> Any:
    keys: Any = ()
    if isinstance(content, dict):
        keys = list(content)
    elif isinstance(content, list):
        keys = range(len(content))
    for key in keys:
        yield content, key
        yield from _places(content[key])


def change_xml(rng: random.Random, data: bytes) -> bytes:
    """Remove, repeat, nest or rename elements, or declare entities."""
    text = data.decode("latin-1")
    elements = list(re.finditer(r"<(\w+)[^<>]*>[^<>]*</\1>|<(\w+)[^<>]*/>", text))
    kind = rng.randrange(9)
    if kind == 0:
        return b"<a>" * _DEEP + data + b"</a>" * _DEEP
    if kind == 1:
        entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x"}">' for n in range(9))
        return f"<!DOCTYPE a [{entities}]>{text}".encode("latin-1")
    if kind == 2:
        head = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        return f"{head}{re.sub('>[^<>]+<', '>&x;<', text, count=1)}".encode("latin-1")
    if not elements:
        return data
    chosen, other = rng.choice(elements), rng.choice(elements)
    replacement = {
        3: "",
        4: chosen[0] * 2,
        5: other[0],
        6: f"<b>{chosen[0]}</b>",
        7: re.sub(r"\w+", rng.choice(("name", "object", "x")), chosen[0], count=1),
    }.get(
        kind,
        re.sub(">[^<>]*<", ">" + rng.choice(("", "-1", "1e309", "&#27;", "x")) + "<", chosen[0]),
    )
    return (text[: chosen.start()] + replacement + text[chosen.end() :]).encode("latin-1")


def change_jpeg(rng: random.Random, data: bytes) -> bytes:
    """Remove, repeat or shorten segments, or state another size or number of components."""
    starts = [2]
    while starts[-1] + 4 <= len(data) and data[starts[-1]] == 0xFF and data[starts[-1] + 1] != 0xDA:
        (length,) = struct.unpack(">H", data[starts[-1] + 2 : starts[-1] + 4])
        starts.append(starts[-1] + 2 + length)
    if len(starts) < 2:
        return data
    index = rng.randrange(len(starts) - 1)
    start, end = starts[index], starts[index + 1]
    kind = rng.randrange(6)
    if kind == 0:
        return data[:start] + data[end:]
    if kind == 1:
        return data[:end] + data[start:end] + data[end:]
    if kind == 2:
        length = rng.choice((0, 1, 2, 65535, rng.randrange(65536)))
        return data[: start + 2] + struct.pack(">H", length) + data[start + 4 :]
    if kind == 3:
        return data[: start + 1] + bytes([rng.randrange(0xC0, 0xFF)]) + data[start + 2 :]
    frame = next((s for s in starts[:-1] if 0xC0 <= data[s + 1] <= 0xC3), start)
    if kind == 4:
        size = struct.pack(">HH", *(rng.choice((0, 1, 17, 8191, 65535)) for _ in range(2)))
        return data[: frame + 5] + size + data[frame + 9 :]
    return data[: frame + 9] + bytes([rng.choice((0, 1, 2, 4, 200))]) + data[frame + 10 :]


def change_tar(rng: random.Random, data: bytes) -> bytes:
    """Change fields of a header and correct its checksum; or move, remove, repeat blocks."""
    blocks = [data[at : at + 512] for at in range(0, len(data), 512)]
    heads = [index for index, block in enumerate(blocks) if block[257:262] == b"ustar"]
    if not heads or rng.random() < 0.2:
        first, second = (rng.randrange(len(blocks)) for _ in range(2))
        blocks[first], blocks[second] = blocks[second], blocks[first]
        return b"".join(blocks)
    index = rng.choice(heads)
    block = bytearray(blocks[index])
    start, length, values = rng.choice(
        (
            (
                0,
                100,
                (b"../x", b"/etc/x", b"\xff\xfe", b"", b"a" * 100, b"./", b"a/../../b", b"\x1b"),
            ),
            (
                124,
                12,
                (b"77777777777", b"0", b"-1", b"\x80" + b"\xff" * 11, b"abc", b"00000001000"),
            ),
            (156, 1, (b"1", b"2", b"5", b"x", b"g", b"L", b"K", b"S", b"\xff", b"\x00")),
            (157, 100, (b"../../x", b"/etc/passwd")),
            (345, 155, (b"..", b"/", b"x" * 155)),
        )
    )
    block[start : start + length] = rng.choice(values)[:length].ljust(length, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    blocks[index] = bytes(block)
    return b"".join(blocks)


def change_safetensors(rng: random.Random, data: bytes) -> bytes:
    """Change the JSON before the tensors, and correct its length."""
    length = int.from_bytes(data[:8], "little")
    header = change_json(rng, data[8 : 8 + length])
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def sealed(weights: Path) -> None:
    """Write the SHA-256 of changed tensors into the JSON beside them, as a forger would."""
    path = weights.with_suffix(".json")
    description = json.loads(path.read_text(encoding="utf-8"))
    description["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    path.write_text(json.dumps(description), encoding="utf-8")
