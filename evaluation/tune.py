"""Search the tracker's settings on the val split of training videos, never on a test set.

    python -m evaluation.tune --weights runs/w.safetensors --src lasot --root data/raw/lasot
    python -m evaluation.tune --weights W --src uav123 --trials 200 --tracks 20

Needs the extra ``eval`` (Optuna). Trials are kept in ``<out>/study.db``: the same command goes on
where it stopped. ``<out>/trials.png`` shows them, ``<out>/best.json`` has the best settings, which
evaluation.run and tracking.run take as ``--settings``.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from commands.choices import Count, Device, Seed, ValFraction, one_of, within
from commands.files import whole_file
from commands.places import keep_inputs
from commands.run import run_command
from datasets.files import RawFiles, open_root
from datasets.files.lock import only_one
from datasets.sources import SOURCES
from datasets.tracks import SourceError, Track
from evaluation.onepass.conventions import CONVENTIONS
from evaluation.onepass.metrics import overlap
from evaluation.presentation.plots import new_figure, save_figure
from evaluation.results.tracked_on import describe_tracks
from evaluation.sequences import read_image
from evaluation.study import claim_study, finished_trials, open_study
from manifests.split import assign_splits
from model.device import choose_device
from model.network import Network
from model.weights import WeightsError, load_model, read_description, weights_files
from tracking.decoders import DECODERS
from tracking.tracker import Tracker

if TYPE_CHECKING:
    from optuna import Study, Trial

_PROG = "python -m evaluation.tune"
_VIDEOS = [name for name in SOURCES if name not in ("coco", "det")]
"""Sources of videos; stills have no second frame."""


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """Search the tracker's settings on the val split of training videos."""

    weights: str
    """Trained weights."""
    src: Annotated[str, one_of(_VIDEOS)] = "lasot"
    """Training source whose val split is used; all annotations of it are read first."""
    name: str | None = None
    """Name of own footage in the manifest, as in the build; it decides the split."""
    root: str | None = None
    """Its folder; by default data/raw/<src>."""
    out: str = "runs/tune"
    """Folder of the study."""
    trials: Count = 100
    """Settings to have tried in the end, those of earlier runs included."""
    tracks: Count = 20
    """Tracks to follow in each trial."""
    frames: Annotated[int, within(int, 2)] = 200
    """Frames to follow of each track."""
    seed: Seed = 0
    """Of the split, as in the build, and of the search."""
    val_fraction: ValFraction = 0.1
    """Of the split, as in the build."""
    device: Device = "auto"
    """Device of the network; auto takes a GPU if there is one."""


def run(config: TuneConfig) -> None:
    """Search, then write the plot and the best settings."""
    device = choose_device(config.device)
    optuna = _import_optuna()
    files = open_root(config.root or f"data/raw/{config.src}")
    out = Path(config.out)
    keep_inputs([files.root], folders=[out])
    written = [out / name for name in ("study.db", "best.json", "trials.png", "trials.pdf")]
    keep_inputs(weights_files(config.weights), files=written)
    tracks = choose_tracks(files, config)
    network = load_model(config.weights, device=device)
    with only_one(out, doing="tuning"):
        study = open_study(optuna, out / "study.db")
        claim_study(
            study,
            _made_with(config),
            describe_tracks(tracks, files, num_frames=config.frames),
            where=f"{config.out}/study.db",
        )
        objective = _objective(network, tracks, files, config)
        for number in range(len(finished_trials(study)), config.trials):
            # One generator per trial: an interrupted search goes on as one without interruption.
            study.sampler = optuna.samplers.TPESampler(seed=config.seed + number)
            study.optimize(objective, n_trials=1)
        _write_results(study, out, network.config.head, config.name or config.src, tracks)


def _made_with(config: TuneConfig) -> dict[str, Any]:
    names = ("tracks", "frames", "seed", "val_fraction", *(["name"] * bool(config.name)))
    made_with = {"source": config.src} | {name: getattr(config, name) for name in names}
    return {**made_with, "weights": read_description(config.weights)["sha256"]}


def choose_tracks(files: RawFiles, config: TuneConfig) -> list[Track]:
    """Return tracks from all over the val split, which lists category after category.

    All of them start with a visible target and have more than one frame.

    Raises:
        SourceError: The val split here has none.
    """
    source = SOURCES[config.src]
    tracks = [track for part in source.list_parts(files) for track in source.read_part(files, part)]
    splits = assign_splits(
        [track.group for track in tracks],
        source=config.name or config.src,
        seed=config.seed,
        val_fraction=config.val_fraction,
    )
    usable = [
        track
        for track in tracks
        if splits[track.group] == "val" and len(track.frames) > 1 and track.visible[0]
    ]
    if not usable:
        raise SourceError(
            f"{files.root}: none of the {len(tracks)} tracks is in the val split and starts with a "
            "visible target. Pass another --seed or a larger --val-fraction"
        )
    num_chosen = min(config.tracks, len(usable))
    return [usable[round(position)] for position in np.linspace(0, len(usable) - 1, num_chosen)]


def mean_overlap(tracker: Tracker, track: Track, files: RawFiles, *, num_frames: int) -> float:
    """Return the mean overlap over the visible frames after the first."""
    images = track.frames[:num_frames]
    tracker.init(read_image(files, images[0]), track.boxes_xywh[0])
    predicted = [tracker.update(read_image(files, name)).box_xywh for name in images[1:]]
    visible = track.visible[1 : len(images)]
    if not visible.any():
        return 0.0
    overlaps = overlap(
        np.array(predicted)[visible],
        track.boxes_xywh[1 : len(images)][visible],
        convention=CONVENTIONS["pysot"],
    )
    return float(np.clip(overlaps, 0, 1).mean())


def _objective(
    network: Network, tracks: Sequence[Track], files: RawFiles, config: TuneConfig
) -> Callable[["Trial"], float]:
    decoder = DECODERS[network.config.head]

    def objective(trial: "Trial") -> float:
        values: dict[str, Any] = {
            name: trial.suggest_float(name, low, high)
            for name, (low, high) in decoder.ranges.items()
        }
        tracker = Tracker(network, decoder.settings_class(**values))
        return float(
            np.mean(
                [mean_overlap(tracker, track, files, num_frames=config.frames) for track in tracks]
            )
        )

    return objective


def _write_results(
    study: "Study", out: Path, head: str, source: str, tracks: Sequence[Track]
) -> None:
    done = finished_trials(study)
    best = {
        "head": head,
        "mean_overlap": study.best_value,
        "settings": study.best_params,
        "tuned_on": {source: sorted({track.group for track in tracks})},
    }
    with whole_file(out / "best.json") as temporary:
        temporary.write_text(json.dumps(best, indent=2) + "\n", encoding="utf-8")
    figure = new_figure()
    ranges = DECODERS[head].ranges
    all_axes = figure.subplots(1, len(ranges), sharey=True, squeeze=False)[0]
    for axes, name in zip(all_axes, ranges, strict=True):
        axes.scatter(
            [trial.params[name] for trial in done], [trial.value for trial in done], s=12, alpha=0.6
        )
        axes.axvline(study.best_params[name], color="#d62728", linewidth=1)
        axes.set(xlabel=name, axisbelow=True)
        axes.grid(color="0.9")
    all_axes[0].set(ylabel="Mean overlap")
    figure.suptitle(f"{len(done)} trials; the best is marked")
    save_figure(figure, out / "trials")
    settings = ", ".join(f"{name} {value:.3f}" for name, value in study.best_params.items())
    print(f"best of {len(done)} trials: {settings}, mean overlap {study.best_value:.3f}")


def _import_optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise SourceError("evaluation.tune: needs Optuna. pip install '.[eval]'") from None
    return optuna


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    errors = (SourceError, WeightsError)
    again = "finished trials stay, and the same command makes the others"
    return run_command(TuneConfig, run, argv, prog=_PROG, errors=errors, after_ctrl_c=again)


if __name__ == "__main__":
    sys.exit(main())
