"""What a one-pass evaluation prints, plots and writes."""

from collections.abc import Sequence
from pathlib import Path

from evaluation.conventions import Convention
from evaluation.plots import plot_normalised, plot_precision, plot_success, save_figure
from evaluation.report import Picture, Section, Table, write_report
from evaluation.scores import TrackerScore, rank
from evaluation.sequences import Benchmark


def summary_table(
    benchmark: Benchmark, scores: Sequence[TrackerScore], *, convention: Convention
) -> Table:
    """Return the ranking of the trackers under a convention."""
    normalised = "mean" if convention.averages_normalised else "0.20"
    return Table(
        caption=(
            f"{benchmark.title}, {len(benchmark.sequences)} sequences, {benchmark.num_frames:,} "
            f"frames, convention {convention.name} ({convention.title})"
        ),
        columns=(
            "tracker",
            "success (AUC)",
            "precision @ 20 px",
            f"normalised precision ({normalised})",
            "overlap > 0.5",
            "mean overlap",
            "frames/s",
        ),
        rows=tuple(
            (
                f"{each.tracker} ({each.note})" if each.note else each.tracker,
                each.total.auc,
                each.total.precision_at_20,
                each.total.printed_normalised(convention),
                each.total.success_at_half,
                each.total.mean_overlap,
                each.frames_per_second,
            )
            for each in rank(scores)
        ),
        digits=(3, 3, 3, 3, 3, 1),
        higher_is_better=(True, True, True, True),
    )


def sequence_table(benchmark: Benchmark, scores: Sequence[TrackerScore]) -> Table:
    """Return the success of every tracker on every sequence."""
    ranked = rank(scores)
    return Table(
        caption="Success (AUC) by sequence",
        columns=("sequence", "frames", *(each.tracker for each in ranked)),
        rows=tuple(
            (
                sequence.name,
                float(len(sequence.frames)),
                *(each.per_sequence[sequence.name].auc for each in ranked),
            )
            for sequence in benchmark.sequences
        ),
        digits=(0, *(3 for _ in ranked)),
        folded=len(benchmark.sequences) > 12,
    )


def write_onepass_report(
    benchmark: Benchmark,
    scores: Sequence[TrackerScore],
    out: Path,
    *,
    convention: Convention,
    extra_sections: Sequence[Section] = (),
) -> Path:
    """Write ``report.html``, the plots as PNG and PDF, and return the page's path."""
    title = benchmark.title + (" (a part)" if benchmark.note else "")
    success = plot_success(scores, title=title, convention=convention)
    precision = plot_precision(scores, title=title)
    normalised = plot_normalised(scores, title=title, convention=convention)
    for figure, name in (
        (success, "success"),
        (precision, "precision"),
        (normalised, "normalised_precision"),
    ):
        save_figure(figure, out / name)
    ranking = ", ".join(f"{each.tracker} {each.total.auc:.3f}" for each in rank(scores))
    warnings = []
    if benchmark.note:
        warnings.append(
            f"Not the published benchmark: {benchmark.note}. Do not compare with printed numbers."
        )
    warnings += [f"{each.tracker}: {each.note}" for each in scores if each.note]
    sections = [
        Section(
            title="Ranking",
            warnings=tuple(warnings),
            text=(
                "Success is the mean of the curve over 21 overlap thresholds; precision is the "
                "fraction of frames whose centre is at most 20 px off. Both are means over "
                "sequences. Red marks the best, blue the second best."
            ),
            tables=(summary_table(benchmark, scores, convention=convention),),
        ),
        Section(
            title="Plots",
            pictures=(
                Picture(figure=success, alt=f"Success over overlap threshold. AUC: {ranking}"),
                Picture(figure=precision, alt="Precision over the allowed centre error in pixels"),
                Picture(figure=normalised, alt="Precision over the allowed error in target sizes"),
            ),
        ),
        *extra_sections,
        Section(title="Sequences", tables=(sequence_table(benchmark, scores),)),
    ]
    path = out / "report.html"
    write_report(path, f"{title}: one-pass evaluation", sections)
    return path
