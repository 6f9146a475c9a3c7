"""Tables, plots and files of VOT's supervised experiment."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from commands.files import whole_file
from commands.pages.page import Picture, Section, write_page
from commands.pages.tables import Cell, Estimate, Table
from commands.provenance import Provenance
from evaluation.benchmark import Benchmark
from evaluation.presentation.intervals import INTERVALS, difference_table, estimate
from evaluation.presentation.plots import save_figure
from evaluation.presentation.tables import table_latex
from evaluation.sequences import BenchmarkSequence
from evaluation.vot.measures import mean_known
from evaluation.vot.plots import SENSITIVITY, plot_ar, plot_eao_curve, plot_eao_ranking
from evaluation.vot.scores import VotTracker, rank_vot

_NO_TAG = "no tag"


def vot_table(benchmark: Benchmark, trackers: Sequence[VotTracker]) -> Table:
    """Return the ranking of the trackers by expected average overlap."""
    shortest, longest = benchmark.record.eao_lengths
    return Table(
        caption=(
            f"{benchmark.title}, supervised, {len(benchmark.sequences)} sequences, "
            f"{benchmark.num_frames:,} frames, EAO over {shortest} to {longest} frames, "
            f"convention {trackers[0].ending}"
        ),
        columns=("tracker", "EAO", "accuracy", "robustness", "failures", "frames/s"),
        rows=tuple(
            (
                each.label,
                estimate(each.score.eao_sums),
                estimate(each.score.accuracy_sums),
                estimate(each.score.robustness_sums),
                each.score.num_failures,
                each.frames_per_second,
            )
            for each in rank_vot(trackers)
        ),
        digits=(3, 3, 3, 1, 1),
        higher_is_better=(True, True, False, False),
    )


def noise_table(trackers: Sequence[VotTracker]) -> Table | None:
    """Return the best tracker's differences from the others; None if they cannot be computed."""
    return difference_table(
        "EAO", {each.tracker: each.score.eao_sums for each in rank_vot(trackers)}
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
                f"numbers differ from these by up to 0.011.{INTERVALS}"
            ),
            tables=tuple(
                each
                for each in (table, noise_table(trackers), second_opinion, printed)
                if each is not None
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
        *_tag_sections(benchmark, trackers),
        Section(title="Sequences", tables=(_sequence_table(benchmark, trackers),)),
    ]
    with whole_file(out / "table.tex") as temporary:
        temporary.write_text(table_latex(table), encoding="utf-8")
    with whole_file(out / "curves.json") as temporary:
        temporary.write_text(_json(benchmark, trackers), encoding="utf-8")
    path = out / "report.html"
    write_page(str(path), f"{title}: supervised experiment", sections, made_by=made_by)
    return path


def tag_tables(benchmark: Benchmark, trackers: Sequence[VotTracker]) -> list[Table]:
    """Return accuracy and robustness over the frames of each tag; none without tags."""
    ranked = rank_vot(trackers)
    names = dict.fromkeys(name for each in benchmark.sequences for name in each.tags)
    accuracies: list[tuple[Cell, ...]] = []
    robustness: list[tuple[Cell, ...]] = []
    for name in (*names, _NO_TAG) if names else ():
        chosen = np.concatenate([_tagged(each, name) for each in benchmark.sequences])
        if not (num_frames := int(np.count_nonzero(chosen))):
            continue
        label = f"{name} ({num_frames:,})"
        scores = [each.score for each in ranked]
        accuracies.append(
            (label, *(mean_known(np.concatenate(each.overlaps)[chosen]) for each in scores))
        )
        robustness.append(
            (label, *(100 * float(np.concatenate(each.failed)[chosen].mean()) for each in scores))
        )
    if not accuracies:
        return []
    columns = ("tag (frames)", *(each.tracker for each in ranked))
    return [
        Table(caption="Accuracy by tag", columns=columns, rows=tuple(accuracies), best_of_row=1),
        Table(
            caption="Robustness by tag: failures per 100 of its frames, lower is better",
            columns=columns,
            rows=tuple(robustness),
        ),
    ]


def _tag_sections(benchmark: Benchmark, trackers: Sequence[VotTracker]) -> list[Section]:
    tables = tag_tables(benchmark, trackers)
    text = "Over the frames that carry a tag, in brackets how many; a frame may carry several."
    return [Section(title="Tags", text=text, tables=tuple(tables))] if tables else []


def _tagged(sequence: BenchmarkSequence, name: str) -> NDArray[np.bool_]:
    """Return (T,) True for the frames with a tag; for `_NO_TAG`, for those without any."""
    nowhere = np.zeros(len(sequence.frames), dtype=bool)
    if name == _NO_TAG:
        for flags in sequence.tags.values():
            nowhere |= flags
        return ~nowhere
    return sequence.tags.get(name, nowhere)


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
            "eao_interval": [found.low, found.high]
            if isinstance(found := estimate(each.score.eao_sums), Estimate)
            else None,
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
