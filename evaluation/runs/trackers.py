"""The tracker of a command line: its identity and its factory."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from datasets.tracks import SourceError
from evaluation.benchmark import Benchmark
from evaluation.contamination import find_contamination
from model.device import choose_device
from model.weights import load_model, read_description
from tracking.baselines import baseline_identity, create_baseline
from tracking.crop_network import Precision
from tracking.interface import BoxTracker
from tracking.settings import choose_settings
from tracking.tracker import Tracker


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerChoice:
    """A tracker to run on a benchmark."""

    identity: str
    """Weights and settings, on which its results depend."""
    make: Callable[[], BoxTracker]
    """Makes one, in any process."""
    note: str = ""
    """Remark beside its numbers."""


def choose_baseline(name: str) -> TrackerChoice:
    """Return one of the trackers to compare with.

    Raises:
        SourceError: There is none of that name, or this build of OpenCV lacks it.
    """
    try:
        create_baseline(name)
    except ValueError as error:
        raise SourceError(f"--tracker: {error}") from error
    return TrackerChoice(identity=baseline_identity(name), make=partial(create_baseline, name))


def choose_network(
    weights: str,
    benchmark: Benchmark,
    *,
    settings: str | None = None,
    device: str = "cpu",
    precision: Precision = "float32",
    allow_contaminated: bool = False,
) -> TrackerChoice:
    """Return a tracker with trained weights.

    Args:
        weights: Its weights.
        benchmark: The benchmark, on which it must not have been trained.
        settings: A file that `evaluation.tune` wrote, instead of the tuned ones.
        device: Where the network runs.
        precision: Of the network's convolutions.
        allow_contaminated: Whether it may have been trained or tuned on the benchmark.

    Raises:
        DeviceError: The device cannot be used.
        SourceError: The settings cannot be used, or the weights were trained on the benchmark
            without permission.
        WeightsError: The weights cannot be used.
    """
    choose_device(device)
    description = read_description(weights)
    chosen = choose_settings(description["config"]["head"], file=settings)
    note = check_contamination(
        weights, benchmark, settings=settings, allow_contaminated=allow_contaminated
    )
    bf16 = ", bf16" if precision == "bf16" else ""
    return TrackerChoice(
        identity=f"weights {description['sha256']}, settings {chosen}{bf16}",
        make=partial(load_tracker, weights, device, settings, precision),
        note=note,
    )


def load_tracker(
    weights: str, device: str, settings: str | None, precision: Precision
) -> BoxTracker:
    """Return a tracker with the tuned settings, or those of a file."""
    network = load_model(weights, device=choose_device(device))
    chosen = choose_settings(network.config.head, file=settings)
    return Tracker(network, chosen, precision=precision)


def check_contamination(
    weights: str,
    benchmark: Benchmark,
    *,
    settings: str | None = None,
    allow_contaminated: bool = False,
) -> str:
    """Return the remark beside the numbers.

    Raises:
        SourceError: The weights were trained on the benchmark, which is not allowed.
    """
    overlap = find_contamination(benchmark, weights, settings=settings)
    if overlap.trained_on and not allow_contaminated:
        raise SourceError(
            f"{weights}: trained or tuned on {len(overlap.trained_on)} of the "
            f"{len(benchmark.sequences)} sequences, such as {overlap.trained_on[0]}; the numbers "
            "would mean nothing. Pass --allow-contaminated True to get them all the same, marked"
        )
    return overlap.note
