"""Figures of matplotlib in the colours of the page that they stand on, light or dark."""

import io
import re

import matplotlib as mpl
from matplotlib.figure import Figure

GRID = "#e5e5e5"
BAND = "#ededed"
_PAGE_COLORS = {
    **{"#000000": "currentColor", "#ffffff": "var(--back)", BAND: "var(--soft)"},
    **{GRID: "var(--line)", "#cccccc": "var(--line)"},
}
"""Colours of a page, light or dark, for those of a figure."""


def figure_svg(figure: Figure) -> str:
    """Return a figure as an SVG element in the colours of the page that it stands on."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "page"}):
        figure.savefig(buffer, format="svg", metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg ") :]
    # What HTML does not need, and numbered names, which would be the same in every figure.
    text = re.sub(r' (xmlns(:\w+)?="[^"]*"|id="[\w.]+_\d+")', "", text).replace("xlink:", "")
    return re.sub("#[0-9a-f]{6}", lambda found: _PAGE_COLORS.get(found[0], found[0]), text)
