"""All shards of a build: here, in local processes or on a cluster, with a progress bar."""

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from tqdm import tqdm

from datasets.executors import HereExecutor, open_cluster, open_workers, run_tasks
from datasets.shards.shard import build_shard, too_many_bad_images
from datasets.shards.tasks import ShardResult, ShardTask


def cut_all(
    tasks: Sequence[ShardTask],
    done: Mapping[str, ShardResult],
    *,
    workers: int,
    cluster: str | None,
) -> list[ShardResult]:
    """Build the missing shards, and return the results of all, in their order.

    Args:
        tasks: The shards of the build.
        done: Results of the finished shards, by name.
        workers: Number of local processes.
        cluster: Address of a Dask scheduler; None for none.

    Raises:
        SourceError: Too many images cannot be read, or a worker or the cluster failed.
    """
    results = dict(done)
    missing = [task for task in tasks if task.name not in done]
    before = sum(task.num_targets for task in tasks if task.name in done)
    with ExitStack() as stack:
        bar = tqdm(
            total=sum(task.num_targets for task in tasks),
            initial=before,
            unit="frame",
            desc=f"build {tasks[0].settings.source}",
            smoothing=0.1,
            disable=None,
            miniters=1,  # or it may stand still for ten seconds after a small step
        )
        stack.enter_context(bar)
        function: Callable[[ShardTask], ShardResult] = build_shard
        count: Callable[[], tuple[int, int]] | None = None
        if cluster:
            executor, at_once = stack.enter_context(open_cluster(cluster)), len(tasks)
        elif workers > 1 and len(missing) > 1:
            executor, count = stack.enter_context(open_workers(workers))
            at_once = workers + 1
        else:
            executor, at_once = HereExecutor(), 1
            function = functools.partial(build_shard, progress=bar.update)

        def show() -> None:
            if count is not None:
                bar.update(before + count()[0] - bar.n)

        for task, result in run_tasks(executor, function, missing, at_once=at_once, beat=show):
            results[task.name] = result
            if cluster:
                bar.update(task.num_targets)
            _check_bad_images(results, limit=task.settings.max_bad_frames)
    return [results[task.name] for task in tasks]


def _check_bad_images(results: Mapping[str, ShardResult], *, limit: int) -> None:
    bad_images = [message for result in results.values() for message in result.bad_images]
    if len(bad_images) > limit:
        raise too_many_bad_images(bad_images)
