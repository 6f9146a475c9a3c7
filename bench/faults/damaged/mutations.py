"""Mutations of files, by byte, by token and by line; those of a format are in `structures`."""

import random
import re
from collections.abc import Callable

Mutation = Callable[[random.Random, bytes], bytes]

ODD_VALUES = (
    *(b"", b"0", b"-1", b"1", b"nan", b"NaN", b"inf", b"-inf", b"1e309", b"1e-400", b"-0.0"),
    *(b"99999999999999999999", b"9" * 400, b"2147483648", b"0x10", b"1_000", b"1,5", b"null"),
    *(b"true", b'"', b"'", b"\\", b"<", b"&", b"]]>", b"{", b"[", b"../../x", b"/etc/passwd"),
    *(b"\x1b[31m", b"\xe2\x80\xae", b"\xd9\xa3", b"\xff", b"\x00", b"\r", b"\xef\xbb\xbf", b"%s"),
)
_TOKEN = re.compile(rb"[A-Za-z_]+|[+-]?\d+\.?\d*(?:[eE][+-]?\d+)?|\s+|.", re.DOTALL)


def flip_bits(rng: random.Random, data: bytes) -> bytes:
    """Change one to eight bytes."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8) if data else 0):
        changed[rng.randrange(len(changed))] = rng.choice((0, 255, 127, rng.randrange(256)))
    return bytes(changed)


def cut_off(rng: random.Random, data: bytes) -> bytes:
    """Keep the beginning only."""
    return data[: rng.randrange(len(data) + 1)]


def remove_bytes(rng: random.Random, data: bytes) -> bytes:
    """Remove some bytes in the middle."""
    start = rng.randrange(len(data) + 1)
    return data[:start] + data[start + rng.choice((1, 2, 7, 100, 512)) :]


def insert_bytes(rng: random.Random, data: bytes) -> bytes:
    """Insert random bytes."""
    start = rng.randrange(len(data) + 1)
    return data[:start] + rng.randbytes(rng.choice((1, 2, 7, 100, 512))) + data[start:]


def repeat_bytes(rng: random.Random, data: bytes) -> bytes:
    """Repeat a part, as a bad copy does."""
    start = rng.randrange(len(data) + 1)
    part = data[start : start + rng.choice((1, 16, 512, 5000))]
    return data[:start] + part * rng.choice((2, 2, 50)) + data[start + len(part) :]


def blank_bytes(rng: random.Random, data: bytes) -> bytes:
    """Set a part to zeros, as a disk does."""
    start = rng.randrange(len(data) + 1)
    length = min(rng.choice((4, 512, 4096)), len(data) - start)
    return data[:start] + bytes(length) + data[start + length :]


def swap_bytes(rng: random.Random, data: bytes) -> bytes:
    """Let two parts change places."""
    first, second, third = sorted(rng.randrange(len(data) + 1) for _ in range(3))
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def change_token(rng: random.Random, data: bytes) -> bytes:
    """Put an odd value in the place of a word or number."""
    tokens = _TOKEN.findall(data)
    for _ in range(rng.choice((1, 1, 1, 3)) if tokens else 0):
        solid = [index for index, token in enumerate(tokens) if not token.isspace()]
        if solid:
            tokens[rng.choice(solid)] = rng.choice(ODD_VALUES)
    return b"".join(tokens)


def move_token(rng: random.Random, data: bytes) -> bytes:
    """Remove a token, repeat it, or let two change places."""
    tokens = _TOKEN.findall(data)
    if not tokens:
        return data
    first, second = (rng.randrange(len(tokens)) for _ in range(2))
    kind = rng.randrange(3)
    if kind == 0:
        del tokens[first]
    elif kind == 1:
        tokens[first] *= 2
    else:
        tokens[first], tokens[second] = tokens[second], tokens[first]
    return b"".join(tokens)


def change_lines(rng: random.Random, data: bytes) -> bytes:
    """Remove, repeat or move lines, or write them as other systems do."""
    lines = data.split(b"\n")
    first, second = (rng.randrange(len(lines)) for _ in range(2))
    kind = rng.randrange(8)
    if kind == 0:
        del lines[first]
    elif kind == 1:
        lines.insert(second, lines[first])
    elif kind == 2:
        lines[first], lines[second] = lines[second], lines[first]
    elif kind == 3:
        lines.insert(first, rng.choice((b"", b" ", b"#", b"x,y,w,h")))
    elif kind == 4:
        return data.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\r\r\n", b"\x0b", b"\n\n")))
    elif kind == 5:
        return b"\xef\xbb\xbf" + data
    elif kind == 6:
        encoding = rng.choice(("utf-16", "utf-16-le", "utf-32"))
        return data.decode("latin-1").encode(encoding)
    else:
        lines[first] = rng.choice((b",", b";", b" ", b"\t")).join(re.split(rb"[,\s]", lines[first]))
    return b"\n".join(lines)


BYTES: tuple[Mutation, ...] = (
    *(flip_bits, cut_off, remove_bytes, insert_bytes, repeat_bytes, blank_bytes, swap_bytes),
)
TEXT: tuple[Mutation, ...] = (
    *(flip_bits, cut_off, insert_bytes, repeat_bytes, change_token, change_token, change_token),
    *(move_token, change_lines, change_lines),
)


def mutate(rng: random.Random, data: bytes, mutations: tuple[Mutation, ...]) -> bytes:
    """Return the file after one to three mutations."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        data = rng.choice(mutations)(rng, data)
    return data
