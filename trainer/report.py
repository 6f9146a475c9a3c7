"""Write one HTML page about a run: curves, examples, configuration and provenance.

    python -m trainer.report --run runs/pretrain

The page, ``<run>/report.html`` unless ``--out`` says otherwise, needs nothing beside it. It can be
made while the run goes on.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manifests.cli import run_command
from manifests.page import Picture, Section, Table, write_page
from manifests.places import keep_inputs
from manifests.provenance import Provenance
from trainer.config import TrainingError
from trainer.curves import write_curves
from trainer.journal import METRICS, read_metrics
from trainer.saving import PROVENANCE


@dataclass(frozen=True, kw_only=True)
class ReportConfig:
    """Write one HTML page about a run."""

    run: Path
    """Folder of the run."""
    out: str = ""
    """Where the page goes; report.html in the run's folder if empty."""


def report(config: ReportConfig) -> None:
    """Write the page.

    Raises:
        TrainingError: The folder holds no run.
    """
    folder = config.run
    if not (folder / METRICS).is_file() or not (folder / PROVENANCE).is_file():
        raise TrainingError(f"{folder}: no run; --run is the folder that trainer.run calls --out")
    provenance = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    records = list(read_metrics(folder / METRICS))
    url = config.out or str(folder / "report.html")
    keep_inputs([folder], files=[url])
    sections = [
        _summary(records, provenance),
        Section(
            title="Curves",
            pictures=(
                Picture(
                    figure=write_curves(folder).read_bytes(),
                    alt="Loss by step, and mean IoU, centre error and AUC by epoch",
                    wide=True,
                ),
            ),
        ),
        _examples(folder),
        _validations(records),
    ]
    made_by = Provenance(
        command=("python", "-m", "trainer.report", "--run", str(folder)),
        settings=provenance["options"],
        fingerprints={each["url"]: each["fingerprint"] for each in provenance["manifests"]},
    )
    write_page(url, f"Training run {folder.name}", sections, made_by=made_by)
    print(url)


def _summary(records: list[dict[str, Any]], provenance: dict[str, Any]) -> Section:
    steps = [record for record in records if record["kind"] == "step"]
    validations = [record for record in records if record["kind"] == "validation"]
    options, before = provenance["options"], provenance["init_weights"]
    best = min(validations, key=lambda record: record["loss"], default=None)
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
            ("best validation loss", f"{best['loss']:.4f} after epoch {best['epoch']}"),
            ("mean IoU there", f"{best['mean_iou']:.3f}"),
            ("centre error there", f"{best['center_error_px']:.1f} px of the search crop"),
            ("AUC there", f"{best['auc']:.3f}"),
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


def _validations(records: list[dict[str, Any]]) -> Section:
    names = ("epoch", "step", "loss", "mean_iou", "center_error_px", "auc")
    table = Table(
        caption="Each validation",
        columns=names,
        rows=tuple(
            (str(record["epoch"]), *(record[name] for name in names[1:]))
            for record in records
            if record["kind"] == "validation"
        ),
        digits=(0, 4, 3, 1, 3),
        folded=True,
    )
    return Section(title="Validation", tables=(table,))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 no such run, 2 a wrong option."""
    return run_command(
        ReportConfig, report, argv, prog="python -m trainer.report", errors=(TrainingError,)
    )


if __name__ == "__main__":
    sys.exit(main())
