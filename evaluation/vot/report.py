"""Tables, plots and files of VOT's supervised experiment."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from commands.files import whole_file
from commands.page import Picture, Section, Table, write_page
from commands.provenance import Provenance
from evaluation.benchmark import Benchmark
from evaluation.plots import save_figure
from evaluation.tables import table_latex
from evaluation.vot.plots import SENSITIVITY, plot_ar, plot_eao_curve, plot_eao_ranking
from evaluation.vot.scores import VotTracker, rank_vot


def vot_table(benchmark: Benchmark, trackers: Sequence[VotTracker]) -> Table:
    """Return the ranking of the trackers by expected average overlap."""
    shortest, longest = benchmark.record.eao_lengths
    return Table(
        caption=(
            f"{benchmark.title}, supervised, {len(benchmark.sequences)} sequences, "
            f"{benchmark.num_frames:,} frames, EAO over {shortest} to {longest} frames, "
            f"convention {trackers[0].ending}"
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
            for each in rank_vot(trackers)
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

    ``second_opinion`` is the table of the official Python toolkit, if it was asked.
    """
    shortest, longest = benchmark.record.eao_lengths
    printed = benchmark.record.printed
    title = benchmark.title + (" (a part)" if benchmark.note else "")
    figures = {
        "eao_curve": plot_eao_curve(trackers, title=title, eao_lengths=(shortest, longest)),
        "eao_ranking": plot_eao_ranking(trackers, title=title),
        "ar": plot_ar(trackers, title=title),
    }
    images = {name: save_figure(figure, out / name) for name, figure in figures.items()}
    table = vot_table(benchmark, trackers)
    warnings = [f"{each.tracker}: {each.note}." for each in trackers if each.note]
    if benchmark.note:
        part = f"Not the published benchmark: {benchmark.note}."
        warnings.insert(0, f"{part} Do not compare with printed numbers.")
    ranking = ", ".join(f"{each.tracker} {each.score.eao:.3f}" for each in rank_vot(trackers))
    sections = [
        Section(
            title="Ranking",
            warnings=tuple(warnings),
            text=(
                "Accuracy is the mean overlap while tracking; robustness is the failures per 100 "
                f"frames; EAO is the expected overlap of sequences of {shortest} to "
                f"{longest} frames. The official Python toolkit defines EAO otherwise: its "
                "numbers differ from these by up to 0.011."
            ),
            tables=(
                table,
                *(() if second_opinion is None else (second_opinion,)),
                *(() if printed is None else (printed,)),
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
                    caption=f"Here robustness is the chance to track on for {SENSITIVITY} frames.",
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


def _sequence_table(benchmark: Benchmark, trackers: Sequence[VotTracker]) -> Table:
    ranked = rank_vot(trackers)
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
    described = {"benchmark": benchmark.name, "note": benchmark.note}
    described["convention"] = trackers[0].ending
    return json.dumps({**described, "trackers": content}) + "\n"


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
