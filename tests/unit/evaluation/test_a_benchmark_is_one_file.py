"""A benchmark is one module and one line in the table: no other file knows its name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

_COMMAND = """
import importlib, sys
from evaluation.benchmarks import BENCHMARKS
import toy
BENCHMARKS["toy"] = toy.TOY
options = sys.argv[1:]
common = ["--benchmark", "toy", "--root", options[0], "--results", options[1]]
run = importlib.import_module("evaluation.run")
assert run.main([*common, "--tracker", "static", "--workers", "2", "--out", options[2]]) == 0
print("compare:", flush=True)
assert importlib.import_module("evaluation.compare").main(common) == 0
"""


def test_a_toy_benchmark_is_tracked_scored_and_compared(sample_world: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests/support/toys/benchmark.py", tmp_path / "toy.py")
    root, results, out = sample_world / "OTB100", tmp_path / "results", tmp_path / "report"
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, str(root), str(results), str(out)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    run, compared = done.stdout.split("compare:\n")
    assert "convention pysot" in run
    assert "Not the published Toy: 2 of the 3 published sequences" in run
    names = [line.split()[1] for line in compared.splitlines() if line.startswith("static")]
    assert names == ["otb", "pysot", "got10k", "pytracking"]
    assert "Printed: a paper" in compared
    assert "Printed: a paper" in (out / "report.html").read_text()
