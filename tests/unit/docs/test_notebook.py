"""examples/pairs.ipynb runs top to bottom, in a process of its own and without Jupyter."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

NOTEBOOK = ROOT / "examples" / "pairs.ipynb"
RUN = "import sys; names = {'__name__': '__main__'}\nfor c in sys.argv[1:]: exec(c, names)"


def test_the_notebook_runs_top_to_bottom_and_holds_no_output(tmp_path: Path) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    run = subprocess.run(
        [sys.executable, "-c", RUN, *("".join(cell["source"]) for cell in code)],
        cwd=NOTEBOOK.parent,
        env={**os.environ, "MPLBACKEND": "Agg", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    first, last = map(float, re.findall(r"loss ([\d.]+), then ([\d.]+)", run.stdout)[0])
    assert last < first < 10
    error, still = map(float, re.findall(r"([\d.]+) px", run.stdout))
    assert error < 0.5 * still
