"""Pictures of pairs: template, search crop with the true and the predicted box, response map."""

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.validation.validate import Examples

Image = NDArray[np.uint8]

_TRUE_RGB, _PREDICTED_RGB = (60, 220, 60), (240, 60, 60)


def draw_examples(examples: Examples) -> Image:
    """Return one row per pair: template, search (green true, red predicted box), response."""
    rows = []
    for index in range(len(examples.template)):
        search = examples.search[index].numpy().copy()
        _draw_box(search, examples.true_boxes[index].numpy(), _TRUE_RGB)
        _draw_box(search, examples.predicted_boxes[index].numpy(), _PREDICTED_RGB)
        template = np.zeros((255, 127, 3), np.uint8)
        template[64:191] = examples.template[index].numpy()
        response = draw_response(examples.scores[index].numpy())
        rows.append(np.concatenate([template, search, response], axis=1))
    return np.concatenate(rows, axis=0)


def draw_response(scores: NDArray[np.float32]) -> Image:
    """Return (255, 255, 3): the map (n, n) stretched from its lowest to its highest score."""
    low, high = float(scores.min()), float(scores.max())
    level = ((scores - low) / max(high - low, 1e-9) * 255).astype(np.uint8)
    large = cv2.resize(level, (255, 255), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.applyColorMap(large, cv2.COLORMAP_VIRIDIS)[..., ::-1], np.uint8)


def _draw_box(image: Image, box_xyxy: NDArray[np.float32], rgb: tuple[int, int, int]) -> None:
    left, top, right, bottom = (round(float(side) - 0.5) for side in np.clip(box_xyxy, -9, 999))
    cv2.rectangle(image, (left, top), (right, bottom), rgb, 2)
