"""Names and text of the figures of validation, each beside that of its trivial answer."""

from collections.abc import Mapping
from typing import NamedTuple

from trainer.validation.figures import KINDS, Measured


class Figure(NamedTuple):
    """A figure as log, curves and pages show it."""

    name: str
    trivial: str | None
    """Name of the trivial answer's figure; None where that is 0."""
    answer: str
    """The trivial answer."""
    short: str
    title: str
    digits: int = 3


def _place(name: str, short: str, title: str, digits: int = 3) -> Figure:
    return Figure(name, f"middle_{name}", "the middle", short, title, digits)


def _size(name: str, short: str, title: str) -> Figure:
    return Figure(name, f"constant_{name}", "a constant box", short, title)


PLACE_FIGURES = (
    _place("center_error_px", "centre px", "centre error, px", 1),
    _place("center_error_median_px", "median px", "median centre error, px", 1),
    _place("true_size_iou", "true-size IoU", "IoU of a box of the true size"),
)
SIZE_FIGURES = (
    _size("iou", "IoU", "IoU"),
    _size("size_iou", "IoU at centre", "IoU at the true centre"),
    _size("size_gain", "size gain", "size gain")._replace(trivial=None),
    _size("log_width_error", "log width", "median error of log width"),
    _size("log_height_error", "log height", "median error of log height"),
    _size("log_aspect_correlation", "aspect corr.", "correlation of log aspect")._replace(
        trivial=None
    ),
)


def as_lines(groups: Measured) -> list[str]:
    """Return a table as text: a line for each group, trivial answers in brackets."""
    shown = figures_of(groups["all"])
    cells = [["", "pairs", *(figure.short for figure in shown)]]
    for name in shown_groups(groups):
        texts = [
            "{} ({})".format(
                *(
                    "-" if value is None else f"{value:.{figure.digits}f}"
                    for value in with_trivial(figure, groups[name])
                )
            )
            for figure in shown
        ]
        cells.append([name, f"{groups[name]['num_pairs']}", *texts])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def shown_groups(groups: Measured) -> list[str]:
    """Return the kinds of pairs, and the sources if there are several."""
    kinds = [name for name in groups if name in KINDS]
    sources = [name for name in groups if name not in (*KINDS, "all")]
    return kinds + (sources if len(sources) > 1 else [])


def figures_of(figures: Mapping[str, float | None]) -> tuple[Figure, ...]:
    """Return the figures to show of a group; those of sizes only if the head predicts any."""
    return (*PLACE_FIGURES, *(SIZE_FIGURES if "size_gain" in figures else ()))


def with_trivial(
    figure: Figure, figures: Mapping[str, float | None]
) -> tuple[float | None, float | None]:
    """Return a figure and that of its trivial answer."""
    return figures[figure.name], 0.0 if figure.trivial is None else figures[figure.trivial]
