"""Every further benchmark: its layout on disk, its published list, its guard against leaks."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from datasets.tracks import SourceError
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.compare import main as compare
from evaluation.contamination import find_contamination
from evaluation.onepass.conventions import CONVENTIONS
from evaluation.onepass.metrics import measure
from evaluation.run import main as run
from model.config import ModelConfig
from model.network import build_model
from model.weights import save_weights

_NUM_PUBLISHED = {
    **{"otb100": 100, "otb50": 50, "otb2013": 51, "uav123": 123, "uav123_10fps": 123},
    **{"uav20l": 20, "dtb70": 70, "nfs30": 100, "nfs240": 100, "tc128": 129, "lasot": 280},
    **{"lasot_all": 1400, "lasot_extension": 150, "got10k_val": 180, "got10k_test": 180},
    **{"trackingnet_test": 0},  # of 511 videos, whose names are not listed
    **{"vot2016": 60, "vot2018": 60, "vot2019": 60},
}


def write_images(folder: Path, num_images: int, *, digits: int, first: int = 1) -> None:
    folder.mkdir(parents=True)
    for number in range(first, first + num_images):
        (folder / f"{number:0{digits}d}.jpg").write_bytes(b"")


def write_rows(path: Path, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(rows) + "\n")


def test_every_benchmark_lists_its_published_sequences_once() -> None:
    names = {name: record.official_names for name, record in BENCHMARKS.items()}
    assert {name: len(each) for name, each in names.items()} == _NUM_PUBLISHED
    assert {name: len(set(each)) for name, each in names.items()} == _NUM_PUBLISHED
    assert set(names["otb50"]) | set(names["otb2013"]) < set(names["otb100"])
    assert set(names["lasot"]) < set(names["lasot_all"])
    assert not set(names["lasot_all"]) & set(names["lasot_extension"])


@pytest.mark.parametrize(("name", "there"), [("otb50", ["Couple"]), ("otb2013", None)])
def test_parts_of_otb_leave_out_its_other_sequences(
    shared: Path, name: str, there: list[str] | None
) -> None:
    part = open_benchmark(name, str(shared / "data/otb"))
    assert [each.name for each in part.sequences] == (there or ["Couple", "Crossing"])


def test_uav20l_takes_the_frames_of_uav123(tmp_path: Path) -> None:
    write_images(tmp_path / "UAV123/data_seq/UAV123/uav1", 2, digits=6)
    write_images(tmp_path / "UAV123/data_seq/UAV123/boat1", 2, digits=6)
    write_rows(tmp_path / "UAV123/anno/UAV20L/uav1.txt", ["1,2,30,40"] * 3469)
    (sequence,) = open_benchmark("uav20l", str(tmp_path)).sequences
    assert (sequence.name, sequence.group, len(sequence.frames)) == ("uav1", "uav1", 3469)
    assert sequence.frames[-1] == "UAV123/data_seq/UAV123/uav1/003469.jpg"
    write_rows(tmp_path / "UAV123/anno/UAV20L/uav1.txt", ["1,2,30,40"])
    with pytest.raises(SourceError, match=r"uav1.txt: 1 entries, expected 3469"):
        open_benchmark("uav20l", str(tmp_path))


def test_dtb70_is_read_as_folders_of_images(tmp_path: Path) -> None:
    write_images(tmp_path / "Gull1/img", 3, digits=5)
    write_rows(tmp_path / "Gull1/groundtruth_rect.txt", ["1,2,30,40"] * 3)
    benchmark = open_benchmark("dtb70", str(tmp_path))
    assert benchmark.sequences[0].frames[0] == "Gull1/img/00001.jpg"
    assert benchmark.note == "1 of the 70 published sequences"
    write_rows(tmp_path / "Gull1/groundtruth_rect.txt", ["1,2,30,40"] * 2)
    with pytest.raises(SourceError, match="2 lines, expected 3, one per image of Gull1/img"):
        open_benchmark("dtb70", str(tmp_path))


@pytest.mark.parametrize(
    ("rate", "num_images", "num_rows"), [(240, 17, 17), (30, 3, 17), (30, 3, 3), (30, 3, 25)]
)
def test_nfs_takes_every_eighth_row_at_30_frames_a_second(
    tmp_path: Path, rate: int, num_images: int, num_rows: int
) -> None:
    write_images(tmp_path / f"bee/{rate}/bee", num_images, digits=5)
    rows = [f'0 {n} 20 {n + 30} 60 {n} 0 0 0 "insect"' for n in range(num_rows)]
    write_rows(tmp_path / f"bee/{rate}/bee.txt", rows)
    (sequence,) = open_benchmark(f"nfs{rate}", str(tmp_path)).sequences
    step = 1 if num_rows == num_images else 8
    assert sequence.name == "bee"
    assert sequence.truth.tolist() == [[step * n, 20, 30, 40] for n in range(num_images)]
    write_rows(tmp_path / f"bee/{rate}/bee.txt", ["1,2,30,40"])
    with pytest.raises(SourceError, match=r"bee.txt:1: '1,2,30,40', expected a VATIC row"):
        open_benchmark(f"nfs{rate}", str(tmp_path))


def test_tc128_uses_the_frames_that_its_file_names(tmp_path: Path) -> None:
    write_images(tmp_path / "Kite_ce1/img", 9, digits=4)
    write_rows(tmp_path / "Kite_ce1/Kite_ce1_gt.txt", ["1,2,30,40"] * 4)
    write_rows(tmp_path / "Kite_ce1/Kite_ce1_frames.txt", ["3,6"])
    (sequence,) = open_benchmark("tc128", str(tmp_path)).sequences
    assert [each[-8:] for each in sequence.frames] == [f"000{n}.jpg" for n in (3, 4, 5, 6)]
    write_rows(tmp_path / "Kite_ce1/Kite_ce1_frames.txt", ["6,3"])
    with pytest.raises(SourceError, match="expected the first and the last frame"):
        open_benchmark("tc128", str(tmp_path))


def test_lasot_has_its_test_split_all_videos_and_the_extension(tmp_path: Path) -> None:
    for name in ("airplane-1", "airplane-2", "atv-3"):
        folder = tmp_path / name.partition("-")[0] / name
        write_rows(folder / "groundtruth.txt", ["1,2,30,40"] * 2)
        for flags in ("full_occlusion", "out_of_view"):
            write_rows(folder / f"{flags}.txt", ["0,1"])
    read = {
        name: [each.name for each in open_benchmark(name, str(tmp_path)).sequences]
        for name in ("lasot", "lasot_all", "lasot_extension")
    }
    assert read == {
        "lasot": ["airplane-1"],
        "lasot_all": ["airplane-1", "airplane-2"],
        "lasot_extension": ["atv-3"],
    }
    shutil.rmtree(tmp_path / "atv")
    with pytest.raises(SourceError, match="150 extension videos, such as atv/atv-1"):
        open_benchmark("lasot_extension", str(tmp_path))


@pytest.fixture
def got10k(shared: Path, tmp_path: Path) -> Path:
    piece = shared / "data/got10k/train/GOT-10k_Train_000001"
    folder = tmp_path / "got10k/val/GOT-10k_Val_000007"
    folder.mkdir(parents=True)
    for path in piece.iterdir():
        (folder / path.name).symlink_to(path)
    return tmp_path / "got10k"


def test_got10k_is_scored_by_average_overlap_and_success_rates(
    got10k: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sequence,) = open_benchmark("got10k_val", str(got10k)).sequences
    assert (len(sequence.frames), sequence.image_size) == (40, (1280, 720))
    common = ["--benchmark", "got10k_val", "--root", str(got10k)]
    common += ["--results", str(tmp_path / "results")]
    assert run([*common, "--tracker", "static", "--out", str(tmp_path / "report")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == ["tracker", "AO", "SR", "0.50", "SR", "0.75", "frames/s"]
    assert "Success is the mean" not in (tmp_path / "report/report.html").read_text()
    assert compare(common) == 0
    assert "got10k_val" in capsys.readouterr().out


def test_got10k_counts_visible_frames_after_the_first_inside_the_image() -> None:
    truth = np.tile([91.0, 41, 20, 20], (5, 1))  # half of it inside 101 x 101 pixels
    predicted = truth.copy()
    predicted[0] = 0  # never counts
    predicted[1] = [91, 41, 10, 20]  # the same inside the image
    predicted[2] = [91, 41, 6, 20]  # 0.6
    predicted[3] = 0  # the target is hidden
    predicted[4] = 0
    curves = measure(
        predicted,
        truth,
        convention=CONVENTIONS["got10k_val"],
        absent=np.array([False, False, False, True, False]),
        image_size=(101, 101),
    )
    assert curves.mean_overlap == pytest.approx((1 + 0.6 + 0) / 3, abs=1e-12)
    assert (curves.success[10], curves.success[15]) == (2 / 3, 1 / 3)


def test_weights_that_saw_the_footage_of_a_benchmark_are_refused_on_it(
    got10k: Path, tmp_path: Path
) -> None:
    weights = str(tmp_path / "w.safetensors")
    network = build_model(ModelConfig(width=0.125))
    benchmark = open_benchmark("got10k_val", str(got10k))
    for footage, expected in ((["got10k"], 1), (["got10k_val"], 1), (["dtb70"], 0)):
        save_weights(weights, network, provenance={"footage": footage})
        assert len(find_contamination(benchmark, weights).trained_on) == expected
