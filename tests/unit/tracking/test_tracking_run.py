"""python -m tracking.run: from frames to an annotated video and a CSV, and its errors."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from datasets.box_files import read_box_file
from model.config import ModelConfig
from model.network import build_model
from model.weights import save_weights
from tracking.run import main
from tracking.video import open_video


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Return a folder of six frames in which a bright box moves by 4 px each."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(6):
        image = np.random.default_rng(0).integers(0, 99, (90, 120, 3), np.uint8)
        image[30:55, 20 + 4 * index : 45 + 4 * index] = 220
        cv2.imwrite(str(folder / f"{index}.png"), image)
    return folder


@pytest.mark.parametrize("head", ["car", "siamfc"])
def test_several_trackers_end_in_one_video_and_one_csv(
    tmp_path: Path, frames: Path, head: str
) -> None:
    torch.manual_seed(0)
    weights = tmp_path / "w.safetensors"
    network = build_model(ModelConfig(head=head, width=0.01))
    save_weights(weights, network, provenance={})
    out = tmp_path / "out" / "t.mp4"
    options = ["--weights", str(weights), "--tracker", "mil", "static", "--video", str(frames)]
    assert main([*options, "--box", "20,30,25,25", "--out", str(out)]) == 0
    assert len(list(open_video(str(out)).frames)) == 6
    lines = out.with_suffix(".csv").read_text().splitlines()
    assert lines[1].startswith("0,dcffnet,20.000,30.000,25.000,25.000")
    assert [line.split(",")[1] for line in lines[1:4]] == ["dcffnet", "mil", "static"]
    assert len(lines) == 1 + 6 * 3
    assert sorted(path.name for path in out.parent.iterdir()) == ["t.csv", "t.mp4"]


def test_the_truth_gives_the_first_box_and_may_be_shorter(tmp_path: Path, frames: Path) -> None:
    truth = tmp_path / "truth.txt"
    truth.write_text("20,30,25,25\n24,30,25,25\n")
    out = tmp_path / "t.mp4"
    options = ["--tracker", "static", "--video", str(frames), "--truth", str(truth)]
    assert main([*options, "--out", str(out), "--max-frames", "4"]) == 0
    assert len(out.with_suffix(".csv").read_text().splitlines()) == 5
    assert read_box_file(truth).shape == (2, 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tracker", "static", "--box", "1,2,3"], "--box: 3 numbers, expected 4"),
        (["--tracker", "static", "--box", "1,2,0,4"], "has no area"),
        (["--tracker", "milk", "--box", "1,2,3,4"], "'milk': unknown"),
        (["--weights", "nowhere.safetensors", "--box", "1,2,3,4"], "nowhere.json: no such file"),
        (["--tracker", "static", "--box=120,10,30,30"], "the frame is 120 x 90"),
        (["--tracker", "static", "--box=-30,10,30,30"], "lies outside of the first frame"),
        (["--tracker", "static", "--box", "1,2,3,4", "--truth", "{frames}/0.png"], "not a text"),
    ],
)
def test_a_wrong_value_is_one_line_and_writes_nothing(
    tmp_path: Path,
    frames: Path,
    options: list[str],
    message: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    out = tmp_path / "out" / "t.mp4"
    options = [option.replace("{frames}", str(frames)) for option in options]
    assert main([*options, "--video", str(frames), "--out", str(out)]) == 1
    assert message in caplog.messages[-1]
    assert "\n" not in caplog.messages[-1]
    assert not out.parent.exists()


def test_without_a_box_and_a_screen_the_box_is_asked_for_in_words(
    frames: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert main(["--tracker", "static", "--video", str(frames)]) == 1
    assert "Pass --box x,y,w,h" in caplog.messages[-1]


def test_a_folder_in_the_place_of_the_video_is_named(
    tmp_path: Path, frames: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "taken.mp4"
    out.mkdir()
    options = ["--tracker", "static", "--video", str(frames), "--box", "1,2,30,40"]
    assert main([*options, "--out", str(out)]) == 1
    assert caplog.messages[-1].startswith(f"{out}: a folder")
    assert list(tmp_path.rglob("*.*")) == [out, *frames.iterdir()]


def test_a_device_that_is_not_here_is_one_line(
    tmp_path: Path, frames: Path, caplog: pytest.LogCaptureFixture
) -> None:
    absent = f"cuda:{torch.cuda.device_count()}"
    options = ["--tracker", "static", "--video", str(frames), "--box", "1,2,30,40"]
    assert main([*options, "--device", absent, "--out", str(tmp_path / "t.mp4")]) == 1
    assert f"--device: '{absent}' cannot be used here" in caplog.messages[-1]
    assert "\n" not in caplog.messages[-1]


def test_speed_is_told_of_trackers_that_compute_and_a_start_that_failed_is_said(
    tmp_path: Path, frames: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    options = ["--tracker", "mil", "static", "--video", str(frames)]
    out = ["--out", str(tmp_path / "t.mp4")]
    assert main([*options, *out, "--box", "20,30,25,25"]) == 0
    assert "mil: " in caplog.text
    assert "static: " not in caplog.text
    caplog.clear()
    assert main([*options, *out, "--box=-50,-50,1000,1000"]) == 0  # larger than MIL can follow
    assert "mil: no answer in 5 of 5 frames; its box of the frame before was kept" in caplog.text
    assert "frames/s" not in caplog.text


def test_weights_that_give_nan_are_one_line_and_leave_nothing(
    tmp_path: Path, frames: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = build_model(ModelConfig(width=0.01))
    torch.nn.init.constant_(next(network.parameters()), float("nan"))
    save_weights(tmp_path / "w.safetensors", network, provenance={})
    options = ["--weights", str(tmp_path / "w.safetensors"), "--video", str(frames)]
    out = tmp_path / "out"
    assert main([*options, "--box", "20,30,25,25", "--out", str(out / "t.mp4")]) == 1
    assert caplog.messages[-1].startswith("frame 1: the network's ['response'] hold NaN")
    assert list(out.iterdir()) == []


def test_an_unknown_option_exits_with_2(frames: Path) -> None:
    assert main(["--video", str(frames), "--tracke", "mil"]) == 2
