"""How long a finished batch takes from a worker to the training loop."""

import statistics
import tempfile
import time
from pathlib import Path

from bench.crops import MadeTrack, write_crops
from manifests.table import read_manifest
from sampling.augment import AugmentSettings
from sampling.loader import PairLoader
from sampling.plan import PairSettings


def hand_over_us(*, batch_size: int = 64, rounds: int = 100) -> float:
    """Return microseconds per pair from a worker's "done" to tensors, over a warm ring."""
    with tempfile.TemporaryDirectory() as folder:
        tracks = [MadeTrack(name="t", video="v", frames=range(4))]
        loader = PairLoader(
            [read_manifest(write_crops(Path(folder), tracks))],
            pairs=PairSettings(pairs_per_epoch=batch_size * 4),
            augment=AugmentSettings(enabled=False),
            batch_size=batch_size,
            seed=0,
            num_workers=1,
        )
        with loader:
            next(iter(loader))
            pool, records = loader._pool, loader.dataset.records[:batch_size]
            assert pool is not None
            pool.drain()
            times = []
            for _ in range(rounds):
                assert pool.num_free  # on a GPU this is where copied slots are taken back
                slot = pool.submit(records, epoch=0)
                while not pool._connections[0].poll(1):
                    pass
                start = time.perf_counter()
                failures = pool.wait_for(slot)
                batch = loader._finished(pool.slots.hold(slot), records, failures)
                times.append((time.perf_counter() - start) / batch_size * 1e6)
                del batch
    return statistics.median(times)
