"""Tables as text for the terminal, as LaTeX for papers."""

from collections.abc import Sequence

from commands.page import Table

_ESCAPES = {
    **{each: f"\\{each}" for each in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{each: f"${each}$" for each in "<>|"},  # LaTeX's default encoding prints other signs for them
}


def table_text(table: Table) -> str:
    """Return a table as aligned plain text, for the terminal."""
    cells = [table.columns, *(_texts(table, row) for row in table.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(table.columns))]
    lines = [
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([table.caption, *lines])


def table_latex(table: Table) -> str:
    """Return a table for a paper; it needs the package ``booktabs``, the best value is bold."""
    best = _best_cells(table)
    lines = [
        rf"% {table.caption}",
        rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
        r"\toprule",
        " & ".join(_escape(name) for name in table.columns) + r" \\",
        r"\midrule",
    ]
    for index, row in enumerate(table.rows):
        cells = [
            rf"\textbf{{{_escape(text)}}}" if (index, column) in best else _escape(text)
            for column, text in enumerate(_texts(table, row))
        ]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _best_cells(table: Table) -> set[tuple[int, int]]:
    cells = set()
    for column, higher in enumerate(table.higher_is_better, start=1):
        numbers = [
            (float(value), index)
            for index, row in enumerate(table.rows)
            if isinstance(value := row[column], (int, float))
        ]
        if len(numbers) > 1:
            best = max(numbers)[0] if higher else min(numbers)[0]
            cells |= {(index, column) for value, index in numbers if value == best}
    return cells


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _texts(table: Table, row: Sequence[str | float | None]) -> tuple[str, ...]:
    digits = (0, *(table.digits or (3,) * (len(table.columns) - 1)))
    return tuple(
        "-" if value is None else value if isinstance(value, str) else f"{value:.{places}f}"
        for value, places in zip(row, digits, strict=True)
    )
