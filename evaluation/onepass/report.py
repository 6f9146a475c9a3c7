"""Tables, plots and files of a one-pass evaluation."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from commands.files import whole_file
from commands.page import Picture, Section, Table, write_page
from commands.provenance import Provenance
from evaluation.benchmark import Benchmark
from evaluation.onepass.alignment import read_result
from evaluation.onepass.conventions import ERROR_THRESHOLDS, Convention
from evaluation.onepass.filmstrips import filmstrip
from evaluation.onepass.metrics import MEASURES, Curves, mean_curves
from evaluation.onepass.plots import plot_normalised, plot_precision, plot_success
from evaluation.onepass.scores import TrackerScore, rank
from evaluation.plots import save_figure
from evaluation.tables import table_latex

_NUM_STRIPS = 3


def summary_table(
    benchmark: Benchmark, scores: Sequence[TrackerScore], *, convention: Convention
) -> Table:
    """Return the ranking of the trackers under a convention."""
    return Table(
        caption=(
            f"{benchmark.title}, {len(benchmark.sequences)} sequences, {benchmark.num_frames:,} "
            f"frames, convention {convention.name} ({convention.title})"
        ),
        columns=("tracker", *convention.measures, "frames/s"),
        rows=tuple(
            (
                each.label,
                *(MEASURES[name](each.total) for name in convention.measures),
                each.frames_per_second,
            )
            for each in rank(scores)
        ),
        digits=(*(3 for _ in convention.measures), 1),
        higher_is_better=tuple(True for _ in convention.measures),
    )


def sequence_table(benchmark: Benchmark, scores: Sequence[TrackerScore]) -> Table:
    """Return the ranking measure of every tracker on every sequence."""
    ranked = rank(scores)
    headline = ranked[0].headline
    return Table(
        caption=f"{headline[0].upper()}{headline[1:]} by sequence",
        columns=("sequence", "frames", *(each.tracker for each in ranked)),
        rows=tuple(
            (
                sequence.name,
                len(sequence.frames),
                *(MEASURES[headline](each.per_sequence[sequence.name]) for each in ranked),
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
    made_by: Provenance,
) -> Path:
    """Write the page, the plots as PNG and PDF, the table as LaTeX and all curves as JSON.

    Returns:
        The path of the page.
    """
    scores = rank(scores)  # so that a tracker has one colour in all plots
    title = benchmark.title + (" (a part)" if benchmark.note else "")
    figures = {
        "success": plot_success(scores, title=title, convention=convention),
        "precision": plot_precision(scores, title=title),
        "normalised_precision": plot_normalised(scores, title=title, convention=convention),
    }
    images = {name: save_figure(figure, out / name) for name, figure in figures.items()}
    table = summary_table(benchmark, scores, convention=convention)
    ranking = ", ".join(f"{each.tracker} {each.value:.3f}" for each in rank(scores))
    printed = benchmark.record.printed
    sections = [
        Section(
            title="Ranking",
            warnings=tuple(_warnings(benchmark, scores)),
            text=(
                f"{convention.explanation} The best and the second best of each column are marked."
            ),
            tables=(table,) if printed is None else (table, printed),
        ),
        Section(
            title="Plots",
            pictures=(
                Picture(figure=images["success"], alt=f"Success over overlap threshold: {ranking}"),
                Picture(
                    figure=images["precision"], alt="Precision over the allowed centre error, in px"
                ),
                Picture(
                    figure=images["normalised_precision"],
                    alt="Precision over the allowed error in target sizes",
                ),
            ),
        ),
        *_attribute_sections(benchmark, scores, out, convention),
        *_strip_sections(benchmark, scores),
        Section(title="Sequences", tables=(sequence_table(benchmark, scores),)),
    ]
    _write_text(out / "table.tex", table_latex(table))
    _write_text(out / "curves.json", _curves_json(benchmark, scores, convention))
    path = out / "report.html"
    write_page(str(path), f"{title}: one-pass evaluation", sections, made_by=made_by)
    return path


def attribute_scores(
    benchmark: Benchmark, scores: Sequence[TrackerScore]
) -> dict[str, list[TrackerScore]]:
    """Return the scores over the sequences of each attribute, most frequent attribute first."""
    members: dict[str, list[str]] = {}
    for sequence in benchmark.sequences:
        for attribute in sequence.attributes:
            members.setdefault(attribute, []).append(sequence.name)
    return {
        f"{attribute} ({len(names)})": [
            replace(
                score,
                per_sequence={name: score.per_sequence[name] for name in names},
                total=mean_curves([score.per_sequence[name] for name in names]),
            )
            for score in scores
        ]
        for attribute, names in sorted(members.items(), key=lambda item: -len(item[1]))
    }


def _warnings(benchmark: Benchmark, scores: Sequence[TrackerScore]) -> list[str]:
    warnings = [f"{each.tracker}: {each.note}." for each in scores if each.note]
    if benchmark.note:
        part = f"Not the published benchmark: {benchmark.note}."
        warnings.insert(0, f"{part} Do not compare with printed numbers.")
    return warnings


def _attribute_sections(
    benchmark: Benchmark, scores: Sequence[TrackerScore], out: Path, convention: Convention
) -> list[Section]:
    by_attribute = attribute_scores(benchmark, scores)
    pictures = []
    for attribute, subset in by_attribute.items():
        figure = plot_success(
            subset, title=f"{benchmark.title}: {attribute}", convention=convention
        )
        slug = "".join(letter if letter.isalnum() else "_" for letter in attribute.lower())
        image = save_figure(figure, out / "attributes" / slug.strip("_"))
        best = rank(subset)[0]
        alt = f"Success on {attribute}; best is {best.tracker} with {best.value:.3f}"
        pictures.append(Picture(figure=image, alt=alt))
    if not pictures:
        return []
    text = "In brackets, how many sequences have the attribute."
    return [Section(title="Attributes", text=text, pictures=tuple(pictures))]


def _strip_sections(benchmark: Benchmark, scores: Sequence[TrackerScore]) -> list[Section]:
    """Return the sequences on which the best tracker is worst, with both boxes."""
    best = rank(scores)[0]
    values = {name: MEASURES[best.headline](each) for name, each in best.per_sequence.items()}
    worst = sorted(benchmark.sequences, key=lambda each: values[each.name])
    assert best.results is not None
    pictures = []
    for sequence in worst[:_NUM_STRIPS]:
        path = best.results.paths_of(sequence.name)[0]
        boxes = read_result(best.results, path, sequence, benchmark.files)
        figure = filmstrip(sequence, boxes, benchmark.files)
        if figure is not None:
            caption = f"{sequence.name}: {best.headline.split()[0]} {values[sequence.name]:.3f}"
            alt = f"Frames of {sequence.name} with the true box and that of {best.tracker}"
            pictures.append(Picture(figure=figure, alt=alt, caption=caption, wide=True))
    if not pictures:
        return []
    text = f"Where {best.tracker} is worst. Green is the truth, red the tracker."
    return [Section(title="Worst sequences", text=text, pictures=tuple(pictures))]


def _curves_json(
    benchmark: Benchmark, scores: Sequence[TrackerScore], convention: Convention
) -> str:
    content = {
        "benchmark": benchmark.name,
        "note": benchmark.note,
        "convention": convention.name,
        "overlap_thresholds": convention.overlap_thresholds.tolist(),
        "error_thresholds_px": ERROR_THRESHOLDS.tolist(),
        "normalised_thresholds": convention.normalised_thresholds.tolist(),
        "trackers": {
            score.tracker: {
                "note": score.note,
                "total": _as_json(score.total),
                "sequences": {name: _as_json(each) for name, each in score.per_sequence.items()},
            }
            for score in scores
        },
    }
    return json.dumps(content) + "\n"


def _as_json(curves: Curves) -> dict[str, float | list[float]]:
    return {
        "auc": curves.auc,
        "precision_at_20_px": curves.precision_at_20,
        "mean_overlap": curves.mean_overlap,
        "success": curves.success.tolist(),
        "precision": curves.precision.tolist(),
        "normalised_precision": curves.normalised.tolist(),
    }


def _write_text(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
