"""No command writes over what it reads, whatever the two are called."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from commands.places import keep_inputs
from datasets.build import main as build
from datasets.overlap.__main__ import main as overlap
from datasets.report.__main__ import main as report
from evaluation.export import main as export_results
from evaluation.run import main as evaluate
from evaluation.tune import main as tune
from manifests.query import main as query
from model.config import ModelConfig
from model.export import main as export_network
from model.network import build_model
from model.weights import save_weights
from tests.support.builds import fingerprint
from tests.support.packs import pack_tar
from tracking.run import main as track
from trainer.ablate import main as ablate
from trainer.preview import main as preview
from trainer.report import main as report_run
from trainer.run import main as train

Main = Callable[[list[str]], int]


@pytest.fixture
def world(tmp_path: Path, sample_world: Path, sample_shards: Path) -> Path:
    """Return the current folder: a video, weights, results, a run, crops and a benchmark."""
    root = tmp_path / "w"
    shutil.copytree(sample_shards / "lasot", root / "crops")
    shutil.copytree(sample_world / "OTB100", root / "otb")
    writer = cv2.VideoWriter(str(root / "clip.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 48))
    for _ in range(3):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    (root / "clip.csv").write_text("1,2,3,4\n")
    os.link(root / "clip.mp4", root / "hard.mp4")
    (root / "soft.mp4").symlink_to("clip.mp4")
    torch.manual_seed(0)
    network = build_model(ModelConfig(head="siamfc", width=0.01))
    for name in ("best", "curves", "tracker"):
        save_weights(root / f"{name}.safetensors", network, provenance={})
    (root / "results/mine").mkdir(parents=True)
    (root / "results/mine/Couple.txt").write_text("1,2,3,4\n")
    (root / "run").mkdir()
    for name in ("metrics.jsonl", "run.json"):
        (root / "run" / name).write_text("{}\n")
    return root


TRACK = ["--tracker", "static", "--box", "1,2,9,9"]
CROPS = ["--manifests", "crops/manifest.parquet"]
WEIGHTS = ["--weights", "best.safetensors"]
SHARD = "crops/lasot-000000.tar"
FRAME = "otb/Made1/img/0001.jpg"


@pytest.mark.parametrize(
    ("main", "options", "lost"),
    [
        (track, [*TRACK, "--video", "clip.mp4", "--out", "clip.mp4"], "clip.mp4"),
        (track, [*TRACK, "--video", "clip.mp4", "--out", "crops/../clip.mp4"], "clip.mp4"),
        (track, [*TRACK, "--video", "soft.mp4", "--out", "clip.mp4"], "soft.mp4"),
        (track, [*TRACK, "--video", "clip.mp4", "--out", "soft.mp4"], "clip.mp4"),
        (track, [*TRACK, "--video", "hard.mp4", "--out", "clip.mp4"], "hard.mp4"),
        (track, ["--tracker", "static", "--video", "clip.mp4", "--truth", "clip.csv", "--out",
                 "clip.mp4"], "clip.mp4"),
        (track, ["--tracker", "static", "--video", "otb", "--truth", "clip.csv", "--out",
                 "clip.mp4"], "clip.csv"),
        (query, ["SELECT 1", *CROPS, "--out", "crops/manifest.parquet"], "crops/manifest.parquet"),
        (query, ["SELECT 1", *CROPS, "--out", "{here}/crops/manifest.parquet"],
         "crops/manifest.parquet"),
        (query, ["SELECT 1", "--manifests", "file://{here}/crops/manifest.parquet", "--out",
                 "crops/manifest.parquet"], "file://"),
        (report, ["--manifests", "crops/manifest.parquet", "--out", SHARD], "lasot-000000.tar"),
        (overlap, [*CROPS, "--against", "otb", "--out", SHARD], "lasot-000000.tar"),
        (overlap, [*CROPS, "--against", "otb", "--out", FRAME], "otb"),
        (overlap, [*CROPS, "--against", "otb", "--keep", "otb"], "otb"),
        (preview, [*CROPS, "--out", SHARD], "lasot-000000.tar"),
        (preview, [*CROPS, "--recipe", "my.toml", "--out", "my.toml"], "my.toml"),
        (train, ["--recipe", "siamfc", *CROPS, "--init-weights", "best.safetensors", "--out", "."],
         "best.safetensors"),
        (ablate, ["--pretrain-manifests", *CROPS[1:], "--finetune-manifests", *CROPS[1:], "--root",
                  "otb", "--out", "otb/."], "otb"),
        (report_run, ["--run", "run", "--out", "run/run.json"], "run"),
        (evaluate, ["--root", "otb", "--tracker", "static", "--out", "otb"], "otb"),
        (evaluate, ["--root", "otb", "--tracker", "static", "--results", "otb"], "otb"),
        (evaluate, ["--root", "otb", "--weights", "curves.safetensors", "--out", "."],
         "curves.json"),
        (evaluate, ["--root", "otb", "--weights", "tracker.safetensors", "--name", "w",
                    "--results", ".."], "tracker.json"),
        (export_results, ["--results", "results/mine", "--layout", "got10k", "--out",
                          "results/mine/Couple.txt"], "Couple.txt"),
        (export_results, ["--results", "results/mine", "--layout", "matlab", "--out", "linked"],
         "Couple.txt"),
        (export_network, [*WEIGHTS, "--out", "onnx"], "best.safetensors"),
        (tune, ["--src", "lasot", "--root", "{raw}", *WEIGHTS, "--out", "."], "best.json"),
    ],
)  # fmt: skip
def test_an_output_that_is_an_input_is_refused(
    world: Path,
    sample_world: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    main: Main,
    options: list[str],
    lost: str,
) -> None:
    monkeypatch.chdir(world)
    Path("my.toml").write_text("seed = 1\n")
    for folder, name, target in (
        ("linked", "mine_tracking_result", world / "results/mine"),
        ("onnx", "template.onnx", world / "best.safetensors"),
    ):
        Path(folder).mkdir()
        (Path(folder) / name).symlink_to(target)
    before = fingerprint(world)
    raw = str(sample_world / "lasot")
    given = [each.replace("{here}", str(world)).replace("{raw}", raw) for each in options]
    assert main(given) == 1
    assert "would be written over, but this command reads" in caplog.messages[-1]
    assert lost in caplog.messages[-1]
    assert fingerprint(world) == before


def test_a_build_spares_the_archive_that_it_reads(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive = pack_tar(sample_world / "uav123", tmp_path / "uav123-000000.tar")
    before = hashlib.sha256(archive.read_bytes()).digest()
    given = ["--src", "uav123", "--root", str(archive), "--out"]
    for out in (tmp_path, archive, archive / "in"):
        assert build([*given, str(out)]) == 1
        assert "would be written over, but this command reads" in caplog.messages[-1]
    assert hashlib.sha256(archive.read_bytes()).digest() == before
    assert build([*given, str(tmp_path / "out")]) == 0


def test_buckets_are_compared_by_what_their_urls_name() -> None:
    for read, out in (
        ("s3://b/x.parquet", "s3://b/x.parquet"),
        ("s3://b/x.parquet", "s3a://b/x.parquet"),
        ("simplecache::s3://b/x.parquet", "s3://b/x.parquet"),
        ("zip://x.parquet::s3://b/x.zip", "s3://b/x.zip"),
        ("s3://b/x.zip", "s3://b/x.zip/page.html"),
        ("s3://b/run/checkpoints/1/weights.safetensors", "s3://b/run/checkpoints"),
    ):
        with pytest.raises(FileExistsError, match=r"Pass another --out"):
            keep_inputs([read], files=[out])
    keep_inputs(["s3://b/x", "memory://b/y", "nosuch://z", ""], files=["s3://b/xy", "b/x", "y"])
    with pytest.raises(FileExistsError, match=r"s3://b/x/: would .* Pass another --keep"):
        keep_inputs(["s3://b/x"], folders=["s3://b/x/"], option="--keep")


def test_what_lies_beside_the_inputs_is_no_conflict(tmp_path: Path) -> None:
    (tmp_path / "a::b").mkdir()
    (tmp_path / "a::b/page.html").touch()
    (tmp_path / "b").touch()
    keep_inputs([tmp_path], folders=[tmp_path / "out"], files=[tmp_path / "new.csv"])
    keep_inputs([tmp_path], files=[tmp_path / "a::b/page.html"])  # made by an earlier run
    keep_inputs([tmp_path / "b"], files=[tmp_path / "a::b"], folders=[tmp_path])
