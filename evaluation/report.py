"""The report: one HTML page that needs nothing beside it."""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from manifests.atomic import whole_file

_STYLE = """
:root { color-scheme: light dark; --text: #1a1a1a; --back: #ffffff; --line: #d0d0d0;
  --soft: #f4f4f4; --best: #b3261e; --second: #1b5fb4; }
@media (prefers-color-scheme: dark) { :root { --text: #e8e8e8; --back: #17181a; --line: #3d4045;
  --soft: #222427; --best: #ff8a80; --second: #8ab4f8; } }
body { color: var(--text); background: var(--back); max-width: 70rem; margin: 2rem auto;
  padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: 0.8rem 0; display: block; overflow-x: auto; }
caption { text-align: left; padding-bottom: 0.4rem; }
th, td { padding: 0.3rem 0.7rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
thead th { background: var(--soft); }
.best { color: var(--best); font-weight: 700; } .second { color: var(--second); font-weight: 700; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
.plots img { background: #fff; max-width: 100%; flex: 1 1 26rem; width: 26rem; border-radius: 4px; }
.strip img { max-width: 100%; } .note { border-left: 4px solid var(--best); padding-left: 0.8rem; }
details { margin: 0.8rem 0; } summary { cursor: pointer; }
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows of text and numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]
    """The first value of a row is its name; None is printed as a dash."""
    digits: tuple[int, ...] = ()
    """Decimals of each column after the first; empty prints three."""
    higher_is_better: tuple[bool, ...] = ()
    """By column after the first; where given, the best and second best are marked."""
    folded: bool = False
    """Whether the page shows it only on a click."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Picture:
    """A figure and what it shows in words, for those who cannot see it."""

    figure: Figure | bytes
    """A figure, or an encoded PNG."""
    alt: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Section:
    """A part of the page, in the order text, plots, tables."""

    title: str
    text: str = ""
    warnings: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()


def write_report(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Write the page, whole or not at all."""
    body = "\n".join(_section(section) for section in sections)
    name = html.escape(title)
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{name}</h1>
{body}
</body>
</html>
"""
    with whole_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


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


def _section(section: Section) -> str:
    parts = [f"<section>\n<h2>{html.escape(section.title)}</h2>"]
    parts += [f'<p class="note">{html.escape(each)}</p>' for each in section.warnings]
    parts += [f"<p>{html.escape(section.text)}</p>"] if section.text else []
    if section.pictures:
        images = "\n".join(_image(picture) for picture in section.pictures)
        wide = any(isinstance(picture.figure, bytes) for picture in section.pictures)
        parts.append(f'<div class="{"strip" if wide else "plots"}">\n{images}\n</div>')
    parts += [_table(table) for table in section.tables]
    return "\n".join([*parts, "</section>"])


def _image(picture: Picture) -> str:
    if isinstance(picture.figure, bytes):
        data = picture.figure
    else:
        buffer = io.BytesIO()
        picture.figure.savefig(buffer, format="png")
        data = buffer.getvalue()
    encoded = base64.b64encode(data).decode("ascii")
    return f'<img alt="{html.escape(picture.alt)}" src="data:image/png;base64,{encoded}">'


def _table(table: Table) -> str:
    classes = _ranks(table)
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in table.columns)
    rows = []
    for index, row in enumerate(table.rows):
        cells = []
        for column, text in enumerate(_texts(table, row)):
            rank = classes.get((index, column), "")
            attribute = f' class="{rank}"' if rank else ""
            tag = '<th scope="row">{}</th>' if column == 0 else f"<td{attribute}>{{}}</td>"
            cells.append(tag.format(html.escape(text)))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    caption = html.escape(table.caption)
    inner = f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(rows) + "\n</tbody>\n</table>"
    if table.folded:
        return f"<details><summary>{caption}</summary>\n<table>\n{inner}\n</details>"
    return f"<table>\n<caption>{caption}</caption>\n{inner}"


def _texts(table: Table, row: Sequence[str | float | None]) -> tuple[str, ...]:
    digits = (0, *(table.digits or (3,) * (len(table.columns) - 1)))
    return tuple(
        "-" if value is None else value if isinstance(value, str) else f"{value:.{places}f}"
        for value, places in zip(row, digits, strict=True)
    )


def _ranks(table: Table) -> dict[tuple[int, int], str]:
    """Return the class of the best and second best cells of each ranked column."""
    classes = {}
    for column, higher in enumerate(table.higher_is_better, start=1):
        numbers = {row[column] for row in table.rows if isinstance(row[column], (int, float))}
        ordered = sorted((float(each) for each in numbers if each is not None), reverse=higher)
        for name, value in zip(("best", "second"), ordered[:2], strict=False):
            for index, row in enumerate(table.rows):
                if len(table.rows) > 1 and row[column] == value:
                    classes[index, column] = name
    return classes
