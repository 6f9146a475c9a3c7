"""The build on real pieces of three datasets, against the frames themselves and another library."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from datasets.build import main
from datasets.crops import channel_mean
from datasets.files import open_root
from datasets.images import decode_image
from datasets.read_crop import read_jpeg
from datasets.sources import SOURCES
from manifests.table import read_manifest

ROOTS = {
    "vid": "data/vid/ILSVRC2015",
    "coco": "data/coco/tinycoco",
    "uav123": "data/uav123_10fps",
    "got10k": "data/got10k",
    "davis": "data/davis",
    "mot": "data/mot",
    "folders": "data/mot",
}


@pytest.mark.parametrize("source", list(ROOTS))
def test_stored_crops_show_the_targets_of_the_raw_frames(
    source: str, shared: Path, tmp_path: Path
) -> None:
    check_crops(source, str(shared / ROOTS[source]), tmp_path)


def test_sequences_of_otb_are_own_footage_once_rows_and_images_are_equally_many(
    shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root, diving = tmp_path / "raw", tmp_path / "raw/Diving"
    for name in ("Bird2", "Diving"):
        shutil.copytree(shared / "data/otb_dev" / name, root / name)
    command = ["--src", "folders", "--root", str(root), "--out", str(tmp_path / "out")]
    assert main(command) == 1
    where = f"{diving}/groundtruth_rect.txt:215"
    assert caplog.messages[-1].startswith(f"{where}: 215 boxes, expected 231, one per image")
    shutil.rmtree(diving)
    check_crops("folders", str(root), tmp_path / "out")


def check_crops(source: str, root: str, out: Path) -> None:
    """Build, and compare six crops with those of another library."""
    assert main(["--src", source, "--root", root, "--out", str(out)]) == 0
    manifest = read_manifest(str(out / "manifest.parquet"))
    counts = dict(manifest.metadata.counts)
    assert counts.pop("frames in") == counts.pop("frames kept") + sum(counts.values())

    files = open_root(root)
    parts = SOURCES[source].list_parts(files)
    tracks = {t.name: t for part in parts for t in SOURCES[source].read_part(files, part)}
    enlarged = manifest.rows.filter(manifest.rows["scale"] >= 1)
    rows = (enlarged if enlarged.height else manifest.rows).sample(6, seed=0, with_replacement=True)
    for row in rows.iter_rows(named=True):
        track = tracks[row["track"]]
        index = track.frame_numbers.tolist().index(row["frame"])
        box = track.boxes_xywh[index]
        assert np.allclose([row[f"box_{side}"] for side in "xywh"], box, atol=1e-3)
        frame = decode_image(files.read(track.frames[index]))
        assert (row["frame_width"], row["frame_height"]) == frame.shape[1::-1]
        stored = decode_image(read_jpeg(manifest.url, row, "x")).astype(float)
        error = np.mean((stored - cut_by_scipy(frame, box, row["scale"])) ** 2)
        assert 10 * np.log10(255**2 / error) > 28, f"{row['track']} {row['frame']}: {error}"


def cut_by_scipy(frame: np.ndarray, box_xywh: np.ndarray, scale: float) -> np.ndarray:
    """Return the 255 px search crop by SciPy's bilinear sampling in float64."""
    x, y, width, height = box_xywh
    steps = (np.arange(255) + 0.5 - 127.5) / scale
    places = np.meshgrid(y + height / 2 + steps - 0.5, x + width / 2 + steps - 0.5, indexing="ij")
    channels = [
        map_coordinates(frame[:, :, c].astype(float), places, order=1, mode="constant", cval=fill)
        for c, fill in enumerate(channel_mean(frame))
    ]
    return np.stack(channels, axis=-1)
