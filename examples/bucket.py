"""A thousand videos in a bucket: built on a Dask cluster, streamed to training, and tracked.

    python -m examples.bucket
    python -m examples.bucket --videos 6 --pairs 40

A made-up bucket on a real S3 server (moto, a process of its own) holds videos as own footage and a
few sequences in OTB's layout. Shards go to the bucket, training reads whole shards from it in
sequence, and the evaluation reads frames from it. The table has the bytes that each step leaves
on the local disk, and the most during it. Every command is printed first.
"""

import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from bench.pairs.bucket import can_serve, served
from commands.pages.page import Table
from commands.run import run_command
from commands.stores import file_system
from datasets.images import encode_jpeg
from datasets.sample.scene import render
from datasets.sample.sprites import TEST_PHOTOS, TRAIN_PHOTOS, Image, load_photos
from datasets.sample.story import make_scene
from datasets.tracks import SourceError
from evaluation.presentation.tables import table_text
from examples.demo import DemoError, run
from model.weights import PRETRAINED

_SIZE = (160, 120)
_NUM_SEQUENCES, _SEQUENCE_FRAMES = 4, 40
_AT_ONCE = 20
"""Videos per upload."""


@dataclass(frozen=True, kw_only=True)
class BucketConfig:
    """Build, train and evaluate out of a bucket, and print the use of the local disk."""

    out: Path = Path("data/bucket")
    """Folder of the run, results and report; new, or empty."""
    videos: int = 1000
    """Videos in the bucket."""
    frames: int = 4
    """Frames of each video."""
    pairs: int = 400
    """Pairs to train."""
    workers: int = 2
    """Processes of the Dask cluster."""
    seed: int = 0
    """Decides the videos and the pairs."""


class Disk:
    """The bytes below a folder, watched by a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done = threading.Event()
        self._most = 0
        self.rows: list[tuple[str, float, float, float]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Note seconds, bytes left and most bytes of a step."""
        self._done.clear()
        self._most, start = 0, time.monotonic()
        watch = threading.Thread(target=self._watch)
        watch.start()
        try:
            yield
        finally:
            self._done.set()
            watch.join()
        seconds, left = time.monotonic() - start, folder_bytes(self._folder)
        self.rows.append((name, seconds, left / 1e6, max(left, self._most) / 1e6))
        print(f"\n{name}: {seconds:.0f} s", flush=True)

    def _watch(self) -> None:
        while not self._done.wait(0.2):
            self._most = max(self._most, folder_bytes(self._folder))


def folder_bytes(folder: Path) -> int:
    """Return the size of all files below a folder."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).stat().st_size
            except FileNotFoundError:  # removed meanwhile
                continue
    return total


def go(config: BucketConfig) -> None:
    """Fill the bucket, build, train, evaluate, and print the table."""
    if not can_serve() or find_spec("distributed") is None:
        raise DemoError(
            "examples.bucket: needs moto, s3fs and Dask. pip install '.[dev,s3,cluster]'"
        )
    if config.out.exists() and any(config.out.iterdir()):
        raise DemoError(f"{config.out}: not empty. Pass another --out, or remove it")
    temporary = (config.out / "tmp").absolute()
    temporary.mkdir(parents=True)
    disk = Disk(config.out)
    with served() as bucket:
        # The server has started with the machine's own folder for temporary files, which is
        # the store. All later processes are watched.
        os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
        with disk.step("fill the bucket"):
            fill(config, bucket)
        with disk.step("build"), cluster(config.workers) as address:
            run(
                *("datasets.build", "--src", "folders", "--root", f"{bucket}/raw"),
                *(
                    "--out",
                    f"{bucket}/shards",
                    "--cluster",
                    address,
                    "--margin",
                    64,
                    "--shard-mb",
                    4,
                ),
            )
        with disk.step("train"):
            run(
                *("trainer.run", "--recipe", "finetune", "--recipe", "small"),
                *("--init-weights", PRETRAINED, "--manifests", f"{bucket}/shards/manifest.parquet"),
                *("--data.access", "stream", "--data.pairs-per-epoch", config.pairs),
                *("--data.val-pairs", max(config.pairs // 10, 8), "--schedule.epochs", 1),
                *("--seed", config.seed, "--out", config.out / "run"),
                *("--threads", 1, "--workers", 1, "--device", "cpu"),
            )
        with disk.step("evaluate"):
            run(
                *("evaluation.run", "--root", f"{bucket}/OTB100"),
                *("--weights", config.out / "run" / "best.safetensors"),
                *("--results", config.out / "results", "--out", config.out / "report"),
            )
        stored = {part: bucket_bytes(f"{bucket}/{part}") for part in ("raw", "shards", "OTB100")}
    print(f"\n{table_text(make_table(disk, config.videos))}")
    for part, (files, size) in stored.items():
        print(f"in the bucket: {part:<7} {files:>6} files, {size / 1e6:.1f} MB")


def fill(config: BucketConfig, bucket: str) -> None:
    """Render the videos and the sequences, and upload them without a copy on the disk."""
    photos = load_photos(TRAIN_PHOTOS)
    for start in range(0, config.videos, _AT_ONCE):
        files: dict[str, bytes] = {}
        for index in range(start, min(start + _AT_ONCE, config.videos)):
            rng = np.random.default_rng([config.seed, 0, index])
            images, truth = make_video(photos, rng, num_frames=config.frames)
            folder = f"raw/video{index:05d}"
            files |= {f"{folder}/{n:06d}.jpg": image for n, image in enumerate(images, start=1)}
            files[f"{folder}/groundtruth.txt"] = truth
        upload(bucket, files)
    photos = load_photos(TEST_PHOTOS)
    for index in range(_NUM_SEQUENCES):
        rng = np.random.default_rng([config.seed, 1, index])
        images, truth = make_video(photos, rng, num_frames=_SEQUENCE_FRAMES)
        folder = f"OTB100/Made{index + 1}"
        files = {f"{folder}/img/{n:04d}.jpg": image for n, image in enumerate(images, start=1)}
        upload(bucket, {**files, f"{folder}/groundtruth_rect.txt": truth})


def make_video(
    photos: Sequence[Image], rng: np.random.Generator, *, num_frames: int
) -> tuple[list[bytes], bytes]:
    """Return the frames of a made-up video as JPEG, and a line ``x,y,w,h`` from 1 for each."""
    frames = list(render(make_scene(photos, rng, num_frames=num_frames, size=_SIZE)))
    rows = [frame.boxes_xywh[0] + np.array([1, 1, 0, 0]) for frame in frames]
    text = "".join(",".join(f"{value:.2f}" for value in row) + "\n" for row in rows)
    return [encode_jpeg(frame.image, quality=90) for frame in frames], text.encode()


def upload(bucket: str, files: dict[str, bytes]) -> None:
    """Write files into a bucket, many at a time."""
    store, path = file_system(bucket)
    store.pipe({f"{path}/{name}": data for name, data in files.items()})


def bucket_bytes(url: str) -> tuple[int, int]:
    """Return number and bytes of the files below a URL."""
    store, path = file_system(url)
    store.invalidate_cache()
    sizes = [entry["size"] for entry in store.find(path, detail=True).values()]
    return len(sizes), sum(sizes)


@contextmanager
def cluster(workers: int) -> Iterator[str]:
    """Yield the address of a Dask cluster of local processes."""
    from distributed import LocalCluster  # the extra `cluster`

    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=workers,
        processes=True,
        threads_per_worker=1,
        dashboard_address=None,
        silence_logs=logging.ERROR,
    ) as started:
        yield started.scheduler_address


def make_table(disk: Disk, videos: int) -> Table:
    """Return the time of the steps and their use of the local disk."""
    return Table(
        caption=f"{videos} videos out of a bucket: seconds, and MB on the local disk",
        columns=("step", "seconds", "left, MB", "most, MB"),
        rows=tuple(disk.rows),
        digits=(0, 1, 1),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a step that failed, 2 a wrong option."""
    prog = "python -m examples.bucket"
    return run_command(BucketConfig, go, argv, prog=prog, errors=(DemoError, SourceError))


if __name__ == "__main__":
    sys.exit(main())
