r"""Show pairs exactly as the network gets them, beside the stored ones, on one page.

    python -m sampling.preview --manifests data/shards/vid/manifest.parquet
    python -m sampling.preview --manifests data/shards/*/manifest.parquet --recipe finetune \
        --out pairs.html

The command reads recipes as ``trainer.run`` does, so its code is a layer above, in
`trainer.preview`; this file is its name.
"""

import sys
from importlib import import_module

if __name__ == "__main__":
    sys.exit(import_module("trainer.preview").main())
