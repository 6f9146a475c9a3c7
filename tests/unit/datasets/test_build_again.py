"""datasets.build into an output that holds something: it goes on, does nothing, or refuses."""

import contextlib
import dataclasses
import fcntl
import re
import shutil
from pathlib import Path

import pytest
from pyarrow.parquet import read_table, write_table

from commands.files import whole_file
from manifests.table import read_manifest, write_manifest
from tests.support.builds import build, fingerprint


def test_building_again_does_nothing(
    sample_world: Path, built: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = Path(shutil.copytree(built, tmp_path / "out"))
    times = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    (out / ".build").mkdir()
    (out / ".build/settings.json").write_text("of a build that was killed at its very end")
    caplog.set_level("INFO")
    assert build(sample_world / "uav123", out) == 0
    assert "already built" in caplog.text
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == times


def test_a_build_from_before_crop_sizes_were_settings_is_the_same_build(
    sample_world: Path, built: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = Path(shutil.copytree(built, tmp_path / "out"))
    manifest = read_manifest(str(out / "manifest.parquet"))
    settings = dict(manifest.metadata.settings)
    del settings["template_size"], settings["search_size"]
    older = dataclasses.replace(manifest.metadata, settings=settings)
    write_manifest(manifest.url, manifest.rows, older)
    caplog.set_level("INFO")
    assert build(sample_world / "uav123", out) == 0
    assert "already built" in caplog.text


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--margin", "8"), "margin = 0, and now 8"),
        (("--quality", "80"), "quality = 92, and now 80"),
        (("--every", "2"), "every = 1, and now 2"),
        (("--seed", "5"), "seed = 0, and now 5"),
    ],
)
def test_other_settings_refuse_to_mix(
    sample_world: Path,
    built: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    finished: bool,
    options: tuple[str, ...],
    message: str,
) -> None:
    root = sample_world / "uav123"
    out = Path(shutil.copytree(built, tmp_path / "out")) if finished else stop_early(root, tmp_path)
    before = fingerprint(out)
    caplog.clear()
    assert build(root, out, *options) == 1
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert re.search(message, record.getMessage())
    assert "another --out" in record.getMessage()
    assert fingerprint(out) == before


@pytest.mark.parametrize("finished", [False, True])
def test_other_annotations_refuse_to_mix(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, finished: bool
) -> None:
    root = Path(shutil.copytree(sample_world / "uav123", tmp_path / "raw"))
    out = tmp_path / "out"
    if finished:
        assert build(root, out) == 0
    else:
        out = stop_early(root, tmp_path)
    annotation = root / "anno/UAV123_10fps/uav6.txt"
    annotation.write_text(annotation.read_text().replace("NaN,NaN,NaN,NaN", "9,9,30,30"))
    lines = annotation.read_text().splitlines()
    annotation.write_text("\n".join(["9,9,31,33", *lines[1:]]))
    assert build(root, out) == 1
    assert "made from other annotations" in caplog.text


def stop_early(root: Path, tmp_path: Path) -> Path:
    """Return an output in which one shard is missing, because its last image is damaged."""
    raw = Path(shutil.copytree(root, tmp_path / "damaged", dirs_exist_ok=True))
    out = tmp_path / "stopped"
    image = raw / "data_seq/UAV123_10fps/uav2/000045.jpg"
    whole = image.read_bytes()
    image.write_bytes(whole[:-100])
    assert build(raw, out) == 1
    image.write_bytes(whole)
    assert not (out / "manifest.parquet").exists()
    return out


def test_stopped_build_goes_on_with_what_is_missing(
    sample_world: Path, built: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = stop_early(sample_world / "uav123", tmp_path)
    there = {path: path.stat().st_mtime_ns for path in out.glob("*.tar")}
    assert 0 < len(there) < len(list(built.glob("*.tar")))
    (out / ".build/.tmp-uav123-000002.tar-0").write_bytes(b"left by a killed build")
    (out / ".tmp-uav123-000002.tar-0").write_bytes(b"left by a killed build")
    caplog.set_level("INFO")
    assert build(sample_world / "uav123", out) == 0
    assert f"{len(there)} shards are already there" in caplog.text
    assert {path: path.stat().st_mtime_ns for path in there} == there
    assert fingerprint(out) == fingerprint(built)


def test_truncated_shard_of_a_stopped_build_is_made_again(
    sample_world: Path, built: Path, tmp_path: Path
) -> None:
    out = stop_early(sample_world / "uav123", tmp_path)
    shard = min(out.glob("*.tar"))
    shard.write_bytes(shard.read_bytes()[:-512])
    assert build(sample_world / "uav123", out) == 0
    assert fingerprint(out) == fingerprint(built)


def test_second_build_into_one_output_stops_with_the_first_ones_name(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".build").mkdir()
    with (tmp_path / ".build/lock.json").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write('{"host": "alpha", "process": 4711, "time": 0}')
        lock.flush()
        assert build(sample_world / "uav123", tmp_path) == 1
    assert "process 4711 on alpha is building here" in caplog.text
    assert build(sample_world / "uav123", tmp_path) == 0


def test_shards_behind_links_are_not_made_again(
    sample_world: Path, built: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for path in built.iterdir():
        (tmp_path / path.name).symlink_to(path)
    caplog.set_level("INFO")
    assert build(sample_world / "uav123", tmp_path) == 0
    assert "already built" in caplog.text
    assert all(path.is_symlink() for path in tmp_path.iterdir())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_shards_that_a_finished_build_lost_are_made_again(
    sample_world: Path, built: Path, tmp_path: Path, workers: str
) -> None:
    out = Path(shutil.copytree(built, tmp_path / "out"))
    first, second, *others = sorted(out.glob("*.tar"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-512])
    times = {path: path.stat().st_mtime_ns for path in others}
    assert build(sample_world / "uav123", out, "--workers", workers) == 0
    assert {path: path.stat().st_mtime_ns for path in others} == times
    assert fingerprint(out) == fingerprint(built)


def test_shards_made_again_from_other_images_are_an_error(
    sample_world: Path, built: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = Path(shutil.copytree(sample_world / "uav123", tmp_path / "raw"))
    out = Path(shutil.copytree(built, tmp_path / "out"))
    images = sorted((root / "data_seq/UAV123_10fps/uav2").iterdir())
    for image in images:
        image.write_bytes(images[0].read_bytes())
    for shard in out.glob("*.tar"):
        shard.unlink()
    assert build(root, out) == 1
    assert "made again, and not what it was: the images have changed" in caplog.text


def test_a_folder_more_above_the_data_is_the_same_build(
    sample_world: Path, built: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(sample_world / "uav123", tmp_path / "raw/UAV123")
    assert build(tmp_path / "raw", tmp_path / "out") == 0
    assert fingerprint(tmp_path / "out") == fingerprint(built)
    caplog.set_level("INFO")
    assert build(sample_world / "uav123", tmp_path / "out") == 0
    assert "already built" in caplog.text


@pytest.mark.parametrize("text", ["{", "{}", "[]", "null", '{"settings": {}, "parts": []}'])
def test_damaged_settings_are_one_line(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    (tmp_path / ".build").mkdir()
    (tmp_path / ".build/settings.json").write_text(text)
    assert build(sample_world / "uav123", tmp_path) == 1
    assert "settings.json: not what a build wrote. Remove what is there" in caplog.text


@pytest.mark.parametrize("damage", ["cut", "other keys"])
def test_a_damaged_record_of_a_shard_is_one_line(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    out = stop_early(sample_world / "uav123", tmp_path)
    record = min(out.glob(".build/*.parquet"))
    if damage == "cut":
        record.write_bytes(record.read_bytes()[:-100])
    else:
        table = read_table(record)
        metadata = dict.fromkeys(table.schema.metadata, b'{"info": {"name": "x"}}')
        write_table(table.replace_schema_metadata(metadata), record)
    assert build(sample_world / "uav123", out) == 1
    assert f"{record.name}: not readable" in caplog.text
    record.unlink()
    assert build(sample_world / "uav123", out) == 0


def test_what_a_writer_that_was_killed_left_is_removed(
    sample_world: Path, built: Path, tmp_path: Path
) -> None:
    out = stop_early(sample_world / "uav123", tmp_path)
    with contextlib.ExitStack() as never_left:
        for name in ("manifest.parquet", ".build/uav123-000000.tar.parquet"):
            never_left.enter_context(whole_file(out / name)).write_bytes(b"half")
        assert build(sample_world / "uav123", out) == 0
        assert fingerprint(out) == fingerprint(built)
        never_left.pop_all()
