"""Stream access: pairs of whole shards as they pass, for ranks and workers."""

import dataclasses
import itertools
from pathlib import Path

import polars as pl
import pytest
import torch
import webdataset
from torch.utils.data import DataLoader

from datasets.shards.tar import sample_key
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifest
from sampling.augment import AugmentSettings
from sampling.batch import PairBatch
from sampling.dataset import PairDataset
from sampling.loader import PairLoader
from sampling.pair_index import Shard
from sampling.plan import PairSettings
from sampling.remote.cache import CacheSettings
from sampling.remote.single_pass import PassedShard, PassingShards
from tests.support.crops import MadeTrack, write_crops
from tests.support.loaders import assert_equal, joined

PAIRS = PairSettings(pairs_per_epoch=96, negative_ratio=0.25, max_gap=4)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(0, 12, 2)) for i in range(32)]
    tracks += [MadeTrack(name="held", video="held", frames=range(3), split="val")]
    folder = tmp_path_factory.mktemp("stream")
    return read_manifest(write_crops(folder, tracks, tracks_per_shard=2))


def stream(
    manifest: Manifest,
    *,
    epoch: int = 0,
    rank: int = 0,
    world_size: int = 1,
    num_workers: int = 0,
    first_pair: int = 0,
    max_bad: int = 0,
    folder: Path = Path("nowhere"),
) -> PairLoader:
    return PairLoader(
        [manifest],
        pairs=PAIRS,
        augment=AugmentSettings(enabled=False),
        batch_size=8,
        seed=5,
        epoch=epoch,
        first_pair=first_pair,
        rank=rank,
        world_size=world_size,
        num_workers=num_workers,
        max_bad_samples=max_bad,
        access="stream",
        cache=CacheSettings(folder=str(folder)),
    )


def names(batches: list[PairBatch]) -> list[str]:
    return [name for batch in batches for name in PairBatch.keys(batch)]


def test_streamed_pairs_obey_the_settings(manifest: Manifest) -> None:
    batches = list(stream(manifest))
    assert [len(batch.search) for batch in batches] == [8] * 12
    positive = torch.cat([batch.positive for batch in batches])
    assert 0 < (~positive).sum() < 50
    for name, is_positive in zip(names(batches), positive.tolist(), strict=True):
        template, search = (part.split(": ")[1].split("/") for part in name.split(" -> "))
        assert template[0] != "held"
        assert (template[0] == search[0]) == is_positive
        if is_positive:
            assert 0 < abs(int(template[1]) - int(search[1])) <= 4


# webdataset leaves the files that it opens to the garbage collector
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_streamed_pixels_are_those_of_the_named_crops(manifest: Manifest) -> None:
    folder = Path(manifest.url).parent
    shards = [str(folder / shard.name) for shard in manifest.metadata.shards]
    # the library's own pipeline and decoders read the same shards
    plain = webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8")
    stored = {sample["__key__"]: sample for sample in plain}
    assert len(stored) == manifest.rows.height
    batch = next(iter(stream(manifest)))
    for i, name in enumerate(batch.keys()):
        template, search = (part.split(": ")[1] for part in name.split(" -> "))
        for found, image in (
            (batch.template[i], stored[template]["z.jpg"]),
            (batch.search[i], stored[search]["x.jpg"]),
        ):
            difference = found.short() - torch.from_numpy(image.copy()).short()
            assert difference.abs().max() <= 2  # Pillow's decoder may round in another way


def test_the_order_is_mixed_and_follows_from_seed_and_epoch(manifest: Manifest) -> None:
    first = names(list(stream(manifest)))
    assert names(list(stream(manifest))) == first
    assert names(list(stream(manifest, epoch=1))) != first
    tracks = [name.split(": ")[1].split("/")[0] for name in first]
    neighbours = sum(one == other for one, other in itertools.pairwise(tracks))
    assert neighbours < 20


@pytest.mark.parametrize(("world_size", "num_workers", "first_pair"), [(1, 2, 0), (2, 0, 40)])
def test_batches_are_the_same_for_any_ranks_and_workers_and_from_any_pair_on(
    manifest: Manifest, world_size: int, num_workers: int, first_pair: int
) -> None:
    expected = list(stream(manifest))[first_pair // 8 :]
    loaders = [
        stream(
            manifest,
            rank=rank,
            world_size=world_size,
            num_workers=num_workers,
            first_pair=first_pair,
        )
        for rank in range(world_size)
    ]
    for parts, whole in zip(zip(*loaders, strict=True), expected, strict=True):
        assert_equal(joined(list(parts)), whole)
    for loader in loaders:
        loader.close()


def test_each_shard_passes_once_an_epoch_and_nothing_is_kept_on_disk(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[int] = []
    fetch = PassingShards.fetch

    def counting(shards: PassingShards, shard: Shard) -> PassedShard:
        passed.append(shard.number)
        return fetch(shards, shard)

    monkeypatch.setattr(PassingShards, "fetch", counting)
    folder = tmp_path / "cache"
    loader = stream(manifest, folder=folder)
    windows = loader.dataset.windows
    assert windows is not None
    assert windows.max() == 3
    list(loader)
    assert sorted(passed) == list(range(16))
    assert not folder.exists()


def test_a_stream_has_the_pairs_of_its_plan_in_random_access(manifest: Manifest) -> None:
    streamed = stream(manifest)
    local = PairLoader(
        [manifest], pairs=PAIRS, augment=AugmentSettings(enabled=False), batch_size=8, seed=5
    )
    local.dataset.records = streamed.dataset.records
    local.dataset.plan = streamed.dataset.plan
    for ours, theirs in zip(streamed, local, strict=True):
        assert_equal(ours, theirs)


def test_a_track_over_many_shards_enlarges_the_windows(tmp_path: Path) -> None:
    tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(4)) for i in range(6)]
    manifest = read_manifest(write_crops(tmp_path, tracks, tracks_per_shard=1))
    rows = manifest.rows.with_columns(track=pl.lit("t0"), frame=pl.int_range(24, dtype=pl.Int32))
    dataset = PairDataset(
        [dataclasses.replace(manifest, rows=rows)],
        pairs=PairSettings(),
        augment=AugmentSettings(),
        access="stream",
    )
    assert dataset.windows is not None
    assert set(dataset.windows.tolist()) == {0}


def test_forked_workers_are_refused_before_they_hang(manifest: Manifest) -> None:
    dataset = PairDataset([manifest], pairs=PairSettings(), augment=AugmentSettings())
    forked = DataLoader(dataset, batch_size=None, num_workers=1, multiprocessing_context="fork")
    with pytest.raises(RuntimeError, match="Pass multiprocessing_context='spawn'"):
        next(iter(forked))


@pytest.fixture
def own_copy(tmp_path: Path) -> Manifest:
    tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(4)) for i in range(2)]
    return read_manifest(write_crops(tmp_path, tracks))


def test_a_flipped_byte_is_named_counted_and_replaced(
    own_copy: Manifest, caplog: pytest.LogCaptureFixture
) -> None:
    offset = own_copy.rows["x_offset"][1]
    shard = Path(own_copy.url).with_name("lasot-000000.tar")
    content = bytearray(shard.read_bytes())
    content[offset + 900] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ManifestError, match=r"t0/00000001.x.jpg: crc32 .*max_bad_samples"):
        list(stream(own_copy))
    batches = list(stream(own_copy, max_bad=50))
    assert len(batches) == 12
    assert "bad sample 1 of at most 50" in caplog.messages[0]
    assert not any(name.endswith("t0/00000001") for name in names(batches))


def test_a_cut_off_shard_is_reported_plainly(own_copy: Manifest) -> None:
    shard = Path(own_copy.url).with_name("lasot-000000.tar")
    shard.write_bytes(shard.read_bytes()[: own_copy.rows["x_offset"][3] + 100])
    with pytest.raises(ManifestError, match="the shard is cut off"):
        list(stream(own_copy))


def test_a_replaced_shard_is_reported(own_copy: Manifest) -> None:
    shard = Path(own_copy.url).with_name("lasot-000000.tar")
    key = sample_key("t1", 2).encode()
    shard.write_bytes(shard.read_bytes().replace(key, sample_key("t9", 2).encode()))
    with pytest.raises(ManifestError):
        list(stream(own_copy))
