"""``python -m sampling.preview``: the name of the command in `trainer.preview`.

The command reads recipes as the trainer does, so it stands a layer above; this is its name only.
"""

import runpy

if __name__ == "__main__":
    runpy.run_module("trainer.preview", run_name="__main__", alter_sys=True)
