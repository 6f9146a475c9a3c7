"""Tables as values: their cells as text, and the best of each column or row."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from commands.safe_text import printable_line


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A number with the interval that it is known to."""

    value: float
    low: float
    high: float


Cell = str | float | Estimate | None
"""None is printed as a dash, an estimate with half of its interval's width."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows of text and numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """The first value of a row is its name."""
    digits: tuple[int, ...] = ()
    """Decimals of each column after the first; empty prints three, whole numbers without."""
    higher_is_better: tuple[bool, ...] = ()
    """By column after the first; where given, the best and second best are marked."""
    best_of_row: int = 0
    """From which column on the highest of a row is marked instead; 0 for columns."""
    folded: bool = False
    """Whether the page shows it only on a click."""


def head_texts(table: Table) -> tuple[str, ...]:
    """Return the names of the columns as text; some are those of trackers."""
    return tuple(map(printable_line, table.columns))


def cell_texts(table: Table, row: Sequence[Cell], *, plus_minus: str = "+-") -> tuple[str, ...]:
    """Return the cells of a row as text.

    Args:
        table: The table of the row.
        row: One of its rows.
        plus_minus: Sign between an estimate and half of its interval's width.
    """
    digits: Sequence[int | None] = table.digits or (None,) * (len(table.columns) - 1)
    return tuple(
        _text(value, places, plus_minus) for value, places in zip(row, (None, *digits), strict=True)
    )


def _text(value: Cell, places: int | None, plus_minus: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return printable_line(value)
    if isinstance(value, Estimate):
        parts = (value.value, (value.high - value.low) / 2)
        return f" {plus_minus} ".join(_text(part, places, "") for part in parts)
    return (
        f"{value:,}" if isinstance(value, int) else f"{value:.{3 if places is None else places}f}"
    )


def mark_best(table: Table) -> dict[tuple[int, int], str]:
    """Return "best" or "second" by the row and the column of a cell."""
    marks: dict[tuple[int, int], str] = {}
    for cells, higher in _ranked_groups(table):
        numbers = {cell: number for cell in cells if (number := _number(table, cell)) is not None}
        ordered = sorted(set(numbers.values()), reverse=higher)
        for name, best in zip(("best", "second"), ordered[:2], strict=False):
            if len(cells) > 1:
                marks |= {cell: name for cell, number in numbers.items() if number == best}
    return marks


def _ranked_groups(table: Table) -> Iterator[tuple[list[tuple[int, int]], bool]]:
    rows = range(len(table.rows))
    if table.best_of_row:
        for row in rows:
            yield [(row, column) for column in range(table.best_of_row, len(table.columns))], True
    for column, higher in enumerate(table.higher_is_better, start=1):
        yield [(row, column) for row in rows], higher


def _number(table: Table, cell: tuple[int, int]) -> float | None:
    value = table.rows[cell[0]][cell[1]]
    number = value.value if isinstance(value, Estimate) else value
    return number if isinstance(number, (int, float)) and not math.isnan(number) else None
