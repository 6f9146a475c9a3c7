"""The same crops through other libraries' loaders, as fast as their documentation makes them.

Each sample is the template and the search JPEG of one crop pair, decoded with the same library as
ours; two worker processes, batches put together by PyTorch's DataLoader. That is less than a pair
asks for (template and search of two frames, checksums, labels), and in the order each one likes.
"""

import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from simplejpeg import decode_jpeg
from torch.utils.data import DataLoader

Crops = dict[str, NDArray[np.uint8]]
Loader = Callable[[], Iterable[Any]]
"""Starts an epoch; every item is a batch."""


def other_loaders(
    folder: Path, scratch: Path, *, batch_size: int, workers: int
) -> dict[str, Loader]:
    """Return the loaders of those libraries that are installed, over the shards of a folder."""
    makers = {
        "webdataset": _webdataset,
        "wids": _wids,
        "streaming": _streaming,
        "litdata": _litdata,
    }
    shards = sorted(folder.glob("*.tar"))
    return {
        name: make(shards, scratch / name, batch_size, workers)
        for name, make in makers.items()
        if find_spec(name) is not None
    }


def _webdataset(shards: list[Path], scratch: Path, batch_size: int, workers: int) -> Loader:
    import webdataset

    dataset = webdataset.WebDataset([str(shard) for shard in shards], shardshuffle=100)
    samples = dataset.shuffle(1000).map(_of_files).batched(batch_size, collation_fn=_stack)
    return partial(iter, webdataset.WebLoader(samples, batch_size=None, **_processes(workers)))


def _wids(shards: list[Path], scratch: Path, batch_size: int, workers: int) -> Loader:
    import wids

    listed = []
    for shard in shards:
        with tarfile.open(shard) as tar:
            samples = sum(name.endswith(".z.jpg") for name in tar.getnames())
        listed.append({"url": str(shard), "nsamples": samples})
    scratch.mkdir()
    index = scratch / "index.json"
    index.write_text(json.dumps({"wids_version": 1, "shardlist": listed}))
    dataset = wids.ShardListDataset(str(index), transformations=_of_streams)
    loader = DataLoader(dataset, batch_size, shuffle=True, collate_fn=_stack, **_processes(workers))
    return partial(iter, loader)


def _streaming(shards: list[Path], scratch: Path, batch_size: int, workers: int) -> Loader:
    from streaming import MDSWriter, StreamingDataset

    with MDSWriter(out=str(scratch), columns={"z": "bytes", "x": "bytes"}) as writer:
        for sample in _samples(shards):
            writer.write(sample)
    dataset = StreamingDataset(local=str(scratch), shuffle=True, batch_size=batch_size)
    loader = DataLoader(dataset, batch_size, collate_fn=_decoded_stack, **_processes(workers))
    return partial(iter, loader)


def _litdata(shards: list[Path], scratch: Path, batch_size: int, workers: int) -> Loader:
    from litdata import StreamingDataLoader, StreamingDataset, optimize

    samples = list(_samples(shards))
    optimize(
        fn=samples.__getitem__,
        inputs=list(range(len(samples))),
        output_dir=str(scratch),
        chunk_bytes="64MB",
        num_workers=1,
        verbose=False,
    )
    dataset = StreamingDataset(str(scratch), shuffle=True)
    loader = StreamingDataLoader(
        dataset, batch_size=batch_size, collate_fn=_decoded_stack, **_processes(workers)
    )
    return partial(iter, loader)


def _processes(workers: int) -> dict[str, Any]:
    """Return PyTorch's options for its processes: spawned once, since forks may hang."""
    return {
        "num_workers": workers,
        "multiprocessing_context": "spawn",
        "persistent_workers": True,
    }


def _samples(shards: list[Path]) -> Iterator[dict[str, bytes]]:
    """Yield the two JPEGs of each crop pair."""
    for shard in shards:
        sample: dict[str, bytes] = {}
        with tarfile.open(shard) as tar:
            for member in tar:
                file = tar.extractfile(member)
                if file is None or not member.name.endswith(".jpg"):
                    continue
                sample[member.name[-5]] = file.read()
                if len(sample) == 2:
                    yield sample
                    sample = {}


def _decoded(sample: Mapping[str, bytes]) -> Crops:
    return {name: decode_jpeg(sample[name], "RGB") for name in "zx"}


def _of_files(sample: Mapping[str, bytes]) -> Crops:
    return _decoded({name: sample[f"{name}.jpg"] for name in "zx"})


def _of_streams(sample: Mapping[str, Any]) -> Crops:
    return _decoded({name: sample[f".{name}.jpg"].read() for name in "zx"})


def _decoded_stack(samples: list[Mapping[str, bytes]]) -> dict[str, torch.Tensor]:
    return _stack([_decoded(sample) for sample in samples])


def _stack(samples: list[Crops]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.stack([s[name] for s in samples])) for name in "zx"}
