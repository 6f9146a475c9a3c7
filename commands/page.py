"""The one look of all pages: HTML that needs nothing beside it, for screens, phones and paper.

write_page("report.html", "What a build made", sections, made_by=provenance)
"""

import base64
import functools
import html
import io
import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from commands.files import write_whole
from commands.provenance import Provenance


class Figure(Protocol):
    """What matplotlib's figures can do; this layer does without matplotlib."""

    def savefig(self, fname: Any, /, *, format: str) -> None:  # noqa: A002 (matplotlib's name)
        """Write the figure."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows of text and numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]
    """The first value of a row is its name; None is printed as a dash."""
    digits: tuple[int, ...] = ()
    """Decimals of each column after the first; empty prints three, whole numbers without."""
    higher_is_better: tuple[bool, ...] = ()
    """By column after the first; where given, the best and second best are marked."""
    folded: bool = False
    """Whether the page shows it only on a click."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Picture:
    """A picture and what it shows in words, for those who cannot see it."""

    figure: Figure | bytes | str
    """A matplotlib figure, an encoded PNG, or the text of an SVG element."""
    alt: str
    caption: str = ""
    wide: bool = False
    """Whether it takes the page's whole width."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Section:
    """A part of the page, in the order warnings, text, code, pictures, tiles, tables."""

    title: str
    text: str = ""
    """Between `backticks` stands what a reader may copy; so also in warnings."""
    warnings: tuple[str, ...] = ()
    code: str = ""
    """Something to copy, such as a condition or a command."""
    pictures: tuple[Picture, ...] = ()
    tiles: tuple[Picture, ...] = ()
    """Small pictures, as many side by side as the page is wide for."""
    tables: tuple[Table, ...] = ()


def write_page(url: str, title: str, sections: Sequence[Section], *, made_by: Provenance) -> None:
    """Write a page to a path or URL, whole or not at all."""
    write_whole(url, page_html(title, sections, made_by=made_by).encode(errors="backslashreplace"))


def page_html(title: str, sections: Sequence[Section], *, made_by: Provenance) -> str:
    """Return the whole page."""
    name = html.escape(title)
    body = "\n".join(_section(section) for section in sections)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{name}</title>
<style>
{_style()}</style>
</head>
<body>
<main>
<h1>{name}</h1>
{body}
</main>
{_footer(made_by)}
</body>
</html>
"""


@functools.cache
def _style() -> str:
    return Path(__file__).with_suffix(".css").read_text(encoding="ascii")


def _footer(made_by: Provenance) -> str:
    settings = json.dumps(dict(made_by.settings), indent=2, default=str)
    prints = "\n".join(f"{sha256}  {url}" for url, sha256 in made_by.fingerprints.items())
    parts = ["<footer>", "<p>Made by</p>", _code(shlex.join(made_by.command))]
    if made_by.fingerprints:
        parts += ["<p>from these manifests (SHA-256)</p>", _code(prints)]
    if made_by.settings:
        parts.append(f"<details><summary>All settings</summary>{_code(settings)}</details>")
    return "\n".join([*parts, "</footer>"])


def _section(section: Section) -> str:
    parts = [f"<section>\n<h2>{html.escape(section.title)}</h2>"]
    parts += [f'<p class="note">{_prose(each)}</p>' for each in section.warnings]
    parts += [f"<p>{_prose(section.text)}</p>"] if section.text else []
    parts += [_code(section.code)] if section.code else []
    parts += _group("pictures", [_picture(picture) for picture in section.pictures])
    parts += _group("tiles", [_picture(picture) for picture in section.tiles])
    parts += _group("tables", [_table(table) for table in section.tables])
    return "\n".join([*parts, "</section>"])


def _group(name: str, elements: Sequence[str]) -> list[str]:
    return [f'<div class="{name}">', *elements, "</div>"] if elements else []


def _prose(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _code(text: str) -> str:
    return f"<pre>{html.escape(text)}</pre>"


def _picture(picture: Picture) -> str:
    alt = html.escape(picture.alt)
    if isinstance(picture.figure, str):
        image = picture.figure.replace("<svg ", f'<svg role="img" aria-label="{alt}" ', 1)
    else:
        encoded = base64.b64encode(_png(picture.figure)).decode("ascii")
        image = f'<img alt="{alt}" src="data:image/png;base64,{encoded}">'
    caption = f"<figcaption>{html.escape(picture.caption)}</figcaption>" if picture.caption else ""
    return f"<figure{' class=wide' if picture.wide else ''}>{image}{caption}</figure>"


def _png(figure: Figure | bytes) -> bytes:
    if isinstance(figure, bytes):
        return figure
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _table(table: Table) -> str:
    ranks = _ranks(table)
    columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    kinds = ["text" if any(isinstance(v, str) for v in values) else "" for values in columns]
    head = "".join(
        f'<th scope="col"{_class(kind)}>{html.escape(name)}</th>'
        for name, kind in zip(table.columns, kinds, strict=True)
    )
    rows = []
    for index, row in enumerate(table.rows):
        name, *texts = (html.escape(text) for text in _texts(table, row))
        cells = [f'<th scope="row">{name}</th>']
        for column, text in enumerate(texts, start=1):
            cells.append(f"<td{_class(ranks.get((index, column), kinds[column]))}>{text}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    caption = html.escape(table.caption)
    inner = f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(rows) + "\n</tbody>\n</table>"
    if table.folded:
        return f"<details><summary>{caption}</summary>\n<table>\n{inner}\n</details>"
    return f"<table>\n<caption>{caption}</caption>\n{inner}"


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _texts(table: Table, row: Sequence[str | float | None]) -> tuple[str, ...]:
    digits: Sequence[int | None] = table.digits or (None,) * (len(table.columns) - 1)
    return tuple(_text(value, places) for value, places in zip(row, (None, *digits), strict=True))


def _text(value: str | float | None, places: int | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.{3 if places is None else places}f}"


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
