"""Own footage for tests: one video of a few frames, its boxes in any of the formats."""

import json
from pathlib import Path

import cv2
import numpy as np

from tests.support.builds import make_jpeg

Boxes = dict[int, list[tuple[int, int, int, int] | None]]
"""Per target, its 0-based box in each frame; None where it is absent."""

TWO_TARGETS: Boxes = {
    1: [(10, 20, 40, 30), (12, 22, 40, 30), None, (16, 26, 42, 30)],
    2: [(90, 60, 30, 50), (92, 58, 30, 50), (94, 56, 30, 50), (96, 54, 30, 50)],
}
NUM_FRAMES = 4


def write_frames(video: Path) -> Path:
    """Write the frames of a video, and return its folder."""
    video.mkdir(parents=True)
    for number in range(1, NUM_FRAMES + 1):
        (video / f"{number:06d}.jpg").write_bytes(make_jpeg(number))
    return video


def write_boxes(video: Path, kind: str, boxes: Boxes = TWO_TARGETS) -> None:
    """Write boxes beside the frames."""
    globals()[f"_write_{kind}"](video, boxes)


def _write_text(video: Path, boxes: Boxes) -> None:
    for target, rows in boxes.items():
        lines = [
            "NaN,NaN,NaN,NaN" if box is None else f"{box[0] + 1},{box[1] + 1},{box[2]},{box[3]}"
            for box in rows
        ]
        (video / f"groundtruth_{target}.txt").write_text("\n".join(lines) + "\n")


def _write_mot(video: Path, boxes: Boxes) -> None:
    lines = [
        f"{number},{target},{box[0] + 1},{box[1] + 1},{box[2]},{box[3]},1"
        for target, rows in boxes.items()
        for number, box in enumerate(rows, start=1)
        if box is not None
    ]
    (video / "gt").mkdir()
    (video / "gt/gt.txt").write_text("\n".join(sorted(lines)))


def _write_cvat(video: Path, boxes: Boxes) -> None:
    tracks = []
    for target, rows in boxes.items():
        tracks.append(f'<track id="{target}" label="object">')
        for number, box in enumerate(rows):
            x, y, w, h = box or (1, 1, 9, 9)
            tracks.append(
                f'<box frame="{number}" outside="{int(box is None)}" occluded="0" keyframe="1" '
                f'xtl="{x}" ytl="{y}" xbr="{x + w}" ybr="{y + h}"/>'
            )
        tracks.append("</track>")
    text = "".join(tracks)
    (video / "annotations.xml").write_text(f"<annotations>{text}</annotations>")


def _write_coco(video: Path, boxes: Boxes) -> None:
    images = [
        {"id": number, "file_name": f"{number:06d}.jpg", "width": 160, "height": 120}
        for number in range(1, NUM_FRAMES + 1)
    ]
    found = [
        (target, number, box)
        for target, rows in boxes.items()
        for number, box in enumerate(rows, start=1)
        if box is not None
    ]
    annotations = [
        {"id": i, "image_id": number, "track_id": target, "category_id": 7, "bbox": list(box)}
        for i, (target, number, box) in enumerate(found)
    ]
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 7, "name": "object"}],
    }
    (video / "instances.json").write_text(json.dumps(content))


def _write_masks(video: Path, boxes: Boxes) -> None:
    (video / "masks").mkdir()
    for number in range(1, NUM_FRAMES + 1):
        mask = np.zeros((120, 160), np.uint8)
        mask[0, :5] = 255
        for target, rows in boxes.items():
            if (box := rows[number - 1]) is not None:
                x, y, w, h = box
                mask[y : y + h, x : x + w] = target
        cv2.imwrite(str(video / f"masks/{number:06d}.png"), mask)
