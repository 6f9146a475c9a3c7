"""Manifests in a bucket: questions, pages and pictures are made of them as of local ones."""

from pathlib import Path

import polars as pl
import pytest

from datasets.files.output import Output
from datasets.overlap.__main__ import main as overlap
from datasets.report.__main__ import main as report
from manifests.query import main as query
from tests.support.buckets import upload
from trainer.preview import main as preview

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")

pytestmark = pytest.mark.s3


@pytest.fixture(scope="module")
def manifest(bucket: str, sample_shards: Path) -> str:
    upload(sample_shards / "uav123", f"{bucket}/shards")
    return f"{bucket}/shards/manifest.parquet"


def test_a_question_is_answered_into_the_bucket(manifest: str, bucket: str, tmp_path: Path) -> None:
    sql = "SELECT split, count(*) AS n FROM crops GROUP BY ALL"
    assert query([sql, "--manifests", manifest, "--out", f"{bucket}/answer.csv"]) == 0
    (tmp_path / "answer.csv").write_bytes(Output(bucket).read("answer.csv"))
    answer = pl.read_csv(tmp_path / "answer.csv")
    assert set(answer["split"]) == {"train", "val"}


def test_a_manifest_that_is_not_there_is_one_line(
    bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert query(["SELECT * FROM crops", "--manifests", f"{bucket}/none/manifest.parquet"]) == 1
    assert caplog.messages[-1].startswith(f"{bucket}/none/manifest.parquet: no such manifest")


def test_the_report_lies_beside_its_manifest(manifest: str, bucket: str) -> None:
    assert report(["--manifests", manifest, "--num-crops", "4", "--num-tracks", "1"]) == 0
    assert {"report.html", "crops.png"} <= set(Output(f"{bucket}/shards").sizes())


def test_footage_in_a_bucket_is_found_in_training_data_in_a_bucket(
    manifest: str, bucket: str, sample_world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    upload(sample_world / "uav123", f"{bucket}/benchmark")
    options = ["--against", f"{bucket}/benchmark", "--every", "5", "--num-copies", "2"]
    assert overlap(["--manifests", manifest, *options, "--out", f"{bucket}/overlap.html"]) == 0
    assert "2 training videos hold footage of" in capsys.readouterr().out
    assert "overlap.html" in Output(bucket).sizes()


def test_pairs_of_a_bucket_are_shown(
    manifest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # copies of shards are kept below the working folder
    assert preview(["--manifests", manifest, "--num-pairs", "2"]) == 0
    assert (tmp_path / "pairs.html").read_text().count("<figure") == 2
