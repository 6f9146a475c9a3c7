"""Pictures of pairs: as stored and as the network gets them, with boxes and positive cells."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from commands.pages.page import Picture
from datasets.images import Image, encode_png
from model.heads import HEADS
from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE
from sampling.augment import Change
from sampling.batch import PairBatch
from sampling.pixels.cut import Window
from trainer.config import TrainConfig

_BOX_RGB, _CELL_RGB, _GAP_PX = (0, 230, 64), (255, 120, 0), 4


class Origin(NamedTuple):
    """Origin and change of a pair."""

    template: str
    """Source, track and frame of the template, such as "lasot dog-3 frame 12"."""
    search: str
    """The same of the search crop."""
    gap: int | None
    """Distance in frames; None for a negative pair."""
    change: Change
    template_px: int
    """Side of the stored template crop."""
    background: str | None = None
    """The crop that the target was moved before, if it was."""


def pair_pictures(
    run: TrainConfig, before: PairBatch, after: PairBatch, origins: Sequence[Origin]
) -> Iterator[Picture]:
    """Yield one picture for each pair.

    Args:
        run: Its head and centre ratio decide which cells are positive.
        before: The pairs without augmentation.
        after: The same pairs as the network gets them.
        origins: Their origins and changes.
    """
    cells, locations = _positive_cells(run, after)
    for index, origin in enumerate(origins):
        search = _with_box(after.search[index].numpy(), after.boxes_xyxy[index].numpy())
        center = after.boxes_xyxy[index].view(2, 2).mean(0)
        shifts = (template_shift(origin), (center - SEARCH_SIZE / 2).tolist())
        sheet = _sheet(
            (before.template[index].numpy(), after.template[index].numpy()),
            (
                _with_box(before.search[index].numpy(), before.boxes_xyxy[index].numpy()),
                _with_cells(search, cells[index], locations),
            ),
            cells[index],
        )
        text = "; ".join(
            (
                _name_pair(origin),
                "grey" if origin.change.gray else "colour",
                "mirrored" if origin.change.flip else "not mirrored",
                _describe("template", origin.change.template, TEMPLATE_SIZE, shifts[0]),
                _describe("search", origin.change.search, SEARCH_SIZE, shifts[1]),
                *_describe_looks(origin),
                f"{int(cells[index].sum())} positive cells",
            )
        )
        yield Picture(figure=encode_png(sheet), alt=text, caption=text)


def _positive_cells(run: TrainConfig, batch: PairBatch) -> tuple[NDArray[np.bool_], list[float]]:
    """Return (B, n, n) positive cells, and their locations in the search crop along an axis."""
    head = HEADS[run.model.head](channels=8, config=run.model)
    targets = head.targets(batch.boxes_xyxy, batch.positive, center_ratio=run.center_ratio)
    return targets.positive.numpy(), head.locations.tolist()


def template_shift(origin: Origin) -> tuple[float, float]:
    """Return the target's shift from the finished template's centre, in its pixels."""
    left, top, width, height = origin.change.template
    x, y = (
        (origin.template_px / 2 - start) * TEMPLATE_SIZE / side - TEMPLATE_SIZE / 2
        for start, side in ((left, width), (top, height))
    )
    return -x if origin.change.flip else x, y


def _name_pair(origin: Origin) -> str:
    if origin.gap is None:
        return f"negative pair: template {origin.template}, search {origin.search}"
    frame = origin.search.rpartition(" ")[2]
    return f"{origin.template}, searched for in frame {frame}, gap {origin.gap:+d}"


def _describe(role: str, window: Window, size: int, shift: Sequence[float]) -> str:
    x, y = (round(value, 1) + 0.0 for value in shift)  # -0.0 becomes 0.0
    zoom = f"x{size / window.width:.2f}"
    if window.height != window.width:
        zoom += f" by x{size / window.height:.2f}"
    return f"{role} zoomed {zoom}, target at {x:+.1f}, {y:+.1f} px"


def _describe_looks(origin: Origin) -> Iterator[str]:
    if origin.background is not None:
        yield f"target moved before {origin.background}"
    for role, look in (
        ("template", origin.change.template_look),
        ("search", origin.change.search_look),
    ):
        if look.color is not None:
            contrast, brightness, _ = look.color
            yield f"{role} contrast x{contrast:.2f}, brightness x{brightness:.2f}"
        if look.blur_px:
            yield f"{role} blurred by {look.blur_px:.1f} px"


def _with_box(crop: Image, box_xyxy: NDArray[np.float32]) -> Image:
    drawn = crop.copy()
    left, top, right, bottom = np.round(box_xyxy - 0.5).astype(int).tolist()
    cv2.rectangle(drawn, (left, top), (right, bottom), _BOX_RGB, 1, cv2.LINE_AA)
    return drawn


def _with_cells(crop: Image, cells: NDArray[np.bool_], locations: Sequence[float]) -> Image:
    for row, column in np.argwhere(cells):
        at = (round(locations[column]), round(locations[row]))
        cv2.circle(crop, at, 1, _CELL_RGB, -1, cv2.LINE_AA)
    return crop


def _sheet(
    templates: tuple[Image, Image], searches: tuple[Image, Image], cells: NDArray[np.bool_]
) -> Image:
    """Return before and after side by side, templates below search crops, on transparent paper."""
    sheet = np.zeros(
        (SEARCH_SIZE + _GAP_PX + TEMPLATE_SIZE, 2 * SEARCH_SIZE + _GAP_PX, 4), np.uint8
    )
    below, second = SEARCH_SIZE + _GAP_PX, SEARCH_SIZE + _GAP_PX
    label_map = cv2.resize(
        cells.astype(np.uint8) * 255,
        (TEMPLATE_SIZE, TEMPLATE_SIZE),
        interpolation=cv2.INTER_NEAREST,
    )
    for part, top, left in (
        (searches[0], 0, 0),
        (searches[1], 0, second),
        (templates[0], below, 0),
        (templates[1], below, second),
        (np.repeat(label_map[:, :, None], 3, axis=2), below, second + SEARCH_SIZE - TEMPLATE_SIZE),
    ):
        height, width = part.shape[:2]
        sheet[top : top + height, left : left + width, :3] = part
        sheet[top : top + height, left : left + width, 3] = 255
    return sheet
