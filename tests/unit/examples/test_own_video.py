"""The example of own footage: which frames are trained on, and which are held out."""

import json
from pathlib import Path

import cv2
import numpy as np

from datasets.files import open_root
from datasets.images import decode_image, encode_jpeg
from datasets.sources.folders import list_parts, read_part
from evaluation.benchmarks.open_benchmark import open_benchmark
from examples.own_video import make_table, write_halves

NUM_FRAMES = 45


def write_video(folder: Path) -> None:
    """Write a video whose frames and boxes tell their numbers; the target is hidden in two."""
    folder.mkdir(parents=True)
    rows = []
    for number in range(NUM_FRAMES):
        image = np.full((60, 80, 3), 5 * number, np.uint8)
        (folder / f"{number:03d}.jpg").write_bytes(encode_jpeg(image))
        rows.append("nan,nan,nan,nan" if number in (22, 23) else f"{number + 1},2,20,10")
    (folder / "groundtruth.txt").write_text("\n".join(rows) + "\n")


def test_the_halves_share_no_frame_and_keep_all_boxes(tmp_path: Path) -> None:
    for name in ("Dog", "park"):  # Dog1 is a sequence of OTB
        write_video(tmp_path / "raw" / name)
    (tmp_path / "raw/short").mkdir()
    write_video(tmp_path / "raw/short/img")
    for number in range(5, NUM_FRAMES):
        (tmp_path / f"raw/short/img/{number:03d}.jpg").unlink()
    (tmp_path / "raw/short/groundtruth.txt").write_text("1,2,20,10\n" * 5)
    names = write_halves(str(tmp_path / "raw"), tmp_path / "out")
    assert names == {"Dog": ["Dog-1-later"], "park": ["park-1-later"]}

    files = open_root(str(tmp_path / "out/first/Dog"))
    pieces = [track for part in list_parts(files) for track in read_part(files, part)]
    trained = [box[0] for piece in pieces for box in piece.boxes_xywh]
    assert (len(pieces), trained) == (5, list(range(22)))

    later = open_benchmark("otb100", str(tmp_path / "out/later")).sequences
    assert [sequence.name for sequence in later] == ["Dog-1-later", "park-1-later"]
    assert [box[0] - 1 for box in later[0].truth] == list(range(24, NUM_FRAMES))


def test_a_video_file_is_cut_into_the_same_halves(tmp_path: Path) -> None:
    video = tmp_path / "raw/park"
    video.mkdir(parents=True)
    fourcc = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(video / "clip.avi"), fourcc, 10, (80, 60))
    for number in range(NUM_FRAMES):
        writer.write(np.full((60, 80, 3), 5 * number, np.uint8))
    writer.release()
    (video / "boxes.txt").write_text("1,2,20,10\n" * NUM_FRAMES)
    assert write_halves(str(tmp_path / "raw"), tmp_path / "out") == {"park": ["park-1-later"]}
    images = sorted((tmp_path / "out/later/park-1-later/img").iterdir())
    assert len(images) == 23
    assert abs(decode_image(images[0].read_bytes()).mean() - 5 * 22) < 3


def test_the_table_has_the_own_video_and_the_mean_of_the_others(tmp_path: Path) -> None:
    scores = {"shipped": (0.5, 0.7, 0.9), "tuned on a": (0.6, 0.3, 0.1)}
    scores |= {"tuned on b": (0.4, 0.8, 0.7)}
    scores |= {"static": (0.1, 0, 0), "mil": (0.2, 0, 0)}
    videos = ("a-later", "b-later", "c-later")
    trackers = {
        name: {"sequences": {v: {"auc": auc} for v, auc in zip(videos, aucs, strict=True)}}
        for name, aucs in scores.items()
    }
    (tmp_path / "report").mkdir()
    (tmp_path / "report/curves.json").write_text(json.dumps({"trackers": trackers}))
    names = {"a": ["a-later"], "b": ["b-later", "c-later"]}
    (row,) = make_table(tmp_path, names, ["a"]).rows
    assert row == ("a", 0.5, 0.6, None, 0.1, 0.2, 0.8, 0.2)
    first, second = make_table(tmp_path, names, ["a", "b"]).rows
    assert first == ("a", 0.5, 0.6, 0.4, 0.1, 0.2, 0.8, 0.2)
    assert second[:4] == ("b", 0.8, 0.75, 0.2)
