"""An S3 server whose answers fail, are late, cut short or out of order: the bytes are the same."""

import os
from collections.abc import Iterator
from pathlib import Path

from bench.faults.family import Outcome, Trials
from bench.faults.world import World, digests, finish, last_line, start
from bench.pairs.bucket import can_serve, served
from tests.support.stores import faulty

_FULL = 10
"""Runs of each command."""
_SHARE = "0.05"
_FAULTS = ("500", "503", "reset", "truncate", "delay", "reorder")


def bad_answers(trials: Trials) -> Iterator[Outcome]:
    """Yield a row per command."""
    outcomes = {
        "build": Outcome(name="S3: build", compared="bytes of shards and manifest"),
        "train": Outcome(name="S3: training", compared="bytes of the last weights"),
        "evaluate": Outcome(name="S3: evaluation", compared="bytes of the result files"),
    }
    wanted = {key: each for key, each in outcomes.items() if trials.wants(key)}
    if not can_serve():
        for outcome in wanted.values():
            outcome.skipped = "moto and s3fs are not installed"
            yield outcome
        return
    world = World(trials.folder)
    with served(trials.folder) as bucket:
        expected = {key: _run(key, world, str(trials.folder), trials, "whole")[2] for key in wanted}
        for key, outcome in wanted.items():
            for number in range(trials.count(_FULL)):
                seed = str(trials.seed + number)
                options = ["--share", _SHARE, "--seed", seed, "--faults", *_FAULTS]
                with outcome.timed(), faulty(os.environ["AWS_ENDPOINT_URL"], *options) as proxy:
                    code, said, found = _run(
                        key, world, bucket, trials, f"{key}-{number}", AWS_ENDPOINT_URL=proxy
                    )
                outcome.lost += code is None
                outcome.check(
                    is_right=code == 0 and found == expected[key],
                    note=f"seed {seed}, exit code {code}: {last_line(said)}",
                )
            yield outcome


def _run(
    key: str, world: World, source: str, trials: Trials, name: str, **environment: str
) -> tuple[int | None, str, dict[str, str]]:
    """Run one command on data in a bucket or folder; return code, messages and digests."""
    here = trials.folder / "out" / name
    place: str | Path = here
    suffixes: tuple[str, ...] = (".txt",)
    if key == "build":
        place, suffixes = f"{source}/out/{name}", (".tar", ".parquet")
        command = world.build(f"{source}/world/uav123", place)
    elif key == "train":
        suffixes = ("last.safetensors",)
        command = world.train(f"{source}/crops/manifest.parquet", here)
    else:
        command = world.evaluate(f"{source}/world/OTB100", here)
    code, said = finish(start(command, here, **environment))
    found = digests(place, suffixes) if code == 0 else {}
    return code, said, {name: digest for name, digest in found.items() if digest}
