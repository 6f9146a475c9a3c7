"""Types of options that take some values only; tyro refuses the others, with exit code 2.

head: Annotated[str, one_of(HEADS)] = "car"
workers: Count = 1
quality: Annotated[int, within(int, 1, 100)] = 92
"""

import math
import re
from collections.abc import Callable, Collection
from typing import Annotated, Any, TypeVar

from tyro.constructors import PrimitiveConstructorSpec

Number = TypeVar("Number", int, float)


def one_of(table: Collection[str]) -> PrimitiveConstructorSpec[str]:
    """Return the annotation of an option that takes a name in a table.

    The help lists the names; entering a name in the table is all that a new choice takes.

    Args:
        table: The names; looked at when the option is parsed.
    """

    def parse(word: str) -> str:
        if word not in table:
            raise ValueError(f"{word!r}, expected one of {sorted(table)}")
        return word

    return _one_word(str, parse, metavar="{" + ",".join(table) + "}")


def within(
    kind: type[Number], least: float = -math.inf, most: float = math.inf
) -> PrimitiveConstructorSpec[Number]:
    """Return the annotation of an option that takes finite numbers in a closed range.

    Args:
        kind: int or float.
        least: Lower end; by default there is none.
        most: Upper end; by default there is none.
    """
    ends = {f"at least {least}": least, f"at most {most}": most}
    limits = " and ".join(text for text, end in ends.items() if math.isfinite(end))

    def parse(word: str) -> Number:
        number = kind(word)
        if not (least <= number <= most and math.isfinite(number)):
            raise ValueError(f"{word}, expected {limits or 'a finite number'}")
        return number

    return _one_word(kind, parse, metavar=kind.__name__.upper())


def _device(word: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", word):
        raise ValueError(f"{word!r}, expected auto, cpu, mps, cuda, or cuda:1 and the like")
    return word


def _one_word(
    kind: type[Any], parse: Callable[[str], Any], *, metavar: str
) -> PrimitiveConstructorSpec[Any]:
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: parse(words[0]),
        is_instance=lambda value: isinstance(value, kind),
        str_from_instance=lambda value: [str(value)],
    )


Count = Annotated[int, within(int, 1)]
"""A number of things, at least one."""
Natural = Annotated[int, within(int, 0)]
"""A number of things; the option's help has the meaning of 0."""
FrameRate = Annotated[float, within(float, 0.001, 1000)]
"""Frames per second of a video."""
Seed = Annotated[int, within(int, 0, 2**63 - 1)]
"""A seed that all generators of random numbers take."""
Share = Annotated[float, within(float, 0, 1)]
"""A share of a whole."""
ValFraction = Annotated[float, within(float, 0, 0.99)]
"""Share of the groups in the val split."""
Device = Annotated[str, _one_word(str, _device, metavar="DEVICE")]
"""A device of torch by name, tried by `model.device.choose_device`."""
