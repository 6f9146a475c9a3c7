"""The check set on disk: archives of result files, and the numbers of VOT2018's evaluators."""

import gzip
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.box_files import parse_boxes, parse_flags, parse_rows
from evaluation.benchmarks.vot import VOT2018
from evaluation.regions import rectangles_to_polygons
from evaluation.vot.measures import Ending, Trial, measure_vot
from evaluation.vot.result_files import make_run

Boxes = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRow:
    """One number, computed by us and by others."""

    benchmark: str
    tracker: str
    evaluator: str
    measure: str
    ours: float
    official: float
    printed: str = ""
    """Published number."""
    tolerance: float = 1e-9

    @property
    def agrees(self) -> bool:
        """Whether the two are the same number."""
        return abs(self.ours - self.official) <= self.tolerance


def vot_rows(folder: Path, tracker: str, expected: Mapping[str, Any]) -> Iterator[CheckRow]:
    """Yield the numbers of one tracker on VOT2018 with ours."""
    with gzip.open(folder / "VOT2018.json.gz") as file:
        annotation = json.load(file)
    texts = _read_texts(folder / f"{tracker}.tar.gz")
    trials = []
    for name, each in annotation.items():
        truth = np.array(each["gt_rect"], np.float64)
        truth = rectangles_to_polygons(truth) if truth.shape[1] == 4 else truth
        runs = tuple(
            make_run(parse_rows(text, where=path), where=path, num_frames=len(truth))
            for path, text in sorted(texts.items())
            if path.split("/")[-2] == name
        )
        trials.append(Trial(runs=runs, truth=truth, image_size=(each["width"], each["height"])))
    published = expected.get("published") or {}
    endings: tuple[tuple[str, Ending], ...] = (("pysot", "pysot"), ("matlab2018_port", "matlab"))
    for evaluator, ending in endings:
        if evaluator not in expected:
            continue
        lengths = VOT2018.eao_lengths
        score = measure_vot(trials, eao_lengths=lengths, ending=ending)
        ours = {
            "accuracy": score.accuracy,
            "robustness": score.robustness / 100 if ending == "matlab" else score.robustness,
            "lost_number": score.num_failures,
            "failures": score.num_failures,
            "eao": score.eao,
        }
        for name, official in expected[evaluator].items():
            if name in ours:
                yield CheckRow(
                    benchmark="VOT2018",
                    tracker=tracker,
                    evaluator=evaluator,
                    measure=name,
                    ours=ours[name],
                    official=official,
                    printed=str(published.get(name, "")),
                    tolerance=1e-7,  # the official code keeps overlaps in single precision
                )


def _read_texts(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {
            member.name: file.read().decode("utf-8")
            for member in archive
            if member.name.endswith(".txt") and (file := archive.extractfile(member)) is not None
        }


def read_archive(path: Path, *, inner: str = "", flags: bool = False) -> dict[str, Boxes]:
    """Return by sequence the numbers of the text files right in a folder of an archive."""
    wanted = inner or path.name.removesuffix(".tar.gz")
    return {
        name.rpartition("/")[2].removesuffix(".txt"): (
            parse_flags(text, where=name).astype(np.float64)
            if flags
            else parse_boxes(text, where=name)
        )
        for name, text in _read_texts(path).items()
        if name.rpartition("/")[0] == wanted
    }
