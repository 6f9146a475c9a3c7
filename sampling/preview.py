r"""Show pairs exactly as the network gets them, beside the stored ones, on one page.

    python -m sampling.preview --manifests data/shards/vid/manifest.parquet
    python -m sampling.preview --manifests data/shards/*/manifest.parquet --recipe finetune \
        --out pairs.html

The command reads recipes as ``trainer.run`` does, so its code is a layer above, in
`trainer.preview`; this file is its name.
"""

import sys
from collections.abc import Sequence
from importlib import import_module


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return int(import_module("trainer.preview").main(argv))


if __name__ == "__main__":
    sys.exit(main())
