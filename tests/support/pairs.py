"""One pair with its own random numbers, augmented as the loader does it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE
from sampling.apply import apply_change
from sampling.augment import AugmentSettings, draw_changes
from sampling.pixels.cut import Image, Window, cut_window


def augment_pair(
    template: Image,
    search: Image,
    target_size: tuple[float, float],
    settings: AugmentSettings,
    numbers: NDArray[np.float64],
    *,
    background: Image | None = None,
) -> tuple[Image, Image, NDArray[np.float32]]:
    """Augment one pair.

    Args:
        template: (127 + 2M, 127 + 2M, 3) uint8 RGB as stored, the target in the middle.
        search: (255 + 2M, 255 + 2M, 3) uint8 RGB as stored.
        target_size: (w, h) of the target in px of the search crop.
        settings: Settings of the augmentation.
        numbers: (1, N) of `AugmentSettings.num_blocks`, the pair's own, such as
            `sampling.rng.pair_numbers` draws.
        background: (255 + 2M, 255 + 2M, 3) uint8 RGB of another group, to move the target before.

    Returns:
        Template (127, 127, 3), search crop (255, 255, 3), and (4,) left, top, right, bottom of the
        target in the search crop in edge coordinates; it may reach past the crop.
    """
    stored = {"template": template, "search": search}
    if background is not None:
        stored["background"] = background
    sides = {f"{role}_px": np.array([image.shape[0]]) for role, image in stored.items()}
    (change,) = draw_changes(settings, numbers, **sides)

    def cut(role: str, window: Window, flip: bool, out: Image) -> None:
        image = stored[role]
        seen = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if change.gray else image
        cut_window(seen, window, out.shape[0], gray=change.gray, flip=flip, out=out)

    crops = [np.empty((size, size, 3), np.uint8) for size in (TEMPLATE_SIZE, SEARCH_SIZE)]
    box = apply_change(
        change,
        cut,
        target_size,
        search_px=search.shape[0],
        template=crops[0],
        search=crops[1],
    )
    return crops[0], crops[1], np.array(box, np.float32)
