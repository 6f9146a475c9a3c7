"""The one look of all pages: HTML that needs nothing beside it, for screens, phones and paper.

write_page("report.html", "What a build made", sections, made_by=provenance)
"""

import base64
import functools
import html
import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commands.files import write_whole
from commands.pages.tables import Table as Table  # pages are made of them
from commands.pages.tables import cell_texts, head_texts, mark_best
from commands.provenance import Provenance
from commands.safe_text import printable

_FEWEST_LISTED = 4
"""Sections from which on a page begins with links to them."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Picture:
    """A picture with a description for readers who cannot see it."""

    figure: bytes | str
    """An encoded PNG, or the text of an SVG element."""
    alt: str
    caption: str = ""
    wide: bool = False
    """Whether it takes the page's whole width."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Section:
    """A part of the page, in the order warnings, text, code, pictures, tiles, tables."""

    title: str
    text: str = ""
    """Text in `backticks` is code to copy; so also in warnings."""
    warnings: tuple[str, ...] = ()
    code: str = ""
    """Something to copy, such as a condition or a command."""
    pictures: tuple[Picture, ...] = ()
    tiles: tuple[Picture, ...] = ()
    """Small pictures, as many side by side as the page is wide for."""
    tables: tuple[Table, ...] = ()


def write_page(url: str, title: str, sections: Sequence[Section], *, made_by: Provenance) -> None:
    """Write a page to a path or URL, whole or not at all."""
    write_whole(url, page_html(title, sections, made_by=made_by).encode())


def page_html(title: str, sections: Sequence[Section], *, made_by: Provenance) -> str:
    """Return the whole page."""
    body = "\n".join(_section(section, number) for number, section in enumerate(sections))
    return document(title, _contents(sections) + body, footer=_footer(made_by))


def document(title: str, body: str, style: str = "", *, footer: str = "") -> str:
    """Return an HTML document in the one look, without hidden characters and credentials.

    Args:
        title: Its title, as text.
        body: HTML below the title.
        style: CSS beside that of all pages.
        footer: HTML at the end.
    """
    name = html.escape(title)
    return printable(f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{name}</title>
<style>
{_style()}{style}</style>
</head>
<body>
<main>
<h1>{name}</h1>
{body}
</main>
{footer}
</body>
</html>
""")


def _contents(sections: Sequence[Section]) -> str:
    """Return links to the sections, so that a long page is walked by keyboard."""
    if len(sections) < _FEWEST_LISTED:
        return ""
    links = "\n".join(
        f'<a href="#s{number}">{html.escape(section.title)}</a>'
        for number, section in enumerate(sections)
    )
    return f'<nav aria-label="Sections">\n{links}\n</nav>\n'


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


def _section(section: Section, number: int) -> str:
    parts = [f'<section id="s{number}">\n<h2>{html.escape(section.title)}</h2>']
    parts += [f'<p class="note">{_prose(warning)}</p>' for warning in section.warnings]
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
        encoded = base64.b64encode(picture.figure).decode("ascii")
        image = f'<img alt="{alt}" src="data:image/png;base64,{encoded}">'
    caption = f"<figcaption>{html.escape(picture.caption)}</figcaption>" if picture.caption else ""
    return f"<figure{' class=wide' if picture.wide else ''}>{image}{caption}</figure>"


def _table(table: Table) -> str:
    ranks = mark_best(table)
    columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    kinds = ["text" if any(isinstance(v, str) for v in values) else "" for values in columns]
    head = "".join(
        f'<th scope="col"{_class(kind)}>{html.escape(name)}</th>'
        for name, kind in zip(head_texts(table), kinds, strict=True)
    )
    rows = []
    for index, row in enumerate(table.rows):
        name, *texts = (html.escape(text) for text in cell_texts(table, row, plus_minus="\u00b1"))
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
