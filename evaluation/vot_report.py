"""What VOT's supervised experiment prints, plots and writes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from evaluation.plots import COLORS, add_legend, new_figure, save_figure
from evaluation.references import PRINTED
from evaluation.report import table_latex
from evaluation.sequences import Benchmark, read_size
from evaluation.vot_measures import EAO_LENGTHS, Ending, Trial, VotScore, measure_vot
from evaluation.vot_results import read_runs
from manifests.atomic import whole_file
from manifests.page import Picture, Section, Table, write_page
from manifests.provenance import Provenance

_SENSITIVITY = 30
"""Frames over which the AR plot extrapolates robustness, as VOT's own plots do."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VotTracker:
    """One tracker's measures."""

    tracker: str
    score: VotScore
    note: str = ""


def score_vot(
    benchmark: Benchmark, folder: Path, *, ending: Ending = "matlab", note: str = ""
) -> VotTracker:
    """Score the result files in a tracker's folder.

    Raises:
        SourceError: A result or a first image is missing or damaged.
    """
    trials = [
        Trial(
            runs=read_runs(folder, sequence.name, len(sequence.frames)),
            truth=sequence.truth,
            image_size=read_size(benchmark.files, sequence.frames[0]),
        )
        for sequence in benchmark.sequences
    ]
    return VotTracker(tracker=folder.name, score=measure_vot(trials, ending=ending), note=note)


def vot_table(benchmark: Benchmark, trackers: Sequence[VotTracker]) -> Table:
    """Return the ranking of the trackers by expected average overlap."""
    return Table(
        caption=(
            f"{benchmark.title}, supervised, {len(benchmark.sequences)} sequences, "
            f"{benchmark.num_frames:,} frames"
        ),
        columns=("tracker", "EAO", "accuracy", "robustness", "failures"),
        rows=tuple(
            (
                f"{each.tracker} ({each.note})" if each.note else each.tracker,
                each.score.eao,
                each.score.accuracy,
                each.score.robustness,
                each.score.num_failures,
            )
            for each in _rank(trackers)
        ),
        digits=(3, 3, 3, 1),
        higher_is_better=(True, True, False, False),
    )


def write_vot_report(
    benchmark: Benchmark,
    trackers: Sequence[VotTracker],
    out: Path,
    *,
    second_opinion: Table | None = None,
    made_by: Provenance,
) -> Path:
    """Write the page, plots as PNG and PDF, the table as LaTeX, all numbers as JSON.

    ``second_opinion`` is what the official Python toolkit says, if it was asked.
    """
    title = benchmark.title + (" (a part)" if benchmark.note else "")
    figures = {
        "eao_curve": plot_eao_curve(trackers, title=title),
        "eao_ranking": plot_eao_ranking(trackers, title=title),
        "ar": plot_ar(trackers, title=title),
    }
    images = {name: save_figure(figure, out / name) for name, figure in figures.items()}
    table = vot_table(benchmark, trackers)
    warnings = [f"{each.tracker}: {each.note}." for each in trackers if each.note]
    if benchmark.note:
        part = f"Not the published benchmark: {benchmark.note}."
        warnings.insert(0, f"{part} Do not compare with printed numbers.")
    ranking = ", ".join(f"{each.tracker} {each.score.eao:.3f}" for each in _rank(trackers))
    sections = [
        Section(
            title="Ranking",
            warnings=tuple(warnings),
            text=(
                "Accuracy is the mean overlap while tracking; robustness is 100 failures per "
                f"frame; EAO is the expected overlap of sequences of {EAO_LENGTHS[0]} to "
                f"{EAO_LENGTHS[1]} frames. The official Python toolkit defines EAO otherwise: its "
                "numbers differ from these by up to 0.011."
            ),
            tables=(
                table,
                *(() if second_opinion is None else (second_opinion,)),
                PRINTED["vot2018"],
            ),
        ),
        Section(
            title="Plots",
            pictures=(
                Picture(figure=images["eao_ranking"], alt=f"Ranking by EAO: {ranking}"),
                Picture(
                    figure=images["eao_curve"],
                    alt="Expected overlap by sequence length",
                    caption="EAO is the mean of a curve over the grey lengths.",
                ),
                Picture(
                    figure=images["ar"],
                    alt="Accuracy over robustness of each tracker",
                    caption=f"Here robustness is the chance to track on for {_SENSITIVITY} frames.",
                ),
            ),
        ),
        Section(title="Sequences", tables=(_sequence_table(benchmark, trackers),)),
    ]
    with whole_file(out / "table.tex") as temporary:
        temporary.write_text(table_latex(table), encoding="utf-8")
    with whole_file(out / "curves.json") as temporary:
        temporary.write_text(_json(benchmark, trackers), encoding="utf-8")
    path = out / "report.html"
    write_page(str(path), f"{title}: supervised experiment", sections, made_by=made_by)
    return path


def plot_eao_curve(trackers: Sequence[VotTracker], *, title: str) -> Figure:
    """Plot the expected overlap by sequence length, with the lengths that EAO averages."""
    figure = new_figure()
    axes = figure.subplots()
    axes.axvspan(*EAO_LENGTHS, color="0.93", zorder=0)
    for index, each in enumerate(_rank(trackers)):
        curve = each.score.eao_curve
        axes.plot(
            np.arange(1, len(curve) + 1),
            curve,
            color=COLORS[index % len(COLORS)],
            label=f"[{each.score.eao:.3f}] {each.tracker}",
        )
    axes.set(title=f"Expected overlap on {title}", xlabel="Sequence length [frames]")
    axes.set(ylabel="Expected overlap", ylim=(0, 1), xlim=(1, 2 * EAO_LENGTHS[1]))
    add_legend(figure)
    return figure


def plot_eao_ranking(trackers: Sequence[VotTracker], *, title: str) -> Figure:
    """Plot the EAO of each tracker, the best on the right, as VOT's reports do."""
    figure = new_figure()
    axes = figure.subplots()
    ranked = list(reversed(_rank(trackers)))
    for index, each in enumerate(ranked):
        color = COLORS[(len(ranked) - 1 - index) % len(COLORS)]
        axes.scatter(index + 1, each.score.eao, s=60, color=color)
        axes.annotate(
            f"{each.tracker}\n{each.score.eao:.3f}",
            (index + 1, each.score.eao),
            textcoords="offset points",
            xytext=(0, 8),
            ha="center",
            fontsize=8,
        )
    axes.set(title=f"EAO ranking on {title}", ylabel="Expected average overlap")
    axes.set_xticks(range(1, len(ranked) + 1), [str(n) for n in range(len(ranked), 0, -1)])
    highest = max([each.score.eao for each in ranked if np.isfinite(each.score.eao)], default=0)
    axes.set(xlabel="Rank", xlim=(0.3, len(ranked) + 0.7), ylim=(0, max(1.3 * highest, 0.1)))
    return figure


def plot_ar(trackers: Sequence[VotTracker], *, title: str) -> Figure:
    """Plot accuracy over the chance of tracking on for 30 frames; best is top right."""
    figure = new_figure()
    axes = figure.subplots()
    for index, each in enumerate(_rank(trackers)):
        chance = np.exp(-_SENSITIVITY * each.score.robustness / 100)
        color = COLORS[index % len(COLORS)]
        axes.scatter(
            chance, each.score.accuracy, s=60, color=color, label=each.tracker, clip_on=False
        )
    axes.set_axisbelow(True)
    axes.set(title=f"AR plot on {title}", xlim=(0, 1), ylim=(0, 1), ylabel="Accuracy")
    axes.set(xlabel=f"Robustness (S = {_SENSITIVITY})")
    axes.grid(color="0.9")
    add_legend(figure)
    return figure


def _rank(trackers: Sequence[VotTracker]) -> list[VotTracker]:
    return sorted(trackers, key=lambda each: -np.nan_to_num(each.score.eao, nan=-1.0))


def _sequence_table(benchmark: Benchmark, trackers: Sequence[VotTracker]) -> Table:
    ranked = _rank(trackers)
    return Table(
        caption="Accuracy and failures by sequence",
        columns=(
            "sequence",
            "frames",
            *(f"{each.tracker} {what}" for each in ranked for what in ("A", "failures")),
        ),
        rows=tuple(
            (
                sequence.name,
                len(sequence.frames),
                *(
                    value
                    for each in ranked
                    for value in (each.score.accuracies[index], each.score.failures[index])
                ),
            )
            for index, sequence in enumerate(benchmark.sequences)
        ),
        digits=(0, *(places for _ in ranked for places in (3, 1))),
        folded=len(benchmark.sequences) > 12,
    )


def _json(benchmark: Benchmark, trackers: Sequence[VotTracker]) -> str:
    names = [sequence.name for sequence in benchmark.sequences]
    content = {
        each.tracker: {
            "note": each.note,
            "eao": _number(each.score.eao),
            "accuracy": _number(each.score.accuracy),
            "robustness": each.score.robustness,
            "failures": each.score.num_failures,
            "eao_curve": [_number(value) for value in each.score.eao_curve],
            "accuracy_by_sequence": dict(
                zip(names, map(_number, each.score.accuracies), strict=True)
            ),
            "failures_by_sequence": dict(zip(names, each.score.failures, strict=True)),
        }
        for each in trackers
    }
    return json.dumps({"benchmark": benchmark.name, "trackers": content}) + "\n"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
