"""The check set's numbers, each beside ours."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.check.archives import CheckRow, read_archive, vot_rows
from datasets.tracks import SourceError
from evaluation.onepass.conventions import CONVENTIONS, ConventionName
from evaluation.onepass.metrics import Curves, mean_curves, measure
from evaluation.results.names import match_name

Boxes = NDArray[np.float64]
_EVALUATORS: Mapping[str, ConventionName] = {
    "otb_matlab_port": "otb",
    "lasot_matlab_port": "otb",
    "pysot_code": "pysot",
    "got10k_code": "got10k",
    "pytracking_code": "pytracking",
}
_GOT10K_DIGITS = 3
"""Decimals of the result files that the GOT-10k toolkit writes, and then reads and measures."""
_MEASURES: Mapping[str, Callable[[Curves], float]] = {
    "AUC": lambda curves: curves.auc,
    "P20": lambda curves: curves.precision_at_20,
    "SR50": lambda curves: curves.success_at_half,
    "Pnorm02": lambda curves: float(curves.normalised[20]),
    "Pnorm_at_0_2": lambda curves: float(curves.normalised[20]),
    "Pnorm_AUC": lambda curves: float(curves.normalised.mean()),
}
_OTB_COLUMNS = "per_sequence_AUC_P20_matlabport__AUC_pysotformula"
_LASOT_COLUMNS = "per_sequence_AUC_P20_Pnorm02"
_SEQUENCE_COLUMNS: tuple[tuple[str, str, ConventionName, int], ...] = (
    (_OTB_COLUMNS, "AUC", "otb", 0),
    (_OTB_COLUMNS, "P20", "otb", 1),
    (_OTB_COLUMNS, "AUC", "pysot", 2),
    (_LASOT_COLUMNS, "AUC", "otb", 0),
    (_LASOT_COLUMNS, "P20", "otb", 1),
    (_LASOT_COLUMNS, "Pnorm02", "otb", 2),
)


def check_rows(folder: Path, *, vot: bool = True) -> Iterator[CheckRow]:
    """Yield every number of the check set with ours; ``vot`` includes VOT2018, which takes longest.

    Raises:
        SourceError: The folder is not the check set.
    """
    if not (folder / "expected.json").exists():
        raise SourceError(f"{folder}: no expected.json in it. Pass --folder with the check set")
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    yield from _matlab_rows(folder, expected["otb100_matlab"])
    truth = json.loads((folder / "otb100/gt.json").read_text(encoding="utf-8"))
    boxes = {name: np.array(each["gt_rect"], np.float64) for name, each in truth.items()}
    for tracker, numbers in expected["otb100"].items():
        results = read_archive(folder / f"otb100/results/{tracker}.tar.gz")
        yield from _onepass_rows("OTB100", tracker, boxes, results, numbers)
    truth = read_archive(folder / "uav123/gt.tar.gz")
    results = read_archive(folder / "uav123/SiamFC.tar.gz")
    yield from _onepass_rows("UAV123", "SiamFC", truth, results, expected["uav123"]["SiamFC"])
    truth = read_archive(folder / "lasot/gt.tar.gz", inner="gt")
    absent = read_archive(folder / "lasot/gt.tar.gz", inner="gt/absent", flags=True)
    results = read_archive(folder / "lasot/ATOM.tar.gz")
    numbers = expected["lasot_test"]["ATOM"]
    yield from _onepass_rows("LaSOT", "ATOM", truth, results, numbers, absent=absent)
    for tracker, numbers in expected["vot2018"].items() if vot else ():
        yield from vot_rows(folder / "vot2018", tracker, numbers)


def _matlab_rows(folder: Path, expected: Mapping[str, Mapping[str, float]]) -> Iterator[CheckRow]:
    """Compare with the curves that the OTB toolkit stored, over the benchmark and one by one."""
    stored = json.loads((folder / "otb100/matlab/perfMat.json").read_text(encoding="utf-8"))
    truth = json.loads((folder / "otb100/gt.json").read_text(encoding="utf-8"))
    for tracker, numbers in expected.items():
        with np.load(folder / f"otb100/matlab/{tracker}.npz") as results:
            curves = {
                name: measure(
                    results[name],
                    np.array(truth[name]["gt_rect"], np.float64),
                    convention=CONVENTIONS["otb"],
                )
                for name in results.files
            }
        for name, official in numbers.items():
            yield CheckRow(
                benchmark="OTB100",
                tracker=tracker,
                evaluator="MATLAB, stored",
                measure=name,
                ours=_MEASURES[name](mean_curves(list(curves.values()))),
                official=official,
            )
        for kind in ("success", "precision"):
            points = np.array(
                [
                    (getattr(each, kind), stored[tracker][kind][name])
                    for name, each in curves.items()
                ]
            )
            worst = np.abs(points[:, 0] - points[:, 1]).argmax()
            yield CheckRow(
                benchmark="OTB100",
                tracker=tracker,
                evaluator="MATLAB, worst point",
                measure=kind,
                ours=float(points[:, 0].flat[worst]),
                official=float(points[:, 1].flat[worst]),
            )


def _onepass_rows(
    benchmark: str,
    tracker: str,
    truth: Mapping[str, Boxes],
    results: Mapping[str, Boxes],
    expected: Mapping[str, Any],
    *,
    absent: Mapping[str, Boxes] | None = None,
) -> Iterator[CheckRow]:
    printed = str(expected.get("published", ""))
    for evaluator, convention in _EVALUATORS.items():
        if evaluator not in expected:
            continue
        curves = {}
        for name, boxes in truth.items():
            match = match_name(name, results)
            assert match is not None  # the check set is complete
            curves[name] = measure(
                np.round(results[match], _GOT10K_DIGITS)
                if convention == "got10k"
                else results[match],
                boxes,
                convention=CONVENTIONS[convention],
                absent=None if absent is None else absent[name].astype(bool),
            )
        total = mean_curves(list(curves.values()))
        for name, official in expected[evaluator].items():
            if name in _MEASURES:
                yield CheckRow(
                    benchmark=benchmark,
                    tracker=tracker,
                    evaluator=evaluator,
                    measure=name,
                    ours=_MEASURES[name](total),
                    official=official,
                    printed=printed,
                )
        yield from _sequence_rows(benchmark, tracker, convention, curves, expected)


def _sequence_rows(
    benchmark: str,
    tracker: str,
    convention: ConventionName,
    curves: Mapping[str, Curves],
    expected: Mapping[str, Any],
) -> Iterator[CheckRow]:
    """Compare sequence by sequence; one row with the largest difference."""
    for key, name, convention_of_column, column in _SEQUENCE_COLUMNS:
        if key not in expected or convention != convention_of_column:
            continue
        ours, official = max(
            (
                (_MEASURES[name](curves[sequence]), values[column])
                for sequence, values in expected[key].items()
            ),
            key=lambda pair: abs(pair[0] - pair[1]),
        )
        yield CheckRow(
            benchmark=benchmark,
            tracker=tracker,
            evaluator=f"{convention}, worst sequence",
            measure=name,
            ours=ours,
            official=official,
        )
