"""Input and output in a bucket: the same bytes as on a disk, and nothing visible half-written."""

import contextlib
import hashlib
import os
import socket
from pathlib import Path

import pytest

from datasets.build import main
from datasets.files import lock
from datasets.files.lock import only_build
from datasets.files.output import Output
from datasets.verify import main as verify
from tests.support.buckets import upload

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")

pytestmark = pytest.mark.s3


def build(root: str, out: str, *options: str) -> int:
    given = ["--src", "uav123", "--root", root, "--out", out, "--shard-mb", "0.4"]
    return main([*given, *options])


def fingerprint(url: str) -> dict[str, str]:
    output = Output(url)
    return {name: hashlib.sha256(output.read(name)).hexdigest() for name in output.sizes()}


@pytest.fixture(scope="module")
def built(sample_world: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = str(tmp_path_factory.mktemp("local"))
    assert build(str(sample_world / "uav123"), out) == 0
    return fingerprint(out)


def test_from_bucket_to_bucket_with_two_workers(
    bucket: str, sample_world: Path, built: dict[str, str]
) -> None:
    upload(sample_world / "uav123", f"{bucket}/raw")
    out = f"{bucket}/a/shards"
    assert build(f"{bucket}/raw", out, "--workers", "2") == 0
    assert fingerprint(out) == built
    assert Output(out).sizes(".build") == {}
    assert verify(["--manifests", f"{out}/manifest.parquet", "--deep"]) == 0


def test_stopped_build_in_a_bucket_goes_on(
    bucket: str, sample_world: Path, built: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    upload(sample_world / "uav123", f"{bucket}/damaged")
    image = "data_seq/UAV123_10fps/uav2/000045.jpg"
    raw = Output(f"{bucket}/damaged")
    whole = raw.read(image)
    raw.write(image, b"")
    out = f"{bucket}/b/shards"
    assert build(f"{bucket}/damaged", out) == 1
    there = [name for name in Output(out).sizes() if name.endswith(".tar")]
    assert 0 < len(there) < len(built) - 2
    raw.write(image, whole)
    caplog.set_level("INFO")
    assert build(f"{bucket}/damaged", out) == 0
    assert f"{len(there)} shards are already there" in caplog.text
    assert fingerprint(out) == built


def test_second_build_into_a_bucket_stops_with_the_first_ones_name(
    bucket: str,
    sample_world: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, seconds in (("_BEAT_S", 0.2), ("_LOOK_S", 0.05), ("_STALE_S", 4.0)):
        monkeypatch.setattr(lock, name, seconds)
    out = Output(f"{bucket}/c")
    with only_build(out):
        assert build(str(sample_world / "uav123"), out.url) == 1
    assert f"process {os.getpid()} on {socket.gethostname()} is building here" in caplog.text
    assert out.sizes() == {}
    # Whoever gives no sign for long was killed.
    out.write(".build/lock.json", b'{"host": "alpha", "process": 4711}')
    assert build(str(sample_world / "uav123"), out.url) == 0


def test_a_failed_file_never_shows(bucket: str) -> None:
    output = Output(f"{bucket}/d")
    with contextlib.suppress(ZeroDivisionError), output.new_file("shard.tar") as path:
        path.write_bytes(bytes(60 << 20))
        raise ZeroDivisionError
    assert output.sizes() == {}
    with output.new_file("shard.tar") as path:
        path.write_bytes(bytes(60 << 20))  # larger than one part of an upload
        assert output.sizes() == {}
    assert output.sizes() == {"shard.tar": 60 << 20}


def test_a_missing_bucket_folder_says_what_to_do(
    bucket: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert build(f"{bucket}/nowhere", str(tmp_path)) == 1
    assert "no such folder. Pass --root" in caplog.text
