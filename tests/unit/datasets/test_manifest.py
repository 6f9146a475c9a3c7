"""Manifests: what is written is read, and what does not fit is refused with a reason."""

import json
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet
import pytest

from commands.files import whole_file
from datasets.overlap.__main__ import main as overlap
from datasets.report.__main__ import main as report
from datasets.verify import main as verify
from manifests.crop_spec import CropSpec
from manifests.schema import COLUMNS, SCHEMA, ManifestError
from manifests.shards import ShardInfo, shard_url
from manifests.table import Metadata, read_manifest, write_manifest
from trainer.preview import main as preview

SHARD = ShardInfo(name="x-000000.tar", num_bytes=5, num_rows=3, sha256="0" * 64)


def rows(number: int = 3) -> pl.DataFrame:
    text = {name: ["a"] * number for name, dtype in SCHEMA.items() if dtype == pl.Categorical()}
    table = pl.DataFrame({name: text.get(name, list(range(number))) for name in SCHEMA.names()})
    return table.cast(SCHEMA)


def written(folder: Path, metadata: Metadata | None = None) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SHARD.name).write_bytes(b"12345")
    url = str(folder / "manifest.parquet")
    write_manifest(
        url, rows(), metadata or Metadata(source="x", crop=CropSpec(margin=8), shards=(SHARD,))
    )
    return url


def test_what_is_written_is_read(tmp_path: Path) -> None:
    manifest = read_manifest(written(tmp_path))
    assert manifest.rows.equals(rows())
    assert manifest.rows.schema == SCHEMA
    assert manifest.metadata == Metadata(source="x", crop=CropSpec(margin=8), shards=(SHARD,))


def test_the_fingerprint_is_that_of_the_file(tmp_path: Path) -> None:
    import hashlib

    url = written(tmp_path)
    assert read_manifest(url).fingerprint == hashlib.sha256(Path(url).read_bytes()).hexdigest()
    assert Path(written(tmp_path / "again")).read_bytes() == Path(url).read_bytes()


def test_where_selects_rows(tmp_path: Path) -> None:
    url = written(tmp_path)
    assert read_manifest(url, where="frame >= 1 AND source = 'a'").rows["frame"].to_list() == [1, 2]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("categry = 'a'", "did you mean 'category'"),
        ("frame >", "not a condition that SQL understands"),
        ("frame > 99", "no row satisfies"),
    ],
)
def test_a_condition_that_cannot_work_says_why(tmp_path: Path, where: str, message: str) -> None:
    url = written(tmp_path)
    with pytest.raises(ManifestError, match=message):
        read_manifest(url, where=where)


def test_a_shard_of_another_size_or_none_is_refused(tmp_path: Path) -> None:
    url = written(tmp_path)
    (tmp_path / SHARD.name).write_bytes(b"1234")
    with pytest.raises(ManifestError, match="4 bytes, expected 5"):
        read_manifest(url)
    (tmp_path / SHARD.name).unlink()
    with pytest.raises(ManifestError, match="no such shard"):
        read_manifest(url)
    assert read_manifest(url, check_shards=False).rows.height == 3


def test_files_that_are_no_manifest_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.parquet"
    with pytest.raises(ManifestError, match=r"no such manifest\. Build it"):
        read_manifest(str(path))
    path.write_bytes(b"something else")
    with pytest.raises(ManifestError, match="not a Parquet file"):
        read_manifest(str(path))
    rows().write_parquet(path)
    with pytest.raises(ManifestError, match="no manifest of this toolkit"):
        read_manifest(str(path))


def test_another_schema_version_is_refused(tmp_path: Path) -> None:
    url = written(tmp_path, Metadata(source="x", schema_version=99))
    with pytest.raises(ManifestError, match="schema version 99, expected 1"):
        read_manifest(url)


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> str:
    """Write a manifest whose metadata are changed by hand."""
    url = written(folder, Metadata(source="x"))
    table = pyarrow.parquet.read_table(url)
    content = json.loads(table.schema.metadata[b"dcffnet"])
    content = change(content) or content
    metadata = {**table.schema.metadata, b"dcffnet": json.dumps(content).encode()}
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), url)
    return url


def test_fields_that_a_later_version_adds_are_left_out(tmp_path: Path) -> None:
    url = rewritten(tmp_path, lambda content: content.update(later={"a": 1}))
    assert read_manifest(url).metadata == Metadata(source="x")


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("source") and None,
        lambda content: content.pop("shards") and None,
        lambda content: content.update(shards=[{"name": "a.tar"}]),
        lambda content: content.update(shards=["a.tar"]),
        lambda content: content.update(shards=3),
        lambda content: content.update(template_size="large"),
    ],
)
def test_damaged_metadata_are_one_line(
    change: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    with pytest.raises(ManifestError, match="metadata are damaged"):
        read_manifest(rewritten(tmp_path, change))


def test_rows_without_a_column_are_not_written(tmp_path: Path) -> None:
    url = str(tmp_path / "manifest.parquet")
    with pytest.raises(ManifestError, match="scale"):
        write_manifest(url, rows().drop("scale"), Metadata(source="x"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../x.tar", "/etc/passwd", "a/b.tar", "..", ""])
def test_a_shard_name_cannot_lead_out_of_the_folder(name: str) -> None:
    with pytest.raises(ManifestError, match="not a plain file name"):
        shard_url("data/manifest.parquet", name)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), whole_file(path) as temporary:
        temporary.write_text((tmp_path / "missing").read_text())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named_and_leaves_the_old_file(tmp_path: Path) -> None:
    url = written(tmp_path)
    before = Path(url).read_bytes()
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="Make room, and run the same command again") as raised:
            write_manifest(url, rows(), Metadata(source="y"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert raised.value.filename == url
    assert Path(url).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {SHARD.name, "manifest.parquet"}


def test_every_column_has_a_meaning() -> None:
    assert all(column.meaning for column in COLUMNS)


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_shards_lie_beside_what_a_linked_manifest_is_a_link_to(tmp_path: Path, scheme: str) -> None:
    written(tmp_path / "built")
    beside = tmp_path / "all"
    beside.mkdir()
    (tmp_path / "first.parquet").symlink_to("built/manifest.parquet")
    (beside / "x.parquet").symlink_to("../first.parquet")
    url = f"{scheme}{beside}/x.parquet"
    assert read_manifest(url).rows.height == 3
    assert Path(shard_url(url, SHARD.name)) == tmp_path / "built" / SHARD.name
    (beside / SHARD.name).write_bytes(b"1234")
    with pytest.raises(ManifestError, match="4 bytes, expected 5"):
        read_manifest(url)
    (beside / SHARD.name).unlink()
    (tmp_path / "built" / SHARD.name).unlink()
    with pytest.raises(ManifestError, match=rf"^{scheme}{beside}/{SHARD.name}: no such shard"):
        read_manifest(url)


def test_every_reader_takes_a_linked_manifest(
    sample_world: Path, sample_shards: Path, tmp_path: Path
) -> None:
    url = tmp_path / "lasot.parquet"
    url.symlink_to(sample_shards / "lasot" / "manifest.parquet")
    page = ["--out", str(tmp_path / "page.html")]
    assert verify(["--manifests", str(url), "--deep"]) == 0
    assert report(["--manifests", str(url), "--num-crops", "1", *page]) == 0
    assert preview(["--manifests", str(url), "--num-pairs", "1", *page]) == 0
    against = ["--against", str(sample_world / "OTB100"), "--num-copies", "1", "--every", "9"]
    assert overlap(["--manifests", str(url), *against, *page]) == 0
