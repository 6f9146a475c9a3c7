"""Results are scored only against what they were tracked on."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.files import open_root
from datasets.tracks import SourceError
from evaluation import compare
from evaluation.benchmarks.open_benchmark import BenchmarkName, open_benchmark
from evaluation.onepass.conventions import CONVENTIONS
from evaluation.onepass.scores import score_tracker
from evaluation.results.claim import claim_folder
from evaluation.results.folder import open_tracker
from evaluation.results.tracked_on import TRACKER_FILE, describe_benchmark
from evaluation.run import main
from evaluation.runs.track_all import track_all
from evaluation.vot.scores import score_vot
from tracking.baselines import StaticTracker

NUM_FRAMES = 24
RESULTS = Path("results/static")


def write_image(path: Path, number: int) -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    image[:number] = np.random.default_rng(number).integers(0, 255, (number, 80, 3))
    assert cv2.imwrite(str(path), image)


def write_truth(folder: Path, *, shift: int = 0, second: int = 0) -> None:
    """Write a target that moves by a pixel per frame; ``second`` moves it in the second frame."""
    rows, corners = [], []
    for number in range(NUM_FRAMES):
        x, y = 11 + number + shift, 21 + (second if number == 1 else 0)
        rows.append(f"{x},{y},20,20\n")
        corners.append(f"{x},{y},{x + 20},{y},{x + 20},{y + 20},{x},{y + 20}\n")
    (folder / "groundtruth_rect.txt").write_text("".join(rows))
    (folder / "groundtruth.txt").write_text("".join(corners))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two sequences, in OTB's layout and in VOT's at once."""
    for name in ("Boat1", "Boat2"):
        folder = tmp_path / "root" / name
        (folder / "img").mkdir(parents=True)
        for number in range(1, NUM_FRAMES + 1):
            write_image(folder / f"img/{number:04d}.png", number)
        (folder / "color").symlink_to("img")
        write_truth(folder)
    return tmp_path / "root"


def track(root: Path, name: BenchmarkName = "otb100") -> None:
    folder = root.parent / RESULTS
    claim_folder(folder, "static")
    track_all(StaticTracker, open_benchmark(name, str(root)), folder)


def score(root: Path, name: BenchmarkName = "otb100") -> float:
    benchmark = open_benchmark(name, str(root))
    results = open_tracker(
        root.parent / RESULTS, benchmark.all_names, is_result=benchmark.protocol.is_result
    )
    if name.startswith("vot"):
        return score_vot(benchmark, results).score.accuracy
    return score_tracker(benchmark, results, convention=CONVENTIONS["otb"]).total.auc


def move_start(folder: Path) -> None:
    write_truth(folder, shift=20)


def replace_images(folder: Path) -> None:
    for image in (folder / "img").iterdir():
        write_image(image, 40)


def replace_one_image(folder: Path) -> None:
    write_image(folder / "img/0014.png", 40)


def rename_images(folder: Path) -> None:
    for image in list((folder / "img").iterdir()):
        image.rename(image.with_name(f"1{image.name}"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (move_start, "another first box"),
        (replace_images, "other images"),
        (replace_one_image, "other images"),
        (rename_images, "frames of other names"),
    ],
)
def test_results_on_what_has_changed_since_are_refused(
    root: Path, change: Callable[[Path], None], reason: str
) -> None:
    track(root)
    before = score(root)
    change(root / "Boat1")
    for command in (track, score):
        with pytest.raises(SourceError, match=f"static: Boat1 was tracked on {reason} than .*root"):
            command(root)
    results = root.parent / RESULTS
    (results / "Boat1.txt").unlink()
    kept = (results / "Boat2.txt").stat().st_mtime_ns
    track(root)
    assert (results / "Boat2.txt").stat().st_mtime_ns == kept
    assert score(root) == pytest.approx(before, abs=1e-12)  # the start moves with its target


def test_commands_say_it_in_one_line_and_leave_the_report(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    argv = ["--root", str(root), "--results", str(tmp_path / "results")]
    run = [*argv, "--out", str(tmp_path / "report")]
    assert main([*run, "--tracker", "static"]) == 0
    page = (tmp_path / "report/report.html").read_bytes()
    for name in ("Boat1", "Boat2"):
        move_start(root / name)
    for command, options in ((main, [*run, "--tracker", "static"]), (main, run)):
        caplog.clear()
        assert command(options) == 1
        (message,) = caplog.messages
        assert "(so is 1 other sequence). Delete its results to have it tracked" in message
    assert compare.main(argv) == 1
    assert (tmp_path / "report/report.html").read_bytes() == page
    assert main([*run, "--tracker", "static", "--name", "again"]) == 0
    assert "static is left out: " in caplog.text
    assert list(json.loads((tmp_path / "report/curves.json").read_text())["trackers"]) == ["again"]


def test_later_truth_of_one_pass_may_change(root: Path) -> None:
    track(root)
    before = score(root)
    write_truth(root / "Boat1", second=30)
    track(root)
    assert score(root) < before


def test_a_copy_elsewhere_and_an_archive_of_it_are_the_same(root: Path) -> None:
    track(root)
    before = score(root)
    assert score(root.rename(root.with_name("moved"))) == before
    archive = shutil.make_archive(str(root), "zip", root.with_name("moved"))
    assert score(Path(archive)) == before
    write_image(root.with_name("moved") / "Boat1/img/0001.png", 40)
    archive = shutil.make_archive(str(root), "zip", root.with_name("moved"))
    with pytest.raises(SourceError, match="Boat1 was tracked on other images"):
        score(Path(archive))


def test_results_of_an_earlier_version_are_judged_by_their_first_row(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    track(root)
    records = list((root.parent / RESULTS / "tracked_on").iterdir())
    for record in records:
        record.unlink()
    for command, num_warnings in ((score, 1), (track, 1), (track, 0), (score, 0)):
        caplog.clear()
        command(root)
        assert caplog.text.count("2 results of an earlier version do not say") == num_warnings
    records[0].unlink()
    move_start(root / records[0].stem)
    with pytest.raises(SourceError, match=f"{records[0].stem} was tracked on another first box"):
        track(root)


def test_results_from_elsewhere_are_not_judged(root: Path) -> None:
    track(root)
    folder = root.parent / RESULTS
    (folder / TRACKER_FILE).unlink()
    (folder / "tracked_on").rename(root.parent / "away")
    move_start(root / "Boat1")
    assert score(root) > 0


def test_a_supervised_run_depends_on_the_whole_truth(root: Path) -> None:
    track(root, "vot2018")
    track(root, "vot2018")
    assert score(root, "vot2018") > 0
    write_truth(root / "Boat1", second=5)
    for command in (track, score):
        with pytest.raises(SourceError, match="Boat1 was tracked on another truth than"):
            command(root, "vot2018")
    runs = root.parent / RESULTS / "baseline/Boat1"
    (runs / "Boat1_001.txt").unlink()
    with pytest.raises(SourceError, match="Boat1 was"):  # other repetitions are of the old truth
        track(root, "vot2018")
    for path in runs.iterdir():
        path.unlink()
    track(root, "vot2018")
    assert score(root, "vot2018") > 0


def test_what_was_tracked_before_a_kill_is_compared_too(root: Path) -> None:
    code = (
        "import time, sys, tracking.baselines as b; from evaluation.run import main\n"
        "update = b.StaticTracker.update\n"
        "b.StaticTracker.update = lambda s, i: (time.sleep(0.05), update(s, i))[1]\n"
        "main()"
    )
    argv = ["--root", str(root), "--results", str(root.parent / "results"), "--tracker", "static"]
    process = subprocess.Popen([sys.executable, "-c", code, *argv])
    results = root.parent / RESULTS
    while process.poll() is None and not list(results.glob("*.txt")):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    (done,) = (path.stem for path in results.glob("*.txt"))
    (waiting,) = {"Boat1", "Boat2"} - {done}
    move_start(root / waiting)  # not tracked yet
    move_start(root / done)
    with pytest.raises(SourceError, match=rf"{done} was tracked on .* holds now\. Delete"):
        track(root)
    write_truth(root / done)
    track(root)
    assert score(root) > 0


def test_a_record_that_is_damaged_names_its_file(root: Path) -> None:
    track(root)
    path = root.parent / RESULTS / "tracked_on/Boat1.json"
    path.write_text("{")
    with pytest.raises(SourceError, match=r"tracked_on/Boat1\.json: not JSON"):
        score(root)


def test_sizes_that_a_listing_tells_are_those_of_the_files(root: Path) -> None:
    files = open_root(str(root))
    sizes = files.sizes("Boat1/img")
    assert sizes == {name: len(files.read(f"Boat1/img/{name}")) for name in sizes}
    assert len(sizes) == NUM_FRAMES
    assert files.sizes("nothing") == {}
    record = describe_benchmark(open_benchmark("otb100", str(root)))["Boat1"]
    assert set(record) == {"first_box", "names", "sizes", "content"}
