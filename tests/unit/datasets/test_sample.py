"""The made-up world: same seed, same bytes; every oddity of the real datasets is in it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from datasets.files import open_root
from datasets.sample.__main__ import main
from datasets.sample.sprites import TEST_PHOTOS, TRAIN_PHOTOS
from datasets.sources import SOURCES
from datasets.tracks import Track
from tests.support import ROOT
from tests.support.builds import fingerprint

FIRST = {"folders": 1, "got10k": 1, "trackingnet": 0, "mot": 1, "davis": 0}
"""Number of the first frame."""


def read_source(world: Path, source: str) -> list[Track]:
    files = open_root(str(world / source))
    reader = SOURCES[source]
    return [track for part in reader.list_parts(files) for track in reader.read_part(files, part)]


def test_same_seed_gives_the_same_bytes(sample_world: Path, tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path / "again"), "--scale", "tiny"]) == 0
    assert fingerprint(tmp_path / "again") == fingerprint(sample_world)


def test_a_folder_with_something_else_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["--out", str(tmp_path), "--scale", "tiny"]) == 1
    assert "holds something else" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_training_and_test_photographs_are_disjoint() -> None:
    assert not set(TRAIN_PHOTOS) & set(TEST_PHOTOS)


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_every_source_reads_its_tree_and_every_frame_exists(
    sample_world: Path, source: str
) -> None:
    tracks = read_source(sample_world, source)
    assert len({track.name for track in tracks}) == len(tracks) > 1
    for track in tracks:
        assert all((sample_world / source / name).is_file() for name in track.frames)


def test_the_same_videos_have_the_same_boxes_in_all_layouts(sample_world: Path) -> None:
    def boxes(source: str, target: int) -> list[list[float] | None]:
        """Return the target's boxes in the first video, None where it is unseen."""
        video = read_source(sample_world, source)[0].video
        track = [track for track in read_source(sample_world, source) if track.video == video][
            target
        ]
        seen = dict(
            zip(
                (track.frame_numbers - FIRST[source]).tolist(),
                (
                    box if shown else None
                    for box, shown in zip(track.boxes_xywh.tolist(), track.visible, strict=True)
                ),
                strict=True,
            )
        )
        return [seen.get(frame) for frame in range(14)]

    first = boxes("folders", 0)
    assert None in first  # something passes over it
    assert sum(box is not None for box in first) >= 8
    for source in ("got10k", "trackingnet", "mot", "davis"):
        assert boxes(source, 0) == first
    assert boxes("mot", 1) == boxes("folders", 1)
    stills = {
        track.video: track.boxes_xywh[0].tolist()
        for track in read_source(sample_world, "det")[::-1]
    }
    assert stills["n00000001_0"] == first[0]


def test_targets_move_too_far_for_a_box_that_stays(sample_world: Path) -> None:
    for track in read_source(sample_world, "lasot"):
        centers = (track.boxes_xywh[:, :2] + track.boxes_xywh[:, 2:] / 2)[track.visible]
        assert np.ptp(centers, axis=0).max() > 0.1 * 160


def test_oddities_of_vid_are_there(sample_world: Path) -> None:
    tracks = read_source(sample_world, "vid")
    assert any(len(track.frames) < np.ptp(track.frame_numbers) + 1 for track in tracks)
    assert any(int(track.name.rpartition("-")[2]) >= 60 for track in tracks)
    assert any(track.video.startswith("ILSVRC2017") for track in tracks)
    assert len({track.group for track in tracks}) < len({track.video for track in tracks})


def test_oddities_of_coco_are_there(sample_world: Path) -> None:
    tracks = read_source(sample_world, "coco")
    assert any(track.ignored == "crowd" for track in tracks)
    assert any(track.boxes_xywh[0, 3] == 0 for track in tracks)
    assert {track.frames[0].rpartition("/")[0] for track in tracks} == {
        "train2017",
        "images/val2017",
    }


def test_oddities_of_uav123_and_lasot_are_there(sample_world: Path) -> None:
    assert any(np.isnan(track.boxes_xywh).any() for track in read_source(sample_world, "uav123"))
    tracks = read_source(sample_world, "lasot")
    boxes = np.concatenate([track.boxes_xywh for track in tracks])
    visible = np.concatenate([track.visible for track in tracks])
    assert (~visible & (boxes[:, 2:] > 0).all(axis=1)).any()
    assert (boxes[:, 2:] < 0).any()
    assert (sample_world / "lasot/airplane/airplane-1").is_dir()
    assert "airplane-1" not in {track.name for track in tracks}


def test_a_full_disk_is_named_and_nothing_stays(tmp_path: Path) -> None:
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000));"
        "from datasets.sample.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    options = ["--out", str(tmp_path / "world"), "--scale", "tiny"]
    command = [sys.executable, "-c", limited, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"ERROR {tmp_path}/world: File too large. Make room")
    assert list(tmp_path.iterdir()) == []
