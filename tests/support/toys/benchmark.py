"""A benchmark in one file: folders of images, with the same box in every frame."""

import numpy as np

from commands.pages.page import Table
from datasets.files import RawFiles
from evaluation.benchmark import BenchmarkRecord
from evaluation.sequences import BenchmarkSequence


def read(files: RawFiles) -> list[BenchmarkSequence]:
    """Return the sequences, one per folder."""
    return [
        BenchmarkSequence(
            name=folder,
            frames=tuple(f"{folder}/img/{name}" for name in files.list(f"{folder}/img")),
            truth=np.tile([5.0, 6.0, 20.0, 30.0], (len(files.list(f"{folder}/img")), 1)),
        )
        for folder in files.list("")
    ]


TOY = BenchmarkRecord(
    title="Toy",
    official_names=("Made1", "Made2", "Another"),
    read=read,
    convention="pysot",
    printed=Table(caption="Printed: a paper", columns=("tracker", "AUC"), rows=(("A", 0.5),)),
)
