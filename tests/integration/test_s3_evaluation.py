"""A benchmark in a bucket: results remember it as they remember a local copy."""

from pathlib import Path

import pytest

from datasets.files.output import Output
from datasets.tracks import SourceError
from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.results.tracked_on import describe_benchmark
from evaluation.runs.track_all import track_all
from tests.support.buckets import upload
from tracking.baselines import StaticTracker

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")

pytestmark = pytest.mark.s3


def test_results_of_a_local_copy_hold_for_its_copy_in_a_bucket_until_that_changes(
    bucket: str, sample_world: Path, tmp_path: Path
) -> None:
    local = open_benchmark("otb100", str(sample_world / "OTB100"))
    track_all(StaticTracker, local, tmp_path)
    upload(sample_world / "OTB100", f"{bucket}/OTB100")
    remote = open_benchmark("otb100", f"{bucket}/OTB100")
    assert describe_benchmark(remote) == describe_benchmark(local)
    track_all(StaticTracker, remote, tmp_path)
    name = remote.sequences[0].frames[-1]
    Output(f"{bucket}/OTB100").write(name, b"another image")
    with pytest.raises(SourceError, match=f"{name.partition('/')[0]} was tracked on other images"):
        track_all(StaticTracker, open_benchmark("otb100", f"{bucket}/OTB100"), tmp_path)
