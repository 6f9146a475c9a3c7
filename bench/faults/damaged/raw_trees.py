"""Small trees of raw datasets, as they are published."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from datasets.images import decode_image, encode_png
from tests.support.builds import make_jpeg, make_video
from tests.support.footage import write_boxes, write_frames

VID = "val/ILSVRC2015_val_00000000"


BOXES = "".join(f"{40 + n},{30 + n},50,{40 + n}\n" for n in range(6))


def write_video(tree: Path) -> None:
    """Write a VID video of three frames."""
    make_video(tree, [make_jpeg(seed) for seed in range(3)])


def footage(kind: str) -> Callable[[Path], None]:
    """Return a call that writes own footage with boxes of one kind."""

    def make(tree: Path) -> None:
        write_boxes(write_frames(tree / "clip"), kind)

    return make


def write_images(folder: Path, name: str, count: int = 6, first: int = 1) -> None:
    """Write images of the same content under numbered names."""
    folder.mkdir(parents=True, exist_ok=True)
    data = make_jpeg()
    for number in range(first, first + count):
        (folder / name.format(number)).write_bytes(data)


def write_lasot(tree: Path) -> None:
    """Write a LaSOT sequence."""
    folder = tree / "airplane/airplane-2"
    write_images(folder / "img", "{:08d}.jpg")
    (folder / "groundtruth.txt").write_text(BOXES)
    for name in ("full_occlusion", "out_of_view"):
        (folder / f"{name}.txt").write_text("0,0,1,0,0,0")


def write_uav123(tree: Path) -> None:
    """Write a UAV123 sequence."""
    write_images(tree / "data_seq/UAV123_10fps/uav2", "{:06d}.jpg", 45)
    (tree / "anno/UAV123_10fps").mkdir(parents=True)
    text = "".join(
        f"{40 + n},{30 + n},50,40\n" if n != 7 else "NaN,NaN,NaN,NaN\n" for n in range(45)
    )
    (tree / "anno/UAV123_10fps/uav2.txt").write_text(text)


def write_got10k(tree: Path) -> None:
    """Write a GOT-10k sequence."""
    folder = tree / "train/GOT-10k_Train_000001"
    write_images(folder, "{:08d}.jpg")
    (folder / "groundtruth.txt").write_text(BOXES)
    (folder / "absence.label").write_text("0\n" * 6)
    (folder / "cut_by_image.label").write_text("0\n1\n" * 3)
    (folder / "cover.label").write_text("8\n" * 6)
    (folder / "meta_info.ini").write_text(
        "[METAINFO]\nurl: x\nbegin: 00:00:01\nend: 00:00:11\nanno_fps: 10Hz\n"
        "object_class: bear\nmotion_class: walking\nmajor_class: animal\nroot_class: animal\n"
        "motion_adverb: slowly\nresolution: (160, 120)\n"
    )
    (tree / "train/list.txt").write_text("GOT-10k_Train_000001\n")


def write_trackingnet(tree: Path) -> None:
    """Write a TrackingNet sequence."""
    write_images(tree / "TRAIN_0/frames/abc_0", "{}.jpg", first=0)
    (tree / "TRAIN_0/anno").mkdir()
    (tree / "TRAIN_0/anno/abc_0.txt").write_text(BOXES)


def write_mot(tree: Path) -> None:
    """Write a MOT17 sequence."""
    folder = tree / "train/MOT17-02-SDP"
    write_images(folder / "img1", "{:06d}.jpg")
    (folder / "gt").mkdir()
    rows = [f"{n},{t},{10 * t + n},20,30,40,1,1,0.9" for t in (1, 2) for n in range(1, 7)]
    (folder / "gt/gt.txt").write_text("\n".join(rows) + "\n")
    (folder / "seqinfo.ini").write_text(
        "[Sequence]\nname=MOT17-02-SDP\nimDir=img1\nframeRate=30\nseqLength=6\nimWidth=160\n"
        "imHeight=120\nimExt=.jpg\n"
    )


def write_coco(tree: Path) -> None:
    """Write four images of COCO."""
    write_images(tree / "train2017", "{:012d}.jpg", 4)
    (tree / "annotations").mkdir()
    images = [
        {"id": n, "file_name": f"{n:012d}.jpg", "width": 160, "height": 120} for n in range(1, 5)
    ]
    annotations = [
        {
            **{"id": n, "image_id": 1 + n % 4, "category_id": 7, "bbox": [10 + n, 20, 40, 30.5]},
            **{"iscrowd": int(n == 5), "area": 1200.0, "segmentation": [[1, 2, 3, 4, 5, 6]]},
        }
        for n in range(6)
    ]
    content = {
        "info": {"year": 2017},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 7, "name": "thing", "supercategory": "x"}],
    }
    (tree / "annotations/instances_train2017.json").write_text(json.dumps(content))


def write_det(tree: Path) -> None:
    """Write an image of ImageNet DET."""
    write_video(tree / "made")
    for kind, suffix in (("Data", "JPEG"), ("Annotations", "xml")):
        folder = tree / f"{kind}/DET/train/n01"
        folder.mkdir(parents=True)
        path = tree / f"made/{kind}/VID/{VID}/000000.{suffix}"
        (folder / f"n01_1.{suffix}").write_bytes(path.read_bytes())
    shutil.rmtree(tree / "made")


def write_davis(tree: Path) -> None:
    """Write a DAVIS sequence."""
    write_boxes(write_frames(tree / "clip"), "masks")
    frames, masks = tree / "JPEGImages/480p/clip", tree / "Annotations/480p/clip"
    for folder in (frames, masks):
        folder.mkdir(parents=True)
    for path in sorted((tree / "clip").glob("*.jpg")):
        path.rename(frames / f"{int(path.stem):05d}.jpg")
    for path in sorted((tree / "clip/masks").glob("*.png")):
        path.rename(masks / f"{int(path.stem):05d}.png")
    shutil.rmtree(tree / "clip")


def packed(pack: Callable[[Path, Path], object], suffix: str) -> Callable[[Path], None]:
    """Return a call that writes an archive of a VID video."""

    def make(tree: Path) -> None:
        write_video(tree / "made")
        pack(tree / "made", tree / f"raw{suffix}")
        shutil.rmtree(tree / "made")

    return make


def picture(name: str, data: Callable[[], bytes]) -> Callable[[Path], None]:
    """Return a call that writes a file."""

    def make(tree: Path) -> None:
        tree.mkdir(parents=True)
        (tree / name).write_bytes(data())

    return make


def png() -> bytes:
    """Return a PNG."""
    return encode_png(decode_image(make_jpeg(size=(64, 48))))


def deep(suffix: str) -> bytes:
    """Return an image of 16 bits."""
    values = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 13
    return bytes(cv2.imencode(suffix, values)[1])


def write_clip(tree: Path) -> None:
    """Write a video file of six frames."""
    tree.mkdir(parents=True)
    code = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(tree / "clip.avi"), code, 10, (160, 120))
    for seed in range(6):
        writer.write(decode_image(make_jpeg(seed)))
    writer.release()


def write_otb(tree: Path) -> None:
    """Write an OTB sequence."""
    write_images(tree / "Basketball/img", "{:04d}.jpg", 8)
    (tree / "Basketball/groundtruth_rect.txt").write_text(BOXES + "1,2,3,4\n5,6,7,8\n")


def write_vot(tree: Path) -> None:
    """Write a VOT sequence."""
    write_images(tree / "bag/color", "{:08d}.jpg", 6)
    (tree / "list.txt").write_text("bag\n")
    (tree / "bag/groundtruth.txt").write_text("10,20,50,20,50,60,10,60\n" * 6)
    (tree / "bag/occlusion.tag").write_text("0\n1\n" * 3)
