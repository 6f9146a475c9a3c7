"""The lock of a folder in a bucket: a living holder keeps it, a dead one loses it."""

import json
import time

import pytest

from datasets.files import lock
from datasets.files.lock import NAME, only_one
from datasets.files.output import Output
from datasets.tracks import SourceError

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")

pytestmark = pytest.mark.s3


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("_BEAT_S", 0.2), ("_LOOK_S", 0.05), ("_STALE_S", 4.0)):
        monkeypatch.setattr(lock, name, seconds)


@pytest.mark.parametrize("skew_s", [-100.0, 100.0])
def test_a_living_holder_keeps_it_whatever_the_two_clocks_say(
    skew_s: float, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, real = Output(f"{bucket}/alive"), time.time
    monkeypatch.setattr(time, "time", lambda: real() + skew_s)
    with only_one(output, doing="building"):
        monkeypatch.setattr(time, "time", real)
        for _ in range(2):
            with pytest.raises(SourceError, match="is building here"), only_one(output, doing="x"):
                pass
        assert NAME in output.sizes()
    assert output.sizes() == {}


@pytest.mark.parametrize("seconds", [0, 1e12])
def test_a_dead_holder_loses_it_whatever_its_clock_said(seconds: float, bucket: str) -> None:
    output = Output(f"{bucket}/dead")
    holder = {"host": "alpha", "process": 4711, "time": seconds, "machine": lock._machine()}
    output.write(NAME, json.dumps(holder).encode())
    started = time.monotonic()
    with only_one(output, doing="building"):
        assert 4 < time.monotonic() - started < 30
    assert output.sizes() == {}
