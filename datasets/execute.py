"""Running shard tasks, here or in other processes, through one interface."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from datasets.shards import ShardResult, ShardTask, build_shard


def run_tasks(
    tasks: Sequence[ShardTask], *, workers: int, progress: Callable[[int], object]
) -> Iterator[ShardResult]:
    """Build all shards and yield their results in the order of the tasks.

    Args:
        tasks: One a shard.
        workers: 1 builds here; more build in as many processes.
        progress: Called with the number of targets done since the last call.
    """
    if workers <= 1 or len(tasks) == 1:
        for task in tasks:
            yield build_shard(task, progress=progress)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for task, result in zip(tasks, pool.map(build_shard, tasks), strict=True):
            progress(sum(part.indices.size for parts in task.parts for part in parts))
            yield result
