"""Stream access: pairs of whole shards as they pass, for ranks and workers."""

import itertools
from pathlib import Path

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
from sampling.plan import PairSettings
from sampling.stream import PairStream
from tests.support.crops import MadeTrack, write_crops

PAIRS = PairSettings(pairs_per_epoch=96, negative_ratio=0.25, max_gap=4)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(0, 12, 2)) for i in range(32)]
    tracks += [MadeTrack(name="held", video="held", frames=range(3), split="val")]
    folder = tmp_path_factory.mktemp("stream")
    return read_manifest(write_crops(folder, tracks, tracks_per_shard=2))


def stream(
    manifest: Manifest, *, epoch: int = 0, rank: int = 0, world_size: int = 1, max_bad: int = 0
) -> PairStream:
    return PairStream(
        [manifest],
        pairs=PAIRS,
        augment=AugmentSettings(enabled=False),
        batch_size=8,
        seed=5,
        epoch=epoch,
        rank=rank,
        world_size=world_size,
        max_bad_samples=max_bad,
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


def test_readers_share_the_shards_and_give_equally_many_batches(manifest: Manifest) -> None:
    used, counts, pairs = [], [], []
    for rank in range(2):
        batches = list(stream(manifest, rank=rank, world_size=2))
        counts.append(len(batches))
        used.append({part.split(": ")[0] for n in names(batches) for part in n.split(" -> ")})
        pairs += [pair for batch in batches for pair in batch.pair_index.tolist()]
    assert counts == [12, 12]
    assert not used[0] & used[1]
    assert sorted(pairs) == list(range(96))


def test_workers_of_pytorchs_dataloader_read_shards_of_their_own(manifest: Manifest) -> None:
    loader = DataLoader(
        stream(manifest), batch_size=None, num_workers=2, multiprocessing_context="spawn"
    )
    batches = list(loader)
    assert sorted(pair for b in batches for pair in b.pair_index.tolist()) == list(range(96))


def test_workers_that_stay_follow_to_the_next_epoch(manifest: Manifest) -> None:
    pairs = stream(manifest)
    loader = DataLoader(
        pairs,
        batch_size=None,
        num_workers=1,
        multiprocessing_context="spawn",
        persistent_workers=True,
    )
    for epoch in (0, 3):
        pairs.set_epoch(epoch)
        assert names(list(loader)) == names(list(stream(manifest, epoch=epoch)))


def test_forked_workers_are_refused_before_they_hang(manifest: Manifest) -> None:
    dataset = PairDataset([manifest], pairs=PairSettings(), augment=AugmentSettings())
    for pairs in (stream(manifest), dataset):
        forked = DataLoader(pairs, batch_size=None, num_workers=1, multiprocessing_context="fork")
        with pytest.raises(RuntimeError, match="Pass multiprocessing_context='spawn'"):
            next(iter(forked))


def test_more_readers_than_windows_are_rejected(manifest: Manifest) -> None:
    with pytest.raises(ValueError, match="too few for 8 readers"):
        next(iter(stream(manifest, rank=7, world_size=8)))


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
    with pytest.raises(ManifestError, match=r"search of .*t0/00000001: crc32 .*max_bad_samples"):
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
