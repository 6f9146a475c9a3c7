"""Show the results of all trackers on a sequence as a video, beside the true boxes.

python -m evaluation.replay --root data/raw/OTB100 --sequence Basketball
python -m evaluation.replay --benchmark lasot --sequence cat-1 --trackers DCFFNet SiamFC
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from commands.choices import FrameRate
from commands.places import keep_inputs
from commands.run import run_command
from datasets.tracks import SourceError
from evaluation.benchmarks.open_benchmark import BenchmarkName
from evaluation.onepass.alignment import read_result
from evaluation.selection import Selection, find_selected, open_selected
from evaluation.sequences import Boxes, read_image, to_edges
from tracking.drawing import TRUTH, colors_of, draw_boxes
from tracking.video_writer import VideoWriter


@dataclass(frozen=True, kw_only=True)
class ReplayConfig:
    """Show results on a sequence as a video."""

    benchmark: BenchmarkName = "otb100"
    """Which benchmark, of one pass."""
    root: str | None = None
    """Its folder; by default data/raw/<benchmark>."""
    results: str | None = None
    """Folder with one folder or zip of result files per tracker; by default
    results/<benchmark>."""
    sequence: str
    """Which sequence."""
    trackers: tuple[str, ...] = ()
    """Names of the only trackers to show; empty shows all that have results."""
    out: Path | None = None
    """Video to write, ending in .mp4; by default reports/<benchmark>/<sequence>.mp4."""
    fps: FrameRate = 25.0
    """Frames per second."""
    codec: Literal["mp4v", "vp09"] = "mp4v"
    """mp4v is quick and for players; vp09 is slow and for browsers."""


def run(config: ReplayConfig) -> None:
    """Read all results, then write the video."""
    selection = Selection(trackers=config.trackers, sequences=(config.sequence,))
    benchmark = open_selected(config.benchmark, config.root, selection)
    if benchmark.record.protocol != "one-pass":
        raise SourceError(f"--benchmark {config.benchmark}: only one-pass results are shown")
    (sequence,) = benchmark.sequences
    out = config.out or Path(f"reports/{config.benchmark}/{sequence.name}.mp4")
    keep_inputs([benchmark.files.root], files=[out])
    results = Path(config.results or f"results/{config.benchmark}")
    boxes: dict[str, Boxes] = {TRUTH: to_edges(sequence.truth)}
    for tracker in find_selected(benchmark, results, selection):
        path = tracker.paths_of(sequence.name)[0]
        boxes[tracker.name] = to_edges(read_result(tracker, path, sequence, benchmark.files))
        if len(boxes[tracker.name]) < len(sequence.frames):
            raise SourceError(
                f"{tracker.files.where(path)}: {len(boxes[tracker.name])} boxes, expected "
                f"{len(sequence.frames)}, one per frame. Track the sequence again"
            )
    colors = colors_of(boxes)
    with VideoWriter(out, fps=config.fps, codec=config.codec) as writer:
        for index, name in enumerate(sequence.frames):
            shown = {label: rows[index] for label, rows in boxes.items()}
            image = read_image(benchmark.files, name)
            writer.write(draw_boxes(image, shown, colors=colors, caption=f"frame {index + 1}"))
    print(out)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(
        ReplayConfig, run, argv, prog="python -m evaluation.replay", errors=(SourceError,)
    )


if __name__ == "__main__":
    sys.exit(main())
