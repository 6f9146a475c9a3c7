"""SIGKILL at random moments: the same command, repeated until it ends, leaves the same bytes."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext, suppress
from importlib.util import find_spec
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from subprocess import Popen

from bench.faults.family import Outcome, Trials
from bench.faults.world import TINY_RUN, World, digests, last_line
from bench.faults.world import finish as finish_process
from bench.faults.world import start as start_process
from bench.pairs.bucket import can_serve, served
from datasets.build import main as build_shards
from tests.support.cluster import Cluster
from tests.support.launch import children, finish, kill, losses, start, start_command

_BUILDS = {"one process": 60, "a worker": 20, "into a bucket": 20}
"""Kills of builds per kind."""
_DASK, _TRAINING, _RANK = 20, 20, 5
_PATIENCE_S = 900.0


def kills(trials: Trials) -> Iterator[Outcome]:
    """Yield a row per kind of command and of killed process."""
    world = World(trials.folder)
    for kind, full in _BUILDS.items():
        outcome = Outcome(name=f"kills: build, {kind}", compared="bytes of shards and manifest")
        if not trials.wants(outcome.name):
            continue
        if kind == "into a bucket" and not can_serve():
            outcome.skipped = "moto and s3fs are not installed"
            yield outcome
            continue
        with outcome.timed():
            _builds(outcome, world, trials, kind, trials.count(full))
        yield outcome
    outcome = Outcome(name="kills: build, a Dask worker", compared="exit code 0, and the bytes")
    if trials.wants(outcome.name):
        if find_spec("distributed") is None:
            outcome.skipped = "distributed is not installed"
        else:
            with outcome.timed():
                _cluster_builds(outcome, world, trials, trials.count(_DASK))
        yield outcome
    for name, full, num_ranks in (("training", _TRAINING, 1), ("a rank", _RANK, 2)):
        outcome = Outcome(name=f"kills: {name}", compared="losses and last weights, bit for bit")
        if trials.wants(outcome.name):
            with outcome.timed():
                _trainings(outcome, world, trials, trials.count(full), num_ranks)
            yield outcome


def _builds(outcome: Outcome, world: World, trials: Trials, kind: str, number: int) -> None:
    """Kill builds so many times in all; each is repeated until it has ended."""
    raw, log = str(world.raw / "uav123"), trials.folder / "log"
    rng = trials.rng(kind)
    with served(world.crops) if kind == "into a bucket" else nullcontext() as bucket:
        base = f"{bucket or trials.folder}/builds of {kind}"

        def begin(build: int) -> Process:
            options = world.build(raw, f"{base}/{build}")
            if kind == "a worker":  # daemons have no children
                return start_process([*options, "--workers", "2"], trials.folder)
            return start_command(build_shards, options[1:], log=log)

        _end(begin(0))  # the first one also starts the fork server
        started = time.monotonic()
        _end(begin(1))
        seconds, whole = time.monotonic() - started, digests(f"{base}/1")
        build = 1
        while outcome.count < number and build < 5 * number + 5:
            build += 1
            while outcome.count < number:
                process = begin(build)
                time.sleep(rng.uniform(0, 0.9 * seconds))
                if _code(process) is not None:
                    break
                others = children(process.pid) if kind == "a worker" else []
                with suppress(ProcessLookupError):
                    os.kill(rng.choice(others or [process.pid or 0]), signal.SIGKILL)
                outcome.lost += _end(process) is None
                outcome.count += 1
            code = _end(begin(build))
            outcome.lost += code is None
            if code != 0 or digests(f"{base}/{build}") != whole:
                outcome.wrong += 1
                outcome.notes.append(f"build {build}: exit code {code}")


def _cluster_builds(outcome: Outcome, world: World, trials: Trials, number: int) -> None:
    """Kill one worker of a cluster per build: the build goes on with the others."""
    log, base = trials.folder / "log", trials.folder / "dask"
    rng = trials.rng(outcome.name)
    with ExitStack() as stack:
        cluster = Cluster(stack, trials.folder)

        def begin(build: int, *options: str) -> ForkServerProcess:
            command = world.build(str(world.raw / "uav123"), f"{base}/{build}")[1:]
            return start_command(build_shards, [*command, *options], log=log)

        _end(begin(0))
        whole = digests(f"{base}/0")
        seconds = 0.0
        for build in range(1, number + 3):
            started = time.monotonic()
            process = begin(build, "--cluster", cluster.address)
            if build > 2:  # in the first two all workers import what they need
                time.sleep(rng.uniform(0, 0.9 * seconds))
                cluster.workers.pop(rng.randrange(len(cluster.workers))).kill()
                cluster.workers.append(cluster.start_worker())
                outcome.count += 1
            code = _end(process)
            seconds = seconds if build > 2 else time.monotonic() - started
            outcome.lost += code is None
            if code != 0 or digests(f"{base}/{build}") != whole:
                outcome.wrong += 1
                said = last_line(log.read_text(encoding="utf-8"))
                outcome.notes.append(f"build {build}: exit code {code}: {said}")


Process = ForkServerProcess | Popen[str]


def _code(process: Process) -> int | None:
    return process.poll() if isinstance(process, Popen) else process.exitcode


def _end(process: Process) -> int | None:
    """Wait for the end; None for a process that hangs, which is killed."""
    if isinstance(process, Popen):
        return finish_process(process, seconds=_PATIENCE_S)[0]
    return finish([process], seconds=_PATIENCE_S)[0]


def _trainings(outcome: Outcome, world: World, trials: Trials, number: int, num_ranks: int) -> None:
    """Kill a training, or one rank of it, at random steps; go on; compare with one left alone."""
    rng = trials.rng(outcome.name)
    manifest = str(world.crops / "manifest.parquet")
    options = [*TINY_RUN, "--manifests", manifest, "--checkpoint-steps", "2"]
    whole = trials.folder / f"whole-{num_ranks}"
    log = trials.folder / "log"
    _until_done([*options, "--out", str(whole)], log, num_ranks)
    for trial in range(number):
        folder = trials.folder / f"run-{num_ranks}-{trial}"
        command = [*options, "--out", str(folder)]
        ranks = start(command, log=log, world_size=num_ranks)
        step = rng.randrange(0, 20)
        while all(rank.is_alive() for rank in ranks) and _num_steps(folder) < step:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.02))
        kill(rng.choice(ranks), signal.SIGKILL)
        codes = finish(ranks, seconds=_PATIENCE_S)
        outcome.lost += None in codes
        codes = _until_done(command, log, num_ranks)
        same = (
            codes == [0] * num_ranks
            and losses(folder) == losses(whole)
            and (folder / "last.safetensors").read_bytes()
            == (whole / "last.safetensors").read_bytes()
        )
        outcome.check(is_right=same, note=f"killed at step {step}: exit codes {codes}")


def _num_steps(folder: Path) -> int:
    path = folder / "metrics.jsonl"
    return path.read_bytes().count(b'"step"') if path.exists() else 0


def _until_done(command: Sequence[str], log: Path, num_ranks: int) -> list[int | None]:
    return finish(start(command, log=log, world_size=num_ranks), seconds=_PATIENCE_S)
