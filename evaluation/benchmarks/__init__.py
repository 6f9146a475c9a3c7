"""The benchmarks: one module per layout, and one line per benchmark in the table.

A module reads the sequences under a root into `evaluation.sequences.BenchmarkSequence` and holds
the benchmark's `evaluation.benchmark.BenchmarkRecord`.
"""

from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks import lasot, otb, uav123, vot

BENCHMARKS: dict[str, BenchmarkRecord] = {
    "otb100": otb.OTB100,
    "uav123": uav123.UAV123,
    "uav123_10fps": uav123.UAV123_10FPS,
    "lasot": lasot.LASOT,
    "vot2016": vot.VOT2016,
    "vot2018": vot.VOT2018,
    "vot2019": vot.VOT2019,
}
"""By the name that ``--benchmark`` takes."""
