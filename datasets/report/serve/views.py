"""The pages of the browser: crops, tracks, pairs, and one track. They are HTML without a script."""

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlencode

from commands.pages.page import document
from datasets.report.serve.collection import Collection
from manifests.schema import COLUMNS

Query = Mapping[str, str]
_TILES, _LINES = 48, 200
"""Crops, and lines of a table, on one page."""
_STYLE = """\
a { color: var(--accent); } nav a, .pager > * { margin-right: 1rem; }
nav [aria-current] { color: var(--text); font-weight: 700; text-decoration: none; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
form { display: flex; flex-wrap: wrap; gap: .6rem; align-items: end; margin: 1rem 0; }
label { display: flex; flex-direction: column; font-size: .9em; } .where { flex: 1 1 16rem; }
input, button { font: inherit; padding: .35rem .5rem; } [type=number] { width: 6.5rem; }
.where input { width: 100%; font-family: monospace; }
.tiles a { display: flex; gap: 2px; } .tiles svg { flex: 2; min-width: 0; border-radius: 4px; }
.tiles .z { flex: 1; align-self: start; } .template { max-width: 12rem; }
.pairs { grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); }
th, td { text-align: left; } rect { fill: none; stroke: #00e640; stroke-width: 2; }
@media print { nav, form, .pager a { display: none; } }
"""


def show(collection: Collection, name: str, query: Query) -> str:
    """Return a page.

    Args:
        collection: The crops.
        name: ``crops``, ``tracks``, ``pairs`` or ``track``.
        query: The options in the page's address.

    Raises:
        ValueError: An option or the condition is wrong.
    """
    return _document(name, query, _VIEWS[name](collection, query))


def problem(name: str, query: Query, text: str) -> str:
    """Return a page with the problem, and the form for correcting it."""
    return _document(name, query, f'<p class="note" role="alert">{html.escape(text)}</p>')


def whole_number(query: Query, name: str, *, default: int, least: int, most: int) -> int:
    """Return an option that is a whole number in a range.

    Raises:
        ValueError: It is not.
    """
    text = query.get(name, "") or str(default)
    if not (text.isascii() and text.isdecimal() and least <= int(text[:18]) <= most):
        raise ValueError(f"{name} {text[:40]!r}: expected a whole number, {least:,} to {most:,}")
    return int(text[:18])


def _crops(collection: Collection, query: Query) -> str:
    rows, pager = _paged("crops", collection.select(query.get("where", "")), query, _TILES)
    return _tiles(pager, [_crop(collection, int(number)) for number in rows])


def _pairs(collection: Collection, query: Query) -> str:
    step = whole_number(query, "step", default=1, least=1, most=10**9)
    rows = collection.pairs(collection.select(query.get("where", "")), step=step)
    rows, pager = _paged("pairs", rows, query, _TILES // 2)
    pairs = [_crop(collection, int(number) + step, template=int(number)) for number in rows]
    return _tiles(pager, pairs, "tiles pairs")


def _tracks(collection: Collection, query: Query) -> str:
    tracks, counts = collection.tracks(collection.select(query.get("where", "")))
    shown, pager = _paged("tracks", range(len(tracks)), query, _LINES)
    lines = []
    for track, count in zip(tracks[shown].tolist(), counts[shown].tolist(), strict=True):
        rows = collection.track(track)
        first, last = collection.row(int(rows[0])), collection.row(int(rows[-1]))
        texts = [_text(first[name]) for name in ("source", "category", "split")]
        cells = [*texts, f"{count:,}", f"{len(rows):,}", first["frame"], last["frame"]]
        link = _link(_text(first["track"]), "track", {"track": track})
        lines.append([link, *(html.escape(str(cell)) for cell in cells)])
    heads = ("track", "source", "category", "split", "selected", "crops", "first frame", "last")
    return f"{pager}{_table(heads, lines)}{pager}"


def _track(collection: Collection, query: Query) -> str:
    most = int(collection.track_of[-1])
    track = whole_number(query, "track", default=0, least=0, most=most)
    rows = collection.track(track)
    ends = {"least": int(rows[0]), "most": int(rows[-1])}
    template = whole_number(query, "template", default=ends["least"], **ends)
    shown, pager = _paged("track", rows, query, _TILES)
    row = collection.row(template)
    facts = [(c.name, html.escape(_text(row[c.name])), c.unit) for c in COLUMNS]
    crops = [_crop(collection, int(number), template=template, small=False) for number in shown]
    return (
        f"<h2>{html.escape(_text(row['track']))}</h2>"
        f'<div class="template">{_image(collection, template, "z")}</div>'
        f"<p>The template of frame {row['frame']}, and the search crops of its track with their "
        "gaps in frames. Choose a crop to make it the template.</p>"
        f"<details><summary>Its row</summary>{_table(('column', 'value', 'unit'), facts)}</details>"
        + _tiles(pager, crops)
    )


_VIEWS: Mapping[str, Callable[[Collection, Query], str]] = {
    "crops": _crops,
    "tracks": _tracks,
    "pairs": _pairs,
    "track": _track,
}
PAGES = frozenset(_VIEWS)
"""Names of the pages."""


def _document(name: str, query: Query, body: str) -> str:
    where = {"where": query.get("where", "")}
    links = "".join(_link(view, view, where, view == name) for view in ("crops", "tracks", "pairs"))
    return document(name.capitalize(), f"<nav>{links}</nav>{_form(name, query)}{body}", _STYLE)


def _form(name: str, query: Query) -> str:
    if name not in ("crops", "tracks", "pairs"):
        return ""
    where = html.escape(query.get("where", ""))
    numbers = {"page": "page", **({"step": "crops apart"} if name == "pairs" else {})}
    fields = "".join(
        f'<label>{label} <input type="number" min="1" name="{option}" '
        f'value="{html.escape(query.get(option, "") or "1")}"></label>'
        for option, label in numbers.items()
    )
    columns = [(c.name, html.escape(c.meaning), c.unit) for c in COLUMNS]
    return (
        f'<form action="{name}"><label class="where">SQL condition '
        f'<input name="where" value="{where}" placeholder="category = \'dog\' AND box_w &gt; 40" '
        f'autocomplete="off" spellcheck="false"></label>{fields}<button>Show</button></form>'
        f"<details><summary>Columns</summary>{_table(('column', 'meaning', 'unit'), columns)}"
        "</details>"
    )


def _paged(name: str, items: Any, query: Query, size: int) -> tuple[Any, str]:
    """Return the items of the page that the query asks for, and the links to those around it."""
    pages = max(-(-len(items) // size), 1)
    page = min(whole_number(query, "page", default=1, least=1, most=10**9), pages)
    links = [
        _link(text, name, {**query, "page": to})
        for text, to in (("previous", page - 1), ("next", page + 1))
        if 1 <= to <= pages
    ]
    state = f"<span>{len(items):,} in all, page {page:,} of {pages:,}</span>"
    shown = items[(page - 1) * size : page * size]
    return shown, f'<p class="pager">{"".join(links)}{state}</p>'


def _tiles(pager: str, figures: Sequence[str], kind: str = "tiles") -> str:
    return f'{pager}<div class="{kind}">{"".join(figures)}</div>{pager}'


def _crop(
    collection: Collection, number: int, *, template: int | None = None, small: bool = True
) -> str:
    """Return a search crop, beside a small template if there is one, as a link to its track."""
    row = collection.row(number)
    category = row["category"] or "no category"
    caption = f"{category}; {row['source']} {row['track']}, frame {row['frame']}"
    image = _image(collection, number, "x")
    if template is not None:
        caption += f", gap {row['frame'] - collection.row(template)['frame']}"
        image = (_image(collection, template, "z") if small else "") + image
    else:
        caption += f"; {row['box_w']:.0f} x {row['box_h']:.0f} px"
    start = template if template is not None and small else number
    to = {"track": collection.track_of[number], "template": start}
    return (
        f'<figure><a href="{_address("track", to)}">{image}</a>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _image(collection: Collection, number: int, crop: Literal["z", "x"]) -> str:
    row, side = collection.row(number), collection.stored_px(number, crop)
    width, height = (row[name] * row["scale"] for name in ("box_w", "box_h"))
    kind = "template" if crop == "z" else "search crop"
    label = html.escape(f"{kind} of {row['track']}, frame {row['frame']}, with the target's box")
    return (
        f'<svg class="{crop}" viewBox="0 0 {side} {side}" role="img" aria-label="{label}">'
        f'<image href="{_address(f"{crop}.jpg", {"row": number})}" '
        f'width="{side}" height="{side}"/><rect x="{(side - width) / 2:.1f}" '
        f'y="{(side - height) / 2:.1f}" width="{width:.1f}" height="{height:.1f}"/></svg>'
    )


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are HTML."""
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for first, *cells in lines
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _link(text: str, name: str, query: Mapping[str, Any], current: bool = False) -> str:
    mark = ' aria-current="page"' if current else ""
    return f'<a href="{_address(name, query)}"{mark}>{html.escape(text)}</a>'


def _address(name: str, query: Mapping[str, Any]) -> str:
    options = {key: value for key, value in query.items() if value != ""}
    return html.escape(f"{name}?{urlencode(options)}" if options else name)


def _text(value: Any) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
