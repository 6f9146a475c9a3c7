"""Show what a build made: a picture of crops with their boxes.

python -m datasets.report --manifest data/shards/lasot/manifest.parquet --out crops.png
"""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from datasets.contact_sheet import contact_sheet
from manifests.atomic import write_whole
from manifests.cli import run_command
from manifests.schema import ManifestError
from manifests.table import read_manifest

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ReportConfig:
    """Show what a build made: a picture of crops with their boxes."""

    manifest: str
    """Path or URL of the manifest."""
    out: str = ""
    """Picture to write; crops.png beside the manifest if empty."""
    where: str | None = None
    """SQL condition that selects rows, such as "category = 'dog'"."""
    num_crops: int = 40
    """How many crops to show."""
    seed: int = 0
    """Decides which crops are shown."""


def report(config: ReportConfig) -> None:
    """Write the picture and print where it is."""
    manifest = read_manifest(config.manifest, where=config.where)
    number = min(config.num_crops, manifest.rows.height)
    rows = manifest.rows.sample(number, seed=config.seed)
    sheet = contact_sheet(manifest, rows)
    out = config.out or str(Path(config.manifest).with_name("crops.png"))
    done, png = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    assert done
    write_whole(out, png.tobytes())
    print(f"{number} of {manifest.rows.height:,} crop pairs: {out}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    prog = "python -m datasets.report"
    return run_command(ReportConfig, report, argv, prog=prog, errors=(ManifestError,))


if __name__ == "__main__":
    sys.exit(main())
