"""datasets.verify: each kind of damage is found and listed."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from datasets.build import main as build
from datasets.read_crop import read_jpeg
from datasets.verify import main as verify
from manifests.crop_spec import CropSpec
from manifests.schema import ManifestError
from manifests.table import read_manifest, write_manifest
from tests.support.servers import process


@pytest.fixture(scope="module")
def built(sample_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("verify") / "uav123"
    root = str(sample_world / "uav123")
    assert build(["--src", "uav123", "--root", root, "--out", str(out), "--shard-mb", "0.4"]) == 0
    return out


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "copy"))


def run(folder: Path, *options: str) -> int:
    return verify(["--manifests", str(folder / "manifest.parquet"), *options])


def shard(folder: Path) -> Path:
    return max(folder.glob("*.tar"))


@pytest.mark.parametrize("options", [(), ("--deep",)])
def test_what_the_build_wrote_is_whole(built: Path, options: tuple[str, ...]) -> None:
    assert run(built, *options) == 0


def test_shards_on_a_web_server_and_behind_links_are_whole(
    web: str, built: Path, tmp_path: Path
) -> None:
    assert verify(["--manifests", f"{web}/manifest.parquet"]) == 0
    assert len(read_manifest(f"{web}/manifest.parquet").rows)
    for path in built.iterdir():
        (tmp_path / path.name).symlink_to(path)
    assert run(tmp_path) == 0


def test_what_a_web_server_lacks_is_one_line(
    crops: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(crops, tmp_path / "crops")
    shard(tmp_path / "crops").unlink()
    with process("-m", "http.server", "0", "-b", "127.0.0.1", "-d", str(tmp_path)) as line:
        url = f"{line.split('(')[1].split('/)')[0]}/crops/manifest.parquet"
        assert verify(["--manifests", url]) == 1
        row = read_manifest(url).rows.row(0, named=True)
        with pytest.raises(ManifestError, match="support range requests"):
            read_jpeg(url, row, "x")
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert f"{shard(crops).name}: no such shard" in record.getMessage()


def test_a_flipped_byte_names_the_shard_and_the_crop(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    row = read_manifest(str(copy / "manifest.parquet")).rows.row(-1, named=True)
    path = copy / row["shard"]
    data = bytearray(path.read_bytes())
    data[row["x_offset"] + 700] ^= 1
    path.write_bytes(data)
    assert run(copy) == 1
    assert f"{row['shard']}: its bytes are not those that were written" in caplog.text
    assert f"{row['track']}/{row['frame']:08d}.x.jpg is not what was written" in caplog.text
    assert len(caplog.records) == 2


def test_a_truncated_shard_is_named_with_both_sizes(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    size = shard(copy).stat().st_size
    shard(copy).write_bytes(shard(copy).read_bytes()[:1000])
    assert run(copy) == 1
    assert f"{shard(copy).name}: 1000 bytes, expected {size}" in caplog.text


def test_a_missing_shard_is_named(copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    name = shard(copy).name
    shard(copy).unlink()
    assert run(copy) == 1
    assert f"{name}: no such shard" in caplog.text


def test_a_manifest_of_another_build_is_recognised(
    copy: Path, sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = tmp_path / "other"
    root = str(sample_world / "uav123")
    options = ["--root", root, "--out", str(other), "--shard-mb", "0.4", "--quality", "50"]
    assert build(["--src", "uav123", *options]) == 0
    shutil.copy(other / "manifest.parquet", copy)
    assert run(copy) == 1
    assert "bytes, expected" in caplog.text
    for path in copy.glob("*.tar"):  # as if the sizes happened to be the same
        size = (other / path.name).stat().st_size
        path.write_bytes(path.read_bytes()[:size].ljust(size, b"\0"))
    assert run(copy) == 1
    assert "no shard beside it is the one it was written for" in caplog.text


def rewrite(folder: Path, rows: pl.DataFrame, **changes: Any) -> None:
    manifest = read_manifest(str(folder / "manifest.parquet"))
    metadata = dataclasses.replace(manifest.metadata, **changes)
    write_manifest(manifest.url, rows, metadata)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("z_offset", pl.col("x_offset"), "where uav"),
        ("z_offset", pl.col("z_offset") + 1, "where no file starts"),
        ("x_offset", pl.lit(10**9), "outside of the shard"),
        ("x_offset", pl.lit(0), "outside of the shard"),
        ("x_crc32", pl.lit(7), "is not what was written"),
        ("frame", pl.col("frame") + 1, "is said to be at byte"),
    ],
)
def test_rows_that_point_elsewhere_are_listed(
    copy: Path, caplog: pytest.LogCaptureFixture, column: str, value: pl.Expr, message: str
) -> None:
    rows = read_manifest(str(copy / "manifest.parquet")).rows
    last = pl.int_range(pl.len()) == len(rows) - 1
    changed = pl.when(last).then(value).otherwise(pl.col(column)).alias(column)
    rewrite(copy, rows.with_columns(changed))
    assert run(copy) == 1
    assert message in caplog.text


def test_rows_of_a_shard_that_is_not_there_are_listed(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = read_manifest(str(copy / "manifest.parquet")).rows
    name = pl.col("shard").cast(pl.String)
    rewrite(copy, rows.with_columns(name.replace(shard(copy).name, "other-000000.tar")))
    assert run(copy) == 1
    assert "'other-000000.tar', which is none of its" in caplog.text
    assert f"0 rows of {shard(copy).name}" in caplog.text


@pytest.mark.parametrize("column", ["track", "shard", "split", "z_offset", "x_crc32"])
def test_rows_that_lack_a_value_are_counted(
    copy: Path, caplog: pytest.LogCaptureFixture, column: str
) -> None:
    rows = read_manifest(str(copy / "manifest.parquet")).rows
    lacks = pl.int_range(pl.len()) >= len(rows) - 2
    rewrite(copy, rows.with_columns(pl.when(~lacks).then(pl.col(column)).alias(column)))
    assert run(copy) == 1
    assert f"2 rows without {column}" in caplog.text


def test_a_row_twice_in_place_of_another_is_found(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = read_manifest(str(copy / "manifest.parquet")).rows
    rewrite(copy, pl.concat([rows.head(1), rows.head(1), rows.slice(2)]))
    assert run(copy) == 1
    assert "1 rows of a track and frame that another row has" in caplog.text


def test_a_group_in_both_splits_is_listed(copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = read_manifest(str(copy / "manifest.parquet")).rows
    rewrite(copy, rows.with_columns(pl.lit("uav6").alias("group")))
    assert run(copy) == 1
    assert "group 'uav6' is in both splits" in caplog.text


def test_deep_decodes_and_measures_every_crop(copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = read_manifest(str(copy / "manifest.parquet")).rows
    rewrite(copy, rows, crop=CropSpec(margin=4))
    assert run(copy) == 0
    assert run(copy, "--deep") == 1
    assert "127 x 127 px, expected 135 x 135" in caplog.text


def test_a_missing_manifest_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert run(tmp_path) == 1
    assert "no such manifest" in caplog.text


def test_an_unknown_kind_of_url_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    assert verify(["--manifests", "nowhere://shards/manifest.parquet"]) == 1
    assert "nowhere://shards/manifest.parquet: Protocol not known: nowhere" in caplog.text


def test_several_builds_are_all_checked(
    built: Path, copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    urls = [str(folder / "manifest.parquet") for folder in (copy, built)]
    rewrite(copy, read_manifest(urls[0]).rows.with_columns(pl.lit("uav6").alias("group")))
    caplog.set_level("INFO")
    assert verify(["--manifests", *urls]) == 1
    assert f"{urls[0]}: group 'uav6' is in both splits" in caplog.text
    assert f"{urls[1]}: " in caplog.text


def test_no_manifest_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    assert verify(["--manifests"]) == 1
    assert "--manifests: none given" in caplog.text
