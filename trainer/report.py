"""Write one HTML page about a run: curves, examples, configuration and provenance.

    python -m trainer.report --run runs/pretrain

The page, by default ``<run>/report.html``, needs no other file. It can be made during the run.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.json_files import parse_json
from commands.pages.figures import figure_svg
from commands.pages.page import Picture, Section, Table, write_page
from commands.places import keep_inputs
from commands.provenance import Provenance
from commands.run import run_command
from trainer.config import TrainingError
from trainer.output.curves import draw_curves
from trainer.output.metrics import METRICS, best_validation, read_metrics
from trainer.output.run_folder import PROVENANCE
from trainer.validation.figures import KINDS, find_weak_sizes
from trainer.validation.shown_figures import figures_of, with_trivial

_EACH_EPOCH = ("center_error_px", "true_size_iou", "iou", "size_gain")
"""Figures in the table of all epochs; the curves have all of them."""


@dataclass(frozen=True, kw_only=True)
class ReportConfig:
    """Write one HTML page about a run."""

    run: Path
    """Folder of the run."""
    out: str | None = None
    """Page to write; by default report.html in the run's folder."""


def report(config: ReportConfig) -> None:
    """Write the page.

    Raises:
        TrainingError: The folder holds no run.
    """
    folder = config.run
    if not (folder / METRICS).is_file() or not (folder / PROVENANCE).is_file():
        raise TrainingError(f"{folder}: no run; --run is the folder that trainer.run calls --out")
    url = config.out or str(folder / "report.html")
    keep_inputs([folder], files=[url])
    try:
        provenance = parse_json((folder / PROVENANCE).read_text(encoding="utf-8"))
        records = list(read_metrics(folder / METRICS))
        is_early = any(
            "figures" not in record for record in records if record["kind"] == "validation"
        )
        sections = [] if is_early else _sections(folder, records, provenance)
        made_by = _made_by(folder, provenance)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        reason = f"{type(error).__name__}: {str(error)[:100]}"
        raise TrainingError(
            f"{folder}: {PROVENANCE} or {METRICS} is not what a run wrote ({reason}). Copy the "
            "run again"
        ) from error
    if is_early:
        raise TrainingError(
            f"{folder / METRICS}: validations without figures by kind of pair, as earlier versions "
            "wrote them. Make the page with the version that trained"
        )
    write_page(url, f"Training run {folder.name}", sections, made_by=made_by)
    print(url)


def _sections(
    folder: Path, records: list[dict[str, Any]], provenance: dict[str, Any]
) -> list[Section]:
    curves = Picture(
        figure=figure_svg(draw_curves(folder)),
        alt="Loss by step; AUC and the figures of boxes by epoch, each beside its trivial answer",
        wide=True,
    )
    return [
        _summary(records, provenance),
        Section(title="Curves", pictures=(curves,)),
        _examples(folder),
        *_validations(records),
    ]


def _made_by(folder: Path, provenance: dict[str, Any]) -> Provenance:
    return Provenance(
        command=("python", "-m", "trainer.report", "--run", str(folder)),
        settings=provenance["options"],
        fingerprints={entry["url"]: entry["fingerprint"] for entry in provenance["manifests"]},
    )


def _summary(records: list[dict[str, Any]], provenance: dict[str, Any]) -> Section:
    steps = [record for record in records if record["kind"] == "step"]
    validations = [record for record in records if record["kind"] == "validation"]
    options, before = provenance["options"], provenance["init_weights"]
    best = best_validation(records)
    rows: list[tuple[str | float | None, ...]] = [
        ("recipes", ", ".join(options["recipe"]) or "none"),
        ("stage", options["stage"]),
        ("network", ", ".join(f"{name} {value}" for name, value in options["model"].items())),
        ("started from", f"{before['url']} ({before['sha256'][:12]})" if before else "scratch"),
        ("steps", len(steps)),
        ("epochs validated", len(validations)),
    ]
    if steps:
        rows += [
            ("last training loss", f"{steps[-1]['loss']:.4f}"),
            ("pairs/s in the last epoch", f"{steps[-1]['pairs_per_s']:.1f}"),
            ("data wait in the last epoch", f"{steps[-1]['data_wait']:.1%}"),
        ]
    if best is not None:
        rows += [
            ("best epoch", f"{best['epoch']}, selected by {best['select']} {best['value']:.3f}"),
            ("validation loss there", f"{best['loss']:.4f}"),
            (
                "AUC there",
                f"{best['auc']:.3f} (the middle {best['middle_auc']:.3f})",
            ),
        ]
    table = Table(caption="The run in numbers", columns=("", "value"), rows=tuple(rows))
    return Section(title="Summary", tables=(table,))


def _examples(folder: Path) -> Section:
    pictures = sorted((folder / "examples").glob("epoch-*.png"))
    shown = [pictures[0], pictures[-1]] if len(pictures) > 1 else pictures
    return Section(
        title="Examples",
        text="Validation pairs after the first and the last epoch: template; search crop with the "
        "true box (green) and the predicted one (red); response from low (dark) to high (bright). "
        "SiamFC's box has the true size.",
        pictures=tuple(
            Picture(
                figure=path.read_bytes(),
                alt=f"Templates, search crops with boxes, and responses: {path.stem}",
                caption=path.stem.replace("-", " "),
            )
            for path in shown
        ),
    )


def _validations(records: list[dict[str, Any]]) -> list[Section]:
    validations = [record for record in records if record["kind"] == "validation"]
    best = best_validation(records)
    if best is None:
        return []
    weak = find_weak_sizes(best["figures"])
    width, height = best["constant_size_px"]
    section = Section(
        title="Validation",
        text=f"Of the best epoch. Below each figure stands what an answer that takes no learning "
        f"reaches on the same pairs: the middle of the crop for the place, one constant box of "
        f"{width:.0f} x {height:.0f} px, the median of the training pairs, for the size. Video: "
        "pairs of two frames. Stills: pairs of a crop with itself, the background included.",
        warnings=(weak,) if weak else (),
        tables=(_figures_table(best), _epochs_table(validations)),
    )
    return [section]


def _figures_table(best: dict[str, Any]) -> Table:
    """Return a table with a column for each group of pairs, each figure above its trivial one."""
    groups: dict[str, dict[str, float | None]] = best["figures"]
    rows: list[tuple[str | float | None, ...]] = [
        ("pairs", *(figures["num_pairs"] for figures in groups.values()))
    ]
    for figure in figures_of(groups["all"]):
        pairs = [with_trivial(figure, figures) for figures in groups.values()]
        rows.append((figure.title, *(value for value, _ in pairs)))
        rows.append((f"... {figure.answer}", *(trivial for _, trivial in pairs)))
    caption = f"Figures after epoch {best['epoch']}"
    return Table(caption=caption, columns=("", *groups), rows=tuple(rows))


def _epochs_table(validations: list[dict[str, Any]]) -> Table:
    """Return a table with a row for each epoch, each figure before its trivial one."""
    kinds = [kind for kind in KINDS if kind in validations[-1]["figures"]]
    shown = [
        (kind, figure)
        for kind in kinds
        for figure in figures_of(validations[-1]["figures"][kind])
        if figure.name in _EACH_EPOCH
    ]
    columns = ["epoch", "step", "loss", "AUC", "the middle"]
    columns += [
        title for kind, figure in shown for title in (f"{figure.title}, {kind}", figure.answer)
    ]
    rows: list[tuple[str | float | None, ...]] = []
    for record in validations:
        numbers = [record[name] for name in ("step", "loss", "auc", "middle_auc")]
        for kind, figure in shown:
            numbers += with_trivial(figure, record["figures"][kind])
        rows.append((str(record["epoch"]), *numbers))
    return Table(caption="Each validation", columns=tuple(columns), rows=tuple(rows), folded=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 no such run, 2 a wrong option."""
    return run_command(
        ReportConfig, report, argv, prog="python -m trainer.report", errors=(TrainingError,)
    )


if __name__ == "__main__":
    sys.exit(main())
