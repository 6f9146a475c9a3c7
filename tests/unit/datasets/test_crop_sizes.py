"""datasets.build with other crop sizes: what builds, what understands it, and what refuses it."""

from pathlib import Path

import pytest

from datasets.build import main as build_main
from datasets.images import decode_image
from datasets.overlap.__main__ import main as overlap
from datasets.read_crop import read_jpeg
from datasets.report.__main__ import main as report
from datasets.verify import main as verify
from manifests.crop_spec import CropSpec
from manifests.query import main as query
from manifests.schema import ManifestError
from manifests.table import read_manifest
from sampling.augment import AugmentSettings
from sampling.loader import PairLoader
from sampling.plan import PairSettings
from tests.support.builds import build, fingerprint

SIZES = ("--template-size", "127", "--search-size", "303")


@pytest.fixture(scope="module")
def large(sample_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("large") / "uav123"
    assert build(sample_world / "uav123", out, *SIZES, "--margin", "4") == 0
    return out / "manifest.parquet"


def test_the_manifest_records_the_sizes_and_the_crops_have_them(large: Path) -> None:
    manifest = read_manifest(str(large))
    assert manifest.metadata.crop == CropSpec(search=303, margin=4)
    row = manifest.rows.row(0, named=True)
    assert decode_image(read_jpeg(manifest.url, row, "z")).shape == (135, 135, 3)
    assert decode_image(read_jpeg(manifest.url, row, "x")).shape == (311, 311, 3)


def test_a_larger_search_crop_shows_more_at_the_same_scale(large: Path, built: Path) -> None:
    wide = read_manifest(str(large)).rows.row(0, named=True)
    usual = read_manifest(str(built / "manifest.parquet")).rows.filter(
        track=wide["track"], frame=wide["frame"]
    )
    assert usual["scale"].to_list() == [wide["scale"]]


def test_verify_report_and_query_understand_other_sizes(large: Path, tmp_path: Path) -> None:
    url = str(large)
    assert verify(["--manifests", url, "--deep"]) == 0
    assert report(["--manifests", url, "--out", str(tmp_path / "report.html")]) == 0
    assert "search crops of 303 px" in (tmp_path / "report.html").read_text()
    assert query(["SELECT count(*) FROM crops", "--manifests", url]) == 0


def test_overlap_takes_other_sizes_but_not_two_at_once(
    large: Path, built: Path, sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    usual = str(built / "manifest.parquet")
    options = ["--against", str(sample_world / "OTB100"), "--out", str(tmp_path / "o.html")]
    assert overlap(["--manifests", str(large), *options, "--num-copies", "1"]) == 0
    assert overlap(["--manifests", usual, str(large), *options]) == 1
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert line.startswith(f"{large}: template crops of 127 px and search crops of 303 px")
    assert usual in line


def test_a_loader_refuses_crops_that_the_network_does_not_take(large: Path) -> None:
    with pytest.raises(ManifestError, match=r"search crops of 303 px .* 255 px .* the network"):
        PairLoader(
            [read_manifest(str(large))],
            pairs=PairSettings(),
            augment=AugmentSettings(),
            batch_size=2,
            seed=0,
        )


def test_the_same_command_finds_its_build_and_other_sizes_are_refused(
    large: Path, sample_world: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = fingerprint(large.parent)
    raw, out = sample_world / "uav123", large.parent
    assert build(raw, out, *SIZES, "--margin", "4") == 0
    assert build(raw, out, "--margin", "4") == 1
    assert "made with search_size = 303, and now 255" in caplog.text
    assert fingerprint(out) == before


def test_sizes_that_cannot_share_a_centre_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert build_main(["--src", "coco", "--search-size", "300"]) == 2
    assert "search size 300: expected more than" in capsys.readouterr().err
