"""The made-up world in the layouts of the four training sources, with their oddities.

Each function writes one source, with comments at its oddities. See ``datasets.sample``.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.images import encode_jpeg
from datasets.sample.scene import Floats, Frame, render
from datasets.sample.sprites import Image
from datasets.sample.story import make_scene
from datasets.sources.uav123 import sequence_ranges

VISIBLE = 0.15
"""Smallest visible share of a target that has a box."""
_COCO_CATEGORIES = {1: "person", 17: "cat", 44: "bottle"}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class World:
    """The settings that all writers have in common."""

    root: Path
    photos: Sequence[Image]
    seed: int
    size: tuple[int, int]
    """Width and height of a frame."""
    pace: int = 1
    """Speed of the videos of VID and LaSOT, relative to the benchmarks'."""

    def rng(self, *key: int) -> np.random.Generator:
        """Return the generator of one video, independent of all others."""
        return np.random.default_rng([self.seed, *key])


def write_image(path: Path, image: Image) -> None:
    """Write a JPEG, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_jpeg(image, quality=90))


def write_text(path: Path, text: str) -> None:
    """Write a text file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii", newline="\n")


def write_vid(world: World, *, num_videos: int, num_frames: int) -> None:
    """Write ImageNet VID: packs of two years, snippets of one source video, gaps, odd numbers."""
    for index in range(num_videos):
        source, snippet = divmod(index, 2)  # two snippets of each source video
        rng = world.rng(1, index)
        name = f"{source:05d}{snippet:03d}"
        subset = f"train/ILSVRC2015_VID_train_000{index % 4}/ILSVRC2015_train_{name}"
        if index % 6 == 4:
            subset = f"train/ILSVRC2017_VID_train_0000_{source}/ILSVRC2017_train_{name}"
        elif index % 6 == 5:
            subset = f"val/ILSVRC2015_val_{name}"
        num_targets = 1 + index % 3
        length = 6 if index == 1 else num_frames  # the shortest real snippets have six frames
        scene = make_scene(
            world.photos,
            rng,
            num_frames=length,
            size=world.size,
            num_targets=num_targets,
            hidden_at=length // 2 if index % 3 == 0 else None,  # a gap in the track
            away_at=length // 3 if index % 3 == 1 and length * world.pace > 12 else None,
            pace=world.pace,
        )
        for number, frame in enumerate(render(scene)):
            stem = f"VID/{subset}/{number:06d}"
            write_image(world.root / f"vid/Data/{stem}.JPEG", frame.image)
            xml = _vid_xml(subset, number, frame, num_targets, world.size, odd=index % 2 == 1)
            write_text(world.root / f"vid/Annotations/{stem}.xml", xml)


def _vid_xml(
    folder: str, number: int, frame: Frame, num_targets: int, size: tuple[int, int], *, odd: bool
) -> str:
    parts = []
    for target in range(num_targets):
        if frame.shown[target] < VISIBLE:
            continue
        left, top, width, height = frame.boxes_xywh[target]
        xmin, ymin = int(left), int(top)
        xmax, ymax = int(np.ceil(left + width)) - 1, int(np.ceil(top + height)) - 1
        track = f"<trackid>{target + (60 if odd else 0)}</trackid>"
        name = f"<name>n0{2_000_000 + target}</name>"
        box = f"<xmax>{xmax}</xmax><xmin>{xmin}</xmin><ymax>{ymax}</ymax><ymin>{ymin}</ymin>"
        flags = (
            f"<occluded>{int(frame.shown[target] < 0.7)}</occluded>"
            f"<generated>{int(number % 5 != 0)}</generated>"
        )
        fields = [track, name, f"<bndbox>{box}</bndbox>", flags]
        parts.append(f"<object>{''.join(fields[::-1] if odd else fields)}</object>")
    return (
        f"<annotation><folder>{folder.partition('/')[2]}</folder><filename>{number:06d}</filename>"
        "<source><database>ILSVRC_2015</database></source>"
        f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
        f"{''.join(parts)}</annotation>\n"
    )


def write_coco(world: World, *, num_images: int) -> None:
    """Write COCO: both image layouts, crowds, images without a box, boxes without an area."""
    for subset, folder, first, count in (
        ("train2017", "train2017", 9, num_images),
        ("val2017", "images/val2017", 139, max(2, num_images // 8)),
    ):
        images: list[dict[str, Any]] = []
        objects: list[dict[str, Any]] = []
        for index in range(count):
            rng = world.rng(2, first, index)
            width, height = world.size if index % 3 else world.size[::-1]
            scene = make_scene(
                world.photos, rng, num_frames=1, size=(width, height), num_targets=2 + index % 3,
                num_others=0,
            )  # fmt: skip
            (frame,) = render(scene)
            image_id = first + 16 * index
            name = f"{image_id:012d}.jpg"
            write_image(world.root / f"coco/{folder}/{name}", frame.image)
            images.append({"id": image_id, "file_name": name, "width": width, "height": height})
            if index % 16 == 5:
                continue  # about one image in a hundred has no box; here one in sixteen
            for box_xywh in frame.boxes_xywh[frame.shown > VISIBLE]:
                objects.append(_coco_object(image_id, len(objects), box_xywh.tolist(), first))
        _make_odd(objects, world.size)
        categories = [{"id": i, "name": name} for i, name in _COCO_CATEGORIES.items()]
        table = {"images": images, "annotations": objects, "categories": categories}
        path = world.root / f"coco/annotations/instances_{subset}.json"
        write_text(path, json.dumps(table))


def _coco_object(image_id: int, index: int, box_xywh: list[float], first: int) -> dict[str, Any]:
    left, top, width, height = (round(value, 2) for value in box_xywh)
    right, bottom = left + width, top + height
    return {
        "id": 100_000 * first + index,
        "image_id": image_id,
        "category_id": list(_COCO_CATEGORIES)[index % 3],
        "bbox": [left, top, width, height],
        "area": width * height,
        "iscrowd": 0,
        "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
    }


def _make_odd(objects: list[dict[str, Any]], size: tuple[int, int]) -> None:
    """Give a crowd, a box of height 0 and a box under 2 px to the annotations of one file."""
    crowd, flat, tiny = objects[0], objects[1], objects[2]
    crowd["iscrowd"] = 1
    crowd["segmentation"] = {"counts": [0, size[0] * size[1]], "size": [size[1], size[0]]}
    flat["bbox"][3] = 0
    tiny["bbox"][2:] = [1.5, 1.5]


def write_uav123(world: World, *, folders: Sequence[str]) -> None:
    """Write folders of UAV123's 10 fps release: pieces, gaps between them, ``NaN`` rows, ``_s``."""
    release = "UAV123_10fps"
    size = (world.size[0] * 2 // 3, world.size[0] * 3 // 8)  # 16:9
    for index, folder in enumerate(folders):
        pieces = {
            name: (first, last)
            for name, (piece_folder, first, last) in sequence_ranges()[release].items()
            if piece_folder == folder
        }
        num_frames = max(last for _, last in pieces.values())
        scene = make_scene(
            world.photos, world.rng(3, index), num_frames=num_frames, size=size,
            num_others=1 + index % 3,
            hidden_at=num_frames // 2 if index % 3 == 0 else None,
            away_at=num_frames // 2 if index % 3 == 1 else None,
        )  # fmt: skip
        rows = []
        for number, frame in enumerate(render(scene), start=1):
            path = world.root / f"uav123/data_seq/{release}/{folder}/{number:06d}.jpg"
            write_image(path, frame.image)
            absent = frame.shown[0] < VISIBLE
            rows.append("NaN,NaN,NaN,NaN" if absent else one_based(frame.boxes_xywh[0]))
        for name, (first, last) in pieces.items():
            path = world.root / f"uav123/anno/{release}/{name}.txt"
            write_text(path, "\n".join(rows[first - 1 : last]) + "\n")


def one_based(box_xywh: Floats, separator: str = ",") -> str:
    """Return a line of whole numbers in which the top-left pixel is (1, 1)."""
    left, top, width, height = np.round(box_xywh).astype(int)
    return separator.join(str(value) for value in (left + 1, top + 1, width, height))


_LASOT_ODDITIES: dict[int, Callable[[str], str]] = {
    1: lambda row: "0,0,0,0",
    2: lambda row: ",".join([*row.split(",")[:2], "-1", "-1"]),
    3: lambda row: ",".join([*row.split(",")[:3], "-10"]),
}
"""Rows with empty or negative sizes that are not flagged."""


def write_lasot(world: World, *, names: Sequence[str], num_frames: int) -> None:
    """Write LaSOT: stale boxes on absent frames, empty and negative boxes, a doubled folder."""
    for index, name in enumerate(names):
        category = name.rpartition("-")[0]
        nested = f"{category}/{category}" if category == "zebra" else category
        folder = world.root / f"lasot/{nested}/{name}"
        scene = make_scene(
            world.photos, world.rng(4, index), num_frames=num_frames, size=world.size,
            num_others=1 + index % 4,
            hidden_at=num_frames * 2 // 3 if index % 2 == 0 else None,
            away_at=num_frames // 3 if index % 3 == 1 else None,
            pace=world.pace,
        )  # fmt: skip
        rows: list[str] = []
        occluded, outside = [], []
        for number, frame in enumerate(render(scene), start=1):
            write_image(folder / f"img/{number:08d}.jpg", frame.image)
            absent = frame.shown[0] < VISIBLE
            outside.append(int(frame.inside[0] < VISIBLE))
            occluded.append(int(absent and not outside[-1]))
            # Most absent frames keep the last box, some have an empty one.
            stale = "0,0,0,0" if number % 4 == 0 else rows[-1] if rows else "0,0,0,0"
            rows.append(stale if absent else one_based(frame.boxes_xywh[0]))
        if index in _LASOT_ODDITIES:
            rows[-1] = _LASOT_ODDITIES[index](rows[-1])
        write_text(folder / "groundtruth.txt", "\n".join(rows) + "\n")
        write_text(folder / "full_occlusion.txt", ",".join(map(str, occluded)) + "\n")
        write_text(folder / "out_of_view.txt", ",".join(map(str, outside)) + "\n")
        write_text(folder / "nlp.txt", f"a {category} that moves in front of a photograph\n")
