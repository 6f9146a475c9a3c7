"""The benchmarks: one module per layout, and one line per benchmark in the table.

A module reads the sequences under a root into `evaluation.sequences.BenchmarkSequence` and holds
the benchmark's `evaluation.benchmark.BenchmarkRecord`.
"""

from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks import (
    got10k,
    image_folders,
    lasot,
    nfs,
    otb,
    trackingnet,
    uav123,
    vot,
)

BENCHMARKS: dict[str, BenchmarkRecord] = {
    "otb100": otb.OTB100,
    "otb50": otb.OTB50,
    "otb2013": otb.OTB2013,
    "uav123": uav123.UAV123,
    "uav123_10fps": uav123.UAV123_10FPS,
    "uav20l": uav123.UAV20L,
    "dtb70": image_folders.DTB70,
    "nfs30": nfs.NFS30,
    "nfs240": nfs.NFS240,
    "tc128": image_folders.TC128,
    "lasot": lasot.LASOT,
    "lasot_all": lasot.LASOT_ALL,
    "lasot_extension": lasot.LASOT_EXTENSION,
    "got10k_val": got10k.GOT10K_VAL,
    "got10k_test": got10k.GOT10K_TEST,
    "trackingnet_test": trackingnet.TRACKINGNET_TEST,
    "vot2016": vot.VOT2016,
    "vot2018": vot.VOT2018,
    "vot2019": vot.VOT2019,
}
"""By the name that ``--benchmark`` takes."""
