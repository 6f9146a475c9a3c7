"""Tables as text for the terminal, as LaTeX for papers."""

from commands.pages.tables import Table, cell_texts, head_texts, mark_best

_ESCAPES = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    # LaTeX's default encoding prints other signs for these
    **{letter: f"${letter}$" for letter in "<>|"},
}


def table_text(table: Table) -> str:
    """Return a table as aligned plain text, for the terminal."""
    cells = [head_texts(table), *(cell_texts(table, row) for row in table.rows)]
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
    marks = mark_best(table)
    lines = [
        rf"% {table.caption}",
        rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
        r"\toprule",
        " & ".join(_escape(name) for name in head_texts(table)) + r" \\",
        r"\midrule",
    ]
    for index, row in enumerate(table.rows):
        cells = [
            rf"\textbf{{{_escape(text)}}}"
            if marks.get((index, column)) == "best"
            else _escape(text)
            for column, text in enumerate(cell_texts(table, row))
        ]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text).replace("+-", r"$\pm$")
