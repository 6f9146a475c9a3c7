"""The same made-up videos in the layouts of the other training sources.

Two targets per video; in the first video something passes over the first target. Boxes are whole
pixels inside the frame. A source of one target per video has the first one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.images import encode_gray_png
from datasets.sample.scene import Frame, render
from datasets.sample.sources import VISIBLE, World, one_based, write_image, write_text
from datasets.sample.story import make_scene

_CATEGORY = "thing"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Video:
    """A video to write."""

    number: int
    """From 1."""
    frames: Sequence[Frame]
    size: tuple[int, int]

    def box(self, frame: int, target: int) -> tuple[int, int, int, int] | None:
        """Return the left, top, width and height of a target counted from 0; None if unseen."""
        shown = self.frames[frame].shown[target]
        low = self.frames[frame].boxes_xywh[target]
        left, top = (max(int(value), 0) for value in low[:2])
        right, bottom = (
            min(math.ceil(low[side] + low[side + 2]), self.size[side]) for side in (0, 1)
        )
        if shown < VISIBLE or right <= left or bottom <= top:
            return None
        return left, top, right - left, bottom - top

    def rows(self, target: int, absent: str) -> str:
        """Return a line ``x,y,w,h`` per frame, in which the top-left pixel is (1, 1)."""
        boxes = (self.box(frame, target) for frame in range(len(self.frames)))
        return "".join(f"{one_based(np.array(box)) if box else absent}\n" for box in boxes)

    def write_images(self, folder: Path, *, digits: int, first: int) -> None:
        """Write the frames as JPEG files with numbers."""
        for number, frame in enumerate(self.frames, start=first):
            write_image(folder / f"{number:0{digits}d}.jpg", frame.image)


def write_layouts(world: World, *, num_videos: int, num_frames: int) -> None:
    """Write the videos for GOT-10k, TrackingNet, MOT, DAVIS, DET and as own footage."""
    for index in range(num_videos):
        scene = make_scene(
            world.photos, world.rng(7, index), num_frames=num_frames, size=world.size,
            num_targets=2, hidden_at=num_frames // 2 if index == 0 else None, pace=world.pace,
        )  # fmt: skip
        video = Video(number=index + 1, frames=list(render(scene)), size=world.size)
        for source, write in _WRITERS.items():
            write(video, world.root / source)


def _got10k(video: Video, root: Path) -> None:
    folder = root / f"train/GOT-10k_Train_{video.number:06d}"
    video.write_images(folder, digits=8, first=1)
    write_text(folder / "groundtruth.txt", video.rows(0, "0,0,0,0"))
    seen = [video.box(frame, 0) is not None for frame in range(len(video.frames))]
    cover = [
        math.ceil(8 * frame.shown[0]) if s else 0
        for frame, s in zip(video.frames, seen, strict=True)
    ]
    labels = {
        "absence": [int(not s) for s in seen],
        "cover": cover,
        "cut_by_image": [0] * len(seen),
    }
    for name, values in labels.items():
        write_text(folder / f"{name}.label", "".join(f"{value}\n" for value in values))
    width, height = video.size
    info = f"[METAINFO]\nobject_class: {_CATEGORY}\nresolution: ({width}, {height})\n"
    write_text(folder / "meta_info.ini", info)


def _trackingnet(video: Video, root: Path) -> None:
    name = f"-Made_Up{video.number:03d}_0"
    video.write_images(root / f"TRAIN_0/frames/{name}", digits=1, first=0)
    boxes = [video.box(frame, 0) or (0, 0, 0, 0) for frame in range(len(video.frames))]
    rows = "".join(",".join(map(str, box)) + "\n" for box in boxes)
    write_text(root / f"TRAIN_0/anno/{name}.txt", rows)


def _mot(video: Video, root: Path) -> None:
    folder = root / f"train/MOT17-{video.number:02d}-FRCNN"
    video.write_images(folder / "img1", digits=6, first=1)
    rows = [
        f"{number},{target + 1},{one_based(np.array(box))},1,1,{frame.shown[target]:.2f}\n"
        for target in (0, 1)
        for number, frame in enumerate(video.frames, start=1)
        if (box := video.box(number - 1, target))
    ]
    write_text(folder / "gt/gt.txt", "".join(rows))
    write_text(folder / "seqinfo.ini", f"[Sequence]\nseqLength={len(video.frames)}\n")


def _davis(video: Video, root: Path) -> None:
    video.write_images(root / f"JPEGImages/480p/made{video.number}", digits=5, first=0)
    folder = root / f"Annotations/480p/made{video.number}"
    folder.mkdir(parents=True)
    for frame in range(len(video.frames)):
        mask = np.zeros(video.size[::-1], np.uint8)
        for target in (1, 0):  # the extent of the first stays whole
            if box := video.box(frame, target):
                x, y, w, h = box
                mask[y : y + h, x : x + w] = target + 1
        (folder / f"{frame:05d}.png").write_bytes(encode_gray_png(mask))


def _det(video: Video, root: Path) -> None:
    folder = f"DET/train/ILSVRC2013_train/n{video.number:08d}"
    width, height = video.size
    for frame in range(0, len(video.frames), 5):
        objects = ""
        for target in (0, 1):
            if box := video.box(frame, target):
                x, y, w, h = box
                edges = {"xmin": x, "ymin": y, "xmax": x + w - 1, "ymax": y + h - 1}
                box_xml = "".join(f"<{key}>{value}</{key}>" for key, value in edges.items())
                objects += f"<object><name>{_CATEGORY}</name><bndbox>{box_xml}</bndbox></object>"
        name = f"{folder}/n{video.number:08d}_{frame}"
        write_image(root / f"Data/{name}.JPEG", video.frames[frame].image)
        size = f"<size><width>{width}</width><height>{height}</height></size>"
        xml = f"<annotation>{size}{objects}</annotation>\n"
        write_text(root / f"Annotations/{name}.xml", xml)


def _folders(video: Video, root: Path) -> None:
    folder = root / f"video{video.number}"
    video.write_images(folder, digits=6, first=1)
    for target in (0, 1):
        rows = video.rows(target, "NaN,NaN,NaN,NaN")
        write_text(folder / f"groundtruth_{target + 1}.txt", rows)


_WRITERS: dict[str, Callable[[Video, Path], None]] = {
    "got10k": _got10k,
    "trackingnet": _trackingnet,
    "mot": _mot,
    "davis": _davis,
    "det": _det,
    "folders": _folders,
}
"""By source, which is also the name of its folder."""
