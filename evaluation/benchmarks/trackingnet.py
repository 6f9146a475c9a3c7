"""TrackingNet: the 511 videos of its test part.

Read from ``<root>/TEST/`` (or from that folder itself):
    frames/<video>/0.jpg ...   frames
    anno/<video>.txt           ``x,y,w,h`` of the first frame
"""

import logging

from datasets.files import RawFiles
from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks.image_folders import read_first_box
from evaluation.sequences import BenchmarkSequence

logger = logging.getLogger(__name__)

_NUM_VIDEOS = 511


def read_trackingnet_test(files: RawFiles) -> list[BenchmarkSequence]:
    """Return the test videos whose frames and first box are under the root.

    Raises:
        SourceError: A file is damaged.
    """
    base = "TEST/" if files.exists("TEST") else ""
    there = set(files.list(f"{base}frames"))
    names = [name.removesuffix(".txt") for name in files.list(f"{base}anno")]
    sequences = [
        read_first_box(
            *(files, f"{base}frames/{name}", f"{base}anno/{name}.txt"),
            name=name,
            group=name.rpartition("_")[0],
        )
        for name in names
        if name in there
    ]
    if 0 < len(sequences) < _NUM_VIDEOS:
        logger.warning(
            "%s: %d of the %d videos of TrackingNet's test part. Its server takes all of them",
            *(files.root, len(sequences), _NUM_VIDEOS),
        )
    return sequences


TRACKINGNET_TEST = BenchmarkRecord(
    title="TrackingNet test",
    official_names=(),
    read=read_trackingnet_test,
    protocol="handed in to TrackingNet",
    source="trackingnet",
)
