"""Videos that cannot be written or are cut off: one line, nothing half-written, nothing unsaid."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.tracks import SourceError
from tracking.run import main
from tracking.video import open_video
from tracking.video_writer import VideoWriter

_LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from tracking.run import main
sys.exit(main(sys.argv[1:]))
"""
_TRACK = "import sys; from tracking.run import main; sys.exit(main(sys.argv[1:]))"


def noise(count: int, height: int = 120, width: int = 160) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, width, 3), np.uint8) for _ in range(count)]


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def write_clip(path: Path, count: int, code: str) -> Path:
    """Write a clip with OpenCV alone."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), 25, (160, 120))
    for image in noise(count):
        writer.write(image)
    writer.release()
    return path


def options(video: Path, out: Path) -> list[str]:
    return ["--tracker", "static", "--video", str(video), "--box", "20,40,40,30", "--out", str(out)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "a.mp4", 30, "mp4v")


def test_a_file_size_limit_is_one_line_and_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "full" / "o.mp4"
    command = [sys.executable, "-c", _LIMITED, *options(clip, out)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    said = [line for line in ended.stderr.splitlines() if line.startswith(("ERROR", "WARN", "["))]
    assert said == [f"ERROR {out}: File too large. Make room, and run the same command again"]
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("codec", ["mp4v", "vp09"])
def test_a_disk_that_fills_up_is_named_and_the_old_video_stays(tmp_path: Path, codec: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()

    def write() -> None:
        with VideoWriter(disk / "o.mp4", fps=25, codec=codec) as writer:
            for frame in noise(60):
                writer.write(frame)

    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small tmpfs takes root")
    try:
        (disk / "o.mp4").write_bytes(b"old")
        with pytest.raises(OSError, match="No space left on device") as caught:
            write()
        assert caught.value.filename == str(disk / "o.mp4")
        assert {path.name: path.read_bytes() for path in disk.iterdir()} == {"o.mp4": b"old"}
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_video_that_plays_fewer_frames_than_written_is_refused(tmp_path: Path) -> None:
    def write() -> None:
        with VideoWriter(tmp_path / "o.mp4", fps=25) as writer:
            for image in noise(5):
                writer.write(image)
            writer._writer.release()
            (unfinished,) = tmp_path.iterdir()
            unfinished.write_bytes(unfinished.read_bytes()[:200])  # behind OpenCV's back

    with pytest.raises(SourceError, match=r"o\.mp4: 0 of its 5 frames can be read back"):
        write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["/proc/x.mp4", "{folder}/file/x.mp4", "{folder}/file/y/x.mp4"])
def test_a_place_that_cannot_be_written_is_named(
    clip: Path, tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    out = place.replace("{folder}", str(tmp_path))
    assert main(options(clip, Path(out))) == 1
    assert caplog.messages[-1].startswith(f"{out}: ")
    assert caplog.messages[-1].endswith("Nothing can be written there; pass another place")


def test_a_codec_that_is_not_here_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(SourceError, match=r"cannot encode 'zzzz' .* try codec 'mp4v'"),
        VideoWriter(tmp_path / "o.mp4", fps=25, codec="zzzz") as writer,
    ):
        writer.write(noise(1)[0])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_run_leaves_nothing(clip: Path, tmp_path: Path, number: int) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    os.mkfifo(frames / "2.png")  # the run waits here
    cv2.imwrite(str(frames / "1.png"), noise(1)[0])
    out = tmp_path / "out"
    command = [sys.executable, "-c", _TRACK, *options(frames, out / "o.mp4")]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (out.is_dir() and any(path.suffix == ".mp4" for path in out.iterdir())):
        assert run.poll() is None
        time.sleep(0.01)
    run.send_signal(number)
    said = run.communicate(timeout=60)[1]
    assert run.returncode == 128 + number
    assert f"ended by {signal.Signals(number).name}; unfinished files are removed" in said
    assert "Traceback" not in said
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "code"), [("a.avi", "MJPG"), ("a.mkv", "XVID"), ("a.flv", "FLV1")]
)
def test_a_video_that_is_cut_off_names_both_numbers_and_keeps_its_frames(
    tmp_path: Path, name: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / name, 60, code)
    assert len(list(open_video(str(path)).frames)) == 60
    assert not warnings_of(caplog)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    assert main([*options(path, tmp_path / "o.mp4"), "--max-frames", "3"]) == 0
    assert not warnings_of(caplog)
    assert main(options(path, tmp_path / "o.mp4")) == 0
    num_read = len(list(open_video(str(tmp_path / "o.mp4")).frames))
    assert 3 < num_read < 30
    about = "" if name == "a.avi" else "about "
    said = f"{path}: the file states {about}60 frames, and {num_read} can be read"
    assert warnings_of(caplog)[0].startswith(said)
