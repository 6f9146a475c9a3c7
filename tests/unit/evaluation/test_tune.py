"""evaluation.tune: goes on where it was killed, never on a test set, and its settings are used."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from datasets.files import open_root
from evaluation import run, tune
from evaluation.benchmarks.open_benchmark import open_benchmark
from manifests.split import assign_splits
from model.config import ModelConfig
from model.network import build_model
from model.weights import save_weights
from tests.support.footage import write_boxes, write_frames
from tracking.decoders.car import CarDecoder
from tracking.run import main as track

pytest.importorskip("optuna")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    path = str(tmp_path_factory.mktemp("weights") / "w.safetensors")
    network = build_model(ModelConfig(width=0.125, head="car", variant="baseline"))
    save_weights(path, network, provenance={})
    return path


@pytest.fixture
def options(sample_world: Path, weights: str) -> list[str]:
    options = ["--weights", weights, "--src", "uav123", "--root", str(sample_world / "uav123")]
    return [*options, "--tracks", "1", "--val-fraction", "0.5", "--frames", "2"]


def values(folder: Path) -> list[float]:
    """Return the settings and results of the finished trials, in the order of their making."""
    with sqlite3.connect(folder / "study.db") as database:
        query = """SELECT param_value FROM trial_params JOIN trials USING (trial_id)
                   WHERE state = 'COMPLETE' ORDER BY trial_id, param_name"""
        return [value for (value,) in database.execute(query)]


def test_a_search_in_parts_tries_the_same_as_one_in_one_go(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for trials in ("1", "2", "4"):
        assert tune.main([*options, "--out", str(tmp_path / "parts"), "--trials", trials]) == 0
        assert f"best of {trials} trials" in capsys.readouterr().out
    assert tune.main([*options, "--out", str(tmp_path / "whole"), "--trials", "4"]) == 0
    assert len(set(values(tmp_path / "whole"))) == 4 * len(CarDecoder.ranges)
    assert values(tmp_path / "parts") == values(tmp_path / "whole")


def test_killed_in_a_trial_it_goes_on_and_ends_as_if_it_had_not_been(
    options: list[str], tmp_path: Path
) -> None:
    killed = [*options, "--out", str(tmp_path / "killed"), "--trials", "5"]
    process = subprocess.Popen([sys.executable, "-m", "evaluation.tune", *killed])
    while process.poll() is None and not _num_finished(tmp_path / "killed/study.db"):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed/best.json").exists()
    assert tune.main(killed) == 0
    assert tune.main([*options, "--out", str(tmp_path / "whole"), "--trials", "5"]) == 0
    assert values(tmp_path / "killed") == values(tmp_path / "whole")
    best = [(tmp_path / name / "best.json").read_bytes() for name in ("killed", "whole")]
    assert best[0] == best[1]
    assert (tmp_path / "killed/trials.png").stat().st_size > 1000


def _num_finished(path: Path) -> int:
    if not path.exists():
        return 0
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        try:
            query = "SELECT COUNT(*) FROM trials WHERE state = 'COMPLETE'"
            return int(database.execute(query).fetchone()[0])
        except sqlite3.OperationalError:  # the tables are being made
            return 0


def test_trials_of_other_data_are_not_mixed(
    options: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert tune.main([*options, "--out", str(tmp_path), "--trials", "1"]) == 0
    assert tune.main([*options, "--out", str(tmp_path), "--trials", "1", "--frames", "3"]) == 1
    assert "made with other frames" in caplog.messages[-1]


def test_trials_on_footage_that_changed_are_not_mixed(
    sample_world: Path, options: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "uav123"
    shutil.copytree(sample_world / "uav123", root)
    argv = [*options, "--root", str(root), "--out", str(tmp_path / "out")]
    assert tune.main([*argv, "--trials", "1"]) == 0
    with sqlite3.connect(tmp_path / "out/study.db") as database:  # as earlier versions wrote it
        query = "SELECT value_json FROM study_user_attributes WHERE key = 'made_with'"
        ((text,),) = database.execute(query).fetchall()
        made_with = json.loads(text)
        footage = made_with.pop("footage")
        change = "UPDATE study_user_attributes SET value_json = ? WHERE key = 'made_with'"
        database.execute(change, (json.dumps(made_with),))
    assert set(footage) == {"truth", "names", "sizes", "content"}
    caplog.clear()
    assert tune.main([*argv, "--trials", "2"]) == 0
    assert "its trials do not say on which footage they were made" in caplog.text
    for path in root.glob("anno/*/*.txt"):
        first, *others = path.read_text().splitlines()
        left, *rest = first.split(",")
        path.write_text("\n".join([",".join([str(float(left) + 3), *rest]), *others]) + "\n")
    caplog.clear()
    assert tune.main([*argv, "--trials", "3"]) == 1
    assert caplog.messages[-1].endswith("made with another truth. Pass another --out")


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--src", "otb100", 2),  # a test set is no choice
        ("--val-fraction", "1.5", 2),
        ("--val-fraction", "0", 1),
        ("--trials", "0", 2),
        ("--frames", "1", 2),
    ],
)
def test_values_that_make_no_sense_are_refused(
    options: list[str], tmp_path: Path, option: str, value: str, code: int
) -> None:
    assert tune.main([*options, option, value, "--out", str(tmp_path / "out")]) == code
    assert not (tmp_path / "out").exists()


def test_lasots_test_videos_are_not_tuned_on(
    weights: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "lasot/airplane/airplane-1"  # of the official test split
    (folder / "img").mkdir(parents=True)
    (folder / "img/00000001.jpg").touch()
    (folder / "groundtruth.txt").write_text("1,2,30,40\n")
    for name in ("full_occlusion.txt", "out_of_view.txt"):
        (folder / name).write_text("0")
    argv = ["--weights", weights, "--root", str(tmp_path / "lasot"), "--out", str(tmp_path / "o")]
    assert tune.main(argv) == 1
    assert "airplane" in caplog.messages[-1]
    assert not (tmp_path / "o").exists()


def test_a_damaged_study_is_one_line_and_stays_as_it_was(
    options: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "study.db"
    path.write_text("no database " * 100)
    assert tune.main([*options, "--out", str(tmp_path), "--trials", "1"]) == 1
    assert caplog.messages[-1].startswith(f"{path}: cannot be used as the storage of a search")
    assert "file is not a database" in caplog.messages[-1]
    assert path.read_text() == "no database " * 100
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("wanted", [1, 2, 3, 1_000])
def test_tracks_come_from_all_over_the_split(sample_world: Path, weights: str, wanted: int) -> None:
    files = open_root(str(sample_world / "vid"))

    def choose(tracks: int) -> list[str]:
        config = tune.TuneConfig(weights=weights, src="vid", tracks=tracks, val_fraction=0.99)
        return [f"{each.frames[0]} {each.name}" for each in tune.choose_tracks(files, config)]

    usable, chosen = choose(10_000), choose(wanted)
    assert len(set(usable)) > 3
    assert len(set(chosen)) == min(wanted, len(usable))
    places = [usable.index(name) for name in chosen]
    assert places == sorted(places)
    assert places[0] == 0
    if wanted > 1:
        assert places[-1] == len(usable) - 1


def test_videos_of_the_vid_source_can_be_searched_on(
    sample_world: Path, weights: str, tmp_path: Path
) -> None:
    argv = ["--weights", weights, "--src", "vid", "--root", str(sample_world / "vid")]
    argv += ["--tracks", "1", "--val-fraction", "0.5", "--frames", "2", "--trials", "1"]
    assert tune.main([*argv, "--out", str(tmp_path)]) == 0
    assert list(json.loads((tmp_path / "best.json").read_text())["tuned_on"]) == ["vid"]


def test_own_footage_is_split_as_in_its_build(tmp_path: Path, weights: str) -> None:
    videos = [f"v{number}" for number in range(8)]
    for video in videos:
        write_boxes(write_frames(tmp_path / video), "text")
    files = open_root(str(tmp_path))
    for name in ("", "mine", "other"):
        config = tune.TuneConfig(
            weights=weights, src="folders", name=name, tracks=99, val_fraction=0.5
        )
        splits = assign_splits(videos, source=name or "folders", seed=0, val_fraction=0.5)
        val = {video for video, split in splits.items() if split == "val"}
        assert {track.video for track in tune.choose_tracks(files, config)} == val


def test_the_best_settings_are_tracked_with_and_mark_what_they_were_tuned_on(
    options: list[str],
    sample_world: Path,
    weights: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert tune.main([*options, "--out", str(tmp_path / "tune"), "--trials", "1"]) == 0
    best = tmp_path / "tune/best.json"
    (group,) = json.loads(best.read_text())["tuned_on"]["uav123"]
    root = str(sample_world / "uav123")
    sequences = open_benchmark("uav123_10fps", root).sequences
    (tuned_on,) = (each.name for each in sequences if each.group == group)
    argv = ["--benchmark", "uav123_10fps", "--root", root, "--sequences", tuned_on]
    argv += ["--weights", weights, "--settings", str(best), "--out", str(tmp_path / "report")]
    argv += ["--results", str(tmp_path / "results")]
    assert run.main(argv) == 1
    assert "trained or tuned on 1 of the 1 sequences" in caplog.messages[-1]
    assert run.main([*argv, "--allow-contaminated"]) == 0
    identity = json.loads((tmp_path / "results/w/tracker.json").read_text())["identity"]
    lr = json.loads(best.read_text())["settings"]["lr"]
    assert f"lr={lr}" in identity
    video = [
        *("--video", str(sample_world / "OTB100/Made1/img"), "--box", "20,20,30,30"),
        *("--max-frames", "2", "--out", str(tmp_path / "t.mp4"), "--weights", weights),
    ]
    assert track([*video, "--settings", str(best)]) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a file of settings"),
        ('{"head": "siamfc", "settings": {}}', "for a 'siamfc' head, and the network's is 'car'"),
        ('{"head": "car", "settings": {"lr": 2}}', "lr is 2, expected a number from 0 to 1"),
        ('{"head": "car", "settings": {"speed": 2}}', "unexpected keyword argument 'speed'"),
    ],
)
def test_a_file_that_holds_no_such_settings_is_one_line(
    text: str,
    message: str,
    sample_world: Path,
    weights: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "s.json").write_text(text)
    argv = ["--root", str(sample_world / "OTB100"), "--results", str(tmp_path / "results")]
    assert run.main([*argv, "--weights", weights, "--settings", str(tmp_path / "s.json")]) == 1
    assert message in caplog.messages[-1]
    assert not (tmp_path / "results").exists()
