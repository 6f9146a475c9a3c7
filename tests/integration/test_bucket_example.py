"""The example of a bucket in small: every step out of the bucket, and what the local disk holds."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

pytestmark = [pytest.mark.s3, pytest.mark.slow, pytest.mark.timeout(1200)]

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")
pytest.importorskip("distributed")


def test_six_videos_go_through_a_bucket_and_leave_no_shard_here(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "examples.bucket", "--videos", "6", "--pairs", "16"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    printed = subprocess.run(
        [*command, "--out", str(out)], cwd=ROOT, env=environment, check=True, capture_output=True
    ).stdout.decode()
    assert re.findall(r"^(fill the bucket|build|train|evaluate) ", printed, re.MULTILINE) == [
        "fill the bucket",
        "build",
        "train",
        "evaluate",
    ]
    assert "in the bucket: raw         30 files" in printed
    suffixes = {path.suffix for path in out.rglob("*") if path.is_file()}
    assert not suffixes & {".tar", ".parquet", ".jpg"}
    again = subprocess.run(
        [*command, "--out", str(out)], cwd=ROOT, env=environment, check=False, capture_output=True
    )
    assert again.returncode == 1
    assert b"out: not empty. Pass another --out" in again.stderr
