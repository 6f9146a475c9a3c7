"""Tables, plots and files of a one-pass evaluation."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from commands.files import whole_file
from commands.pages.page import Picture, Section, write_page
from commands.pages.tables import Estimate, Table
from commands.provenance import Provenance
from evaluation.benchmark import Benchmark
from evaluation.onepass.alignment import read_result
from evaluation.onepass.conventions import ERROR_THRESHOLDS, Convention
from evaluation.onepass.filmstrips import filmstrip
from evaluation.onepass.metrics import MEASURES, Curves
from evaluation.onepass.plots import PLOTS, plot_scores
from evaluation.onepass.scores import TrackerScore, rank
from evaluation.onepass.tables import (
    attribute_scores,
    attribute_tables,
    noise_table,
    run_table,
    sequence_table,
    summary_table,
)
from evaluation.presentation.intervals import INTERVALS
from evaluation.presentation.plots import save_figure
from evaluation.presentation.tables import table_latex

_NUM_STRIPS = 3
_EXPERIMENTS = {
    "OPE": "one-pass evaluation",
    "TRE": "temporal robustness evaluation",
    "SRE": "spatial robustness evaluation",
}


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
    shown = f"{benchmark.experiment} on {title}"
    ranking = ", ".join(f"{each.tracker} {each.value:.3f}" for each in scores)
    table = summary_table(benchmark, scores, convention=convention)
    by_attribute = attribute_scores(benchmark, scores)
    attributes = attribute_tables(by_attribute)
    pictures = {
        name: Picture(
            figure=save_figure(
                plot_scores(plot, scores, title=shown, convention=convention), out / name
            ),
            alt=f"{plot.alt}; the ranking is {ranking}",
        )
        for name, plot in PLOTS.items()
    }
    sections = [
        Section(
            title="Ranking",
            warnings=tuple(_warnings(benchmark, scores)),
            text=f"{convention.explanation} The best and the second best of each column are "
            f"marked.{INTERVALS}",
            tables=_present(table, noise_table(scores), benchmark.record.printed),
        ),
        Section(title="Plots", pictures=tuple(pictures.values())),
        *_attribute_sections(benchmark, by_attribute, attributes, out, convention),
        *_strip_sections(benchmark, scores),
        Section(
            title="Sequences",
            tables=_present(run_table(scores), sequence_table(benchmark, scores)),
        ),
    ]
    _write_text(out / "table.tex", "\n".join(map(table_latex, (table, *attributes))))
    _write_text(out / "curves.json", _curves_json(benchmark, scores, convention))
    path = out / "report.html"
    write_page(
        str(path), f"{title}: {_EXPERIMENTS[benchmark.experiment]}", sections, made_by=made_by
    )
    return path


def _present(*tables: Table | None) -> tuple[Table, ...]:
    return tuple(table for table in tables if table is not None)


def _warnings(benchmark: Benchmark, scores: Sequence[TrackerScore]) -> list[str]:
    warnings = [f"{each.tracker}: {each.note}." for each in scores if each.note]
    if benchmark.note:
        part = f"Not the published benchmark: {benchmark.note}."
        warnings.insert(0, f"{part} Do not compare with printed numbers.")
    return warnings


def _attribute_sections(
    benchmark: Benchmark,
    by_attribute: Mapping[str, Sequence[TrackerScore]],
    tables: Sequence[Table],
    out: Path,
    convention: Convention,
) -> list[Section]:
    if not by_attribute:
        return []
    text = "In brackets, how many sequences have the attribute. The best of each row are marked."
    sections = [Section(title="Attributes", text=text, tables=tuple(tables))]
    for kind, plot in PLOTS.items():
        pictures = []
        for attribute, subset in by_attribute.items():
            title = f"{benchmark.experiment} on {benchmark.title}: {attribute}"
            figure = plot_scores(plot, subset, title=title, convention=convention)
            slug = "".join(letter if letter.isalnum() else "_" for letter in attribute.lower())
            image = save_figure(figure, out / "attributes" / kind / slug.strip("_"))
            best = max(subset, key=lambda each: plot.printed(each, convention))
            alt = f"{plot.alt} on {attribute}; best is {best.tracker}"
            pictures.append(Picture(figure=image, alt=alt))
        name = kind.replace("_", " ")
        sections.append(Section(title=f"Attributes: {name}", pictures=tuple(pictures)))
    return sections


def _strip_sections(benchmark: Benchmark, scores: Sequence[TrackerScore]) -> list[Section]:
    """Return the sequences on which the best tracker is worst, with both boxes."""
    if benchmark.whole:
        return []
    best = rank(scores)[0]
    values = {name: MEASURES[best.headline](each) for name, each in best.per_sequence.items()}
    worst = sorted(benchmark.sequences, key=lambda each: values[each.name])
    assert best.results is not None
    pictures = []
    for sequence in worst[:_NUM_STRIPS]:
        path = best.results.paths_of(sequence.name)[0]
        boxes = read_result(best.results, path, sequence, benchmark.files)
        figure = filmstrip(sequence, [boxes], benchmark.files)
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
                "intervals": _intervals(score),
                "runs": [_as_json(each) for each in score.runs],
                "sequences": {name: _as_json(each) for name, each in score.per_sequence.items()},
            }
            for score in scores
        },
    }
    return json.dumps(content) + "\n"


def _intervals(score: TrackerScore) -> dict[str, list[float]]:
    estimates = {name: score.estimate(name) for name in score.measures}
    return {
        name: [each.low, each.high]
        for name, each in estimates.items()
        if isinstance(each, Estimate)
    }


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
