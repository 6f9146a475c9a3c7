"""Test parts whose boxes a server keeps: tracked from the first box, and packed for the server."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from datasets.files import open_root
from datasets.overlap.benchmark_folders import read_benchmark
from datasets.tracks import SourceError
from evaluation import export
from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.compare import main as compare
from evaluation.run import main as run

VIDEO = "-Dz7OIf54b0_0"
FIRST_BOX = "40,50,30,20"
NUM_FRAMES = {"GOT-10k_Test_000001": 4, "GOT-10k_Test_000002": 3}


@pytest.fixture
def got10k(sample_world: Path, tmp_path: Path) -> Path:
    """Return a made-up test part: 2 of its 180 videos, each with its first box only."""
    images = sorted((sample_world / "OTB100/Made1/img").iterdir())
    for name, count in NUM_FRAMES.items():
        folder = tmp_path / "got10k/test" / name
        folder.mkdir(parents=True)
        for number, image in enumerate(images[:count], start=1):
            shutil.copy(image, folder / f"{number:08d}.jpg")
        (folder / "groundtruth.txt").write_text(f"{FIRST_BOX}\n")
    (tmp_path / "got10k/test/list.txt").write_text("\n".join(NUM_FRAMES))
    return tmp_path / "got10k"


@pytest.fixture
def trackingnet(sample_world: Path, tmp_path: Path) -> Path:
    """Return a made-up test part: a video of 12 frames, whose order by name is another one."""
    images = sorted((sample_world / "OTB100/Made1/img").iterdir())
    folder = tmp_path / "trackingnet/TEST/frames" / VIDEO
    folder.mkdir(parents=True)
    for number, image in enumerate(images[:12]):
        shutil.copy(image, folder / f"{number}.jpg")
    (tmp_path / "trackingnet/TEST/anno").mkdir()
    (tmp_path / f"trackingnet/TEST/anno/{VIDEO}.txt").write_text(f"{FIRST_BOX}\n")
    return tmp_path / "trackingnet"


def read_zip(path: Path) -> dict[str, list[str]]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode().splitlines() for name in archive.namelist()}


def test_got10ks_test_part_is_tracked_and_packed_as_its_toolkit_does(
    got10k: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--benchmark", "got10k_test", "--root", str(got10k), "--tracker", "static"]
    argv += ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "report")]
    assert run(argv) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == str(tmp_path / "report/static.zip")
    assert "2 of the 180 published sequences" in printed
    files = read_zip(tmp_path / "report/static.zip")
    assert list(files) == [
        f"{name}/{name}_{end}.txt" for name in NUM_FRAMES for end in ("001", "time")
    ]
    for name, count in NUM_FRAMES.items():
        assert files[f"{name}/{name}_001.txt"] == ["40.0000,50.0000,30.0000,20.0000"] * count
        assert len(files[f"{name}/{name}_time.txt"]) == count
    before = (tmp_path / "report/static.zip").read_bytes()
    options = ["--results", str(tmp_path / "results/static"), "--out", str(tmp_path / "again.zip")]
    assert export.main([*options, "--layout", "got10k", "--benchmark", "got10k_test"]) == 0
    assert (tmp_path / "again.zip").read_bytes() == before


def test_trackingnets_test_part_is_tracked_and_packed_as_its_server_takes(
    trackingnet: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (sequence,) = open_benchmark("trackingnet_test", str(trackingnet)).sequences
    assert [frame.rpartition("/")[2] for frame in sequence.frames] == [
        f"{n}.jpg" for n in range(12)
    ]
    assert sequence.truth[0].tolist() == [40, 50, 30, 20]
    assert np.isnan(sequence.truth[1:]).all()
    assert "1 of the 511 videos" in caplog.text
    argv = ["--benchmark", "trackingnet_test", "--root", str(trackingnet / "TEST")]
    argv += ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "report")]
    assert run([*argv, "--tracker", "static"]) == 0
    files = read_zip(tmp_path / "report/static.zip")
    assert files == {f"{VIDEO}.txt": ["40.0000,50.0000,30.0000,20.0000"] * 12}
    options = ["--results", str(tmp_path / "results/static"), "--out", str(tmp_path / "again.zip")]
    assert (
        export.main([*options, "--layout", "trackingnet", "--benchmark", "trackingnet_test"]) == 0
    )
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "report/static.zip").read_bytes()


def test_a_tracker_without_all_results_is_not_packed(
    got10k: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    common = ["--benchmark", "got10k_test", "--root", str(got10k)]
    common += ["--results", str(tmp_path / "results")]
    out = ["--out", str(tmp_path / "report")]
    assert run([*common, *out, "--tracker", "static"]) == 0
    (tmp_path / "report/static.zip").unlink()
    (tmp_path / "results/static/GOT-10k_Test_000002.txt").write_text("1,2,3,4\n")
    assert run([*common, *out]) == 1
    assert "GOT-10k_Test_000002.txt: 1 boxes, expected 3, one per frame" in caplog.text
    assert not list((tmp_path / "report").glob("*.zip"))
    assert compare(common) == 1
    assert "no public boxes" in caplog.text


def test_a_first_box_that_is_missing_or_damaged_is_one_line(got10k: Path) -> None:
    truth = got10k / "test/GOT-10k_Test_000002/groundtruth.txt"
    truth.write_text("1,2,3\n")
    with pytest.raises(SourceError, match=r"groundtruth.txt:1: 3 numbers, expected 4"):
        open_benchmark("got10k_test", str(got10k))
    with pytest.raises(SourceError, match="no sequence of trackingnet_test"):
        open_benchmark("trackingnet_test", str(got10k))


def test_the_overlap_search_takes_the_first_frames_of_test_parts(
    got10k: Path, trackingnet: Path
) -> None:
    tracks = read_benchmark(open_root(str(got10k)))
    assert [track.frames for track in tracks] == [[f"test/{n}/00000001.jpg"] for n in NUM_FRAMES]
    (track,) = read_benchmark(open_root(str(trackingnet)))
    assert (track.name, track.frames) == (VIDEO, [f"TEST/frames/{VIDEO}/0.jpg"])
