r"""Train and evaluate the four variants of the paper's Table III, with the same seed and data.

    python -m trainer.ablate --pretrain-manifests data/shards/vid/manifest.parquet \
        --finetune-manifests data/shards/coco/manifest.parquet data/shards/lasot/manifest.parquet \
        --root data/raw/OTB100 --out runs/ablation

``--recipe demo`` makes it small. Each step is a command that is printed first; the same command
goes on where it stopped. Ends with the table beside the paper's, and ``<out>/ablation.html``.

Its code is `examples.ablation`, which runs commands of two packages; this file is its name.
"""

import sys
from collections.abc import Sequence
from importlib import import_module


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a step that failed, 2 a wrong option."""
    return int(import_module("examples.ablation").main(argv))


if __name__ == "__main__":
    sys.exit(main())
