"""A second opinion on VOT: the official Python toolkit on the same result files.

The toolkit is no dependency (GPL, and it brings an OpenCV of its own): its command ``vot`` is found
on PATH and runs as another process, in a temporary workspace that holds copies of the ground truth
and of the results. It averages accuracy by sequence and cuts the fragments of EAO differently, so
that its numbers differ from the challenge's by up to 0.011.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from commands.json_files import parse_json
from commands.pages.page import Table
from datasets.tracks import SourceError
from evaluation.benchmark import Benchmark
from evaluation.results.entries import suffix_of
from evaluation.results.tracker import TrackerResults
from evaluation.sequences import read_size
from evaluation.vot.measures import NUM_SKIPPED

INSTALL = "pip install vot-toolkit 'attributee<0.1.10'"
"""Version 0.9.0 asks for any attributee, and 0.1.10 cannot be imported."""
_EXPERIMENT = "baseline"
_REPORT = "report"
_TEMPLATES = Path(__file__).with_name("workspace")
"""Files of the toolkit's workspace, with places for numbers."""


def find_toolkit() -> str:
    """Return the path of the toolkit's command.

    Raises:
        SourceError: It is not on PATH.
    """
    command = shutil.which("vot")
    if command is None:
        raise SourceError(
            "--vot-toolkit: no command 'vot' on PATH. Install it into an environment of its own "
            f"({INSTALL}) and put that environment's bin folder on PATH"
        )
    return command


def ask_toolkit(command: str, benchmark: Benchmark, trackers: Sequence[TrackerResults]) -> Table:
    """Return the toolkit's numbers for trackers whose results are complete.

    Args:
        command: From `find_toolkit`.
        benchmark: The benchmark.
        trackers: Their result files.

    Raises:
        SourceError: The command failed; the end of its output is in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        identifiers = write_workspace(workspace, benchmark, trackers)
        options = ["--workspace", folder, "--format", "json", "--name", _REPORT]
        done = subprocess.run(
            [command, "analysis", *options, *identifiers],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        report = workspace / f"analysis/{_REPORT}.json"
        if not report.exists():  # the toolkit exits 0 after some failures too
            said = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
            raise SourceError(
                f"{command} analysis: exit code {done.returncode} and no report: {said}. If "
                f"'vot --help' fails too: {INSTALL}; or leave out --vot-toolkit"
            )
        content = parse_json(report.read_text(encoding="utf-8"))
    return _opinion_table(content, [tracker.name for tracker in trackers])


def write_workspace(
    workspace: Path, benchmark: Benchmark, trackers: Sequence[TrackerResults]
) -> list[str]:
    """Write the toolkit's workspace and return its identifiers of the trackers.

    Names of trackers may hold letters that the toolkit does not accept. It needs no images where
    the size and the length of a sequence are stated.
    """
    shortest, longest = benchmark.record.eao_lengths
    for template in _TEMPLATES.iterdir():
        text = template.read_text(encoding="ascii")
        text = text.format(skipped=NUM_SKIPPED, shortest=shortest, longest=longest)
        (workspace / template.name).write_text(text, encoding="ascii")
    for sequence in benchmark.sequences:
        folder = workspace / "sequences" / sequence.name
        folder.mkdir(parents=True)
        truth = benchmark.files.read(f"{sequence.name}/groundtruth.txt")
        (folder / "groundtruth.txt").write_bytes(truth)
        width, height = read_size(benchmark.files, sequence.frames[0])
        described = {"width": width, "height": height, "length": len(sequence.frames)}
        lines = [f"{key}={value}\n" for key, value in described.items()]
        (folder / "sequence").write_text("".join(lines), encoding="ascii")
    listed = "".join(f"{sequence.name}\n" for sequence in benchmark.sequences)
    (workspace / "sequences/list.txt").write_text(listed, encoding="utf-8")
    identifiers = [f"tracker{number}" for number in range(1, len(trackers) + 1)]
    registry = [f"[{identifier}]\nprotocol = trax\ncommand = none\n" for identifier in identifiers]
    (workspace / "trackers.ini").write_text("".join(registry), encoding="ascii")
    for identifier, tracker in zip(identifiers, trackers, strict=True):
        for sequence in benchmark.sequences:
            folder = workspace / "results" / identifier / _EXPERIMENT / sequence.name
            folder.mkdir(parents=True)
            for number, path in enumerate(tracker.paths_of(sequence.name), start=1):
                name = f"{sequence.name}_{number:03d}.{suffix_of(path)}"
                (folder / name).write_bytes(tracker.files.read(path))
    return identifiers


def _opinion_table(content: dict[str, Any], names: Sequence[str]) -> Table:
    robustness, lengths = content["results"][_EXPERIMENT]["results"]
    measured = zip(names, robustness, lengths, strict=True)
    rows: list[tuple[str, float, float, float]] = [
        (name, eao, accuracy, failures) for name, (accuracy, failures, *_), (eao,) in measured
    ]
    rows.sort(key=lambda row: row[1], reverse=True)
    return Table(
        caption=(
            f"The official Python toolkit {content['toolkit']} on the same files. By its design it "
            "differs by up to 0.011 from the numbers that papers print"
        ),
        columns=("tracker", "EAO", "accuracy", "failures a sequence"),
        rows=tuple(rows),
        higher_is_better=(True, True, False),
    )
