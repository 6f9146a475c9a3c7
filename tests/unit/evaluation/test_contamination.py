"""Weights that were trained on a benchmark are not evaluated on it unknowingly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from datasets.files.folders import LocalFolder
from datasets.sources.got10k import excluded_videos
from evaluation.benchmark import Benchmark
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.benchmarks.protocols import PROTOCOLS
from evaluation.contamination import find_contamination
from evaluation.results.claim import claim_folder, read_note
from evaluation.run import main
from evaluation.runs.trackers import check_contamination
from evaluation.sequences import BenchmarkSequence
from manifests.schema import SCHEMA
from manifests.table import Metadata, write_manifest
from model.config import ModelConfig
from model.network import build_model
from model.weights import save_weights


def write_weights(folder: Path, *, source: str, groups: list[str], where: str | None = None) -> str:
    rows = pl.DataFrame({"group": groups}).select(
        [
            (pl.col(name) if name == "group" else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in SCHEMA.items()
        ]
    )
    manifest = str(folder / f"{source}.parquet")
    write_manifest(manifest, rows, Metadata(source=source))
    network = build_model(ModelConfig(width=0.125))
    first, last = str(folder / "first.safetensors"), str(folder / "last.safetensors")
    options = {"data": {"where": where}}
    save_weights(first, network, provenance={"manifests": [{"url": manifest}], "options": options})
    save_weights(last, network, provenance={"manifests": [], "init_weights": {"url": first}})
    return last


def test_sequence_of_a_trained_group_is_found_through_earlier_weights(
    sample_world: Path, tmp_path: Path
) -> None:
    benchmark = open_benchmark("uav123_10fps", str(sample_world / "uav123"))
    sequence = benchmark.sequences[0]
    weights = write_weights(tmp_path, source="uav123", groups=[sequence.group])
    found = find_contamination(benchmark, weights)
    assert sequence.name in found.trained_on
    assert find_contamination(benchmark, write_weights(tmp_path, source="vid", groups=["a"])) == (
        find_contamination(open_benchmark("otb100", str(sample_world / "OTB100")), weights)
    )


def test_footage_that_weights_say_they_have_seen_is_all_trained_on(
    sample_world: Path, tmp_path: Path
) -> None:
    benchmark = open_benchmark("uav123_10fps", str(sample_world / "uav123"))
    network = build_model(ModelConfig(width=0.125))
    first, last = str(tmp_path / "first.safetensors"), str(tmp_path / "last.safetensors")
    save_weights(first, network, provenance={"footage": ["uav123"]})
    save_weights(last, network, provenance={"manifests": [], "init_weights": {"url": first}})
    found = find_contamination(benchmark, last)
    assert found.trained_on == tuple(sequence.name for sequence in benchmark.sequences)
    otb = open_benchmark("otb100", str(sample_world / "OTB100"))
    assert find_contamination(otb, last).trained_on == ()


def test_sequence_that_the_condition_of_the_training_left_out_is_not_found(
    sample_world: Path, tmp_path: Path
) -> None:
    benchmark = open_benchmark("uav123_10fps", str(sample_world / "uav123"))
    groups = sorted({sequence.group for sequence in benchmark.sequences})
    where = f"\"group\" != '{groups[0]}'"
    weights = write_weights(tmp_path, source="uav123", groups=groups, where=where)
    left_out = {each.name for each in benchmark.sequences if each.group == groups[0]}
    every = {each.name for each in benchmark.sequences}
    assert set(find_contamination(benchmark, weights).trained_on) == every - left_out


def test_contaminated_run_is_refused_unless_allowed_and_then_marked(
    sample_world: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = str(sample_world / "uav123")
    sequence = open_benchmark("uav123_10fps", root).sequences[0]
    weights = write_weights(tmp_path, source="uav123", groups=[sequence.group])
    argv = ["--benchmark", "uav123_10fps", "--root", root, "--weights", weights]
    argv += ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "report")]
    argv += ["--sequences", sequence.name]
    assert main(argv) == 1
    assert "Pass --allow-contaminated True" in caplog.text
    assert not (tmp_path / "results").exists()
    benchmark = open_benchmark("uav123_10fps", root)
    note = check_contamination(weights, benchmark, allow_contaminated=True)
    assert note.startswith("trained on")
    claim_folder(tmp_path / "results/last", "weights 0", note=note)
    claim_folder(tmp_path / "results/last", "weights 0")
    assert read_note([str(tmp_path / "results/last")]) == note
    assert main([*argv[:6], *argv[8:], "--name", "last", "--tracker", "static"]) == 1


def test_unreadable_manifest_leaves_a_note(sample_world: Path, tmp_path: Path) -> None:
    weights = write_weights(tmp_path, source="vid", groups=["a"])
    (tmp_path / "vid.parquet").unlink()
    benchmark = open_benchmark("uav123_10fps", str(sample_world / "uav123"))
    assert "vid.parquet cannot be read" in find_contamination(benchmark, weights).note


LISTED = [name for name, record in BENCHMARKS.items() if record.official_names]
SHARED = [
    (trained, evaluated)
    for trained in LISTED
    for evaluated in LISTED
    if set(BENCHMARKS[trained].official_names) & set(BENCHMARKS[evaluated].official_names)
]


def make_benchmark(name: str, sequences: list[str]) -> Benchmark:
    record = BENCHMARKS[name]
    return Benchmark(
        name=name,
        record=record,
        protocol=PROTOCOLS[record.protocol],
        files=LocalFolder("."),
        sequences=tuple(
            BenchmarkSequence(name=each, frames=(f"{each}/img/1.jpg",), truth=np.ones((1, 4)))
            for each in sequences
        ),
    )


@pytest.fixture(scope="module")
def trained_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write_weights(folder, source="mine", groups=["a"])
    return folder


def train_on(folder: Path, source: str, groups: list[str]) -> str:
    """Replace the manifest behind weights."""
    rows = pl.DataFrame({"group": groups}).select(
        [
            (pl.col("group") if name == "group" else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in SCHEMA.items()
        ]
    )
    write_manifest(str(folder / "mine.parquet"), rows, Metadata(source=source))
    return str(folder / "last.safetensors")


@pytest.mark.parametrize("name", LISTED)
def test_own_footage_under_the_name_of_a_benchmark_is_its_footage(
    name: str, trained_weights: Path
) -> None:
    first, second, *_ = BENCHMARKS[name].official_names
    weights = train_on(trained_weights, name, [second.lower()])
    found = find_contamination(make_benchmark(name, [first, second]), weights)
    assert (found.trained_on, found.alike) == ((second,), ())


@pytest.mark.parametrize(("trained", "evaluated"), SHARED)
def test_own_footage_with_the_name_of_a_sequence_is_told_on_all_benchmarks_that_have_it(
    trained: str, evaluated: str, trained_weights: Path
) -> None:
    shared = set(BENCHMARKS[trained].official_names) & set(BENCHMARKS[evaluated].official_names)
    name = min(shared)
    weights = train_on(trained_weights, "mine", [name, "something else"])
    found = find_contamination(make_benchmark(evaluated, [name]), weights)
    assert found.note == f"1 training video may show this benchmark, such as mine's {name}"
    assert (found.trained_on, found.alike) == ((), (f"mine's {name}",))


@pytest.mark.parametrize("name", ["vot2016", "vot2018", "vot2019"])
def test_the_videos_of_got10k_that_vot_forbids_are_told(name: str, trained_weights: Path) -> None:
    forbidden = min(excluded_videos())
    allowed = next(
        each
        for each in (f"GOT-10k_Train_{number:06d}" for number in range(1, 99))
        if each not in excluded_videos()
    )
    benchmark = make_benchmark(name, ["bag"])
    weights = train_on(trained_weights, "got10k", [forbidden, allowed])
    assert find_contamination(benchmark, weights).alike == (f"got10k's {forbidden}",)
    weights = train_on(trained_weights, "got10k", [allowed])
    assert find_contamination(benchmark, weights).note == ""


def test_names_of_other_sources_are_not_those_of_sequences(trained_weights: Path) -> None:
    weights = train_on(trained_weights, "davis", ["dog"])
    assert find_contamination(make_benchmark("nfs30", ["dog"]), weights).note == ""


def test_two_targets_of_one_folder_are_of_one_recording(trained_weights: Path) -> None:
    weights = train_on(trained_weights, "otb100", ["Jogging"])
    benchmark = make_benchmark("otb100", ["Dog"])
    pair = tuple(
        BenchmarkSequence(name=name, frames=("Jogging/img/1.jpg",), truth=np.ones((1, 4)))
        for name in ("Jogging-1", "Jogging-2")
    )
    benchmark = replace(benchmark, sequences=benchmark.sequences + pair)
    assert find_contamination(benchmark, weights).trained_on == ("Jogging-1", "Jogging-2")
