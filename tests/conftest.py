"""Fixtures that several test files share."""

import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from datasets.build import main as build_shards
from datasets.sample.__main__ import main as write_sample
from tests.support.builds import build
from tests.support.crops import MadeTrack, write_crops
from tests.support.servers import process

# Tests run with nohup or in the background would pass on to every process that they start, and
# kill, that it ignores these signals.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape what is not UTF-8 in captured output, which a worker cannot send."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder with real data of others, which is never part of the checkout."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared beside the checkout: real data of others is not committed")
    return SHARED


@pytest.fixture(scope="session")
def sample_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny raw world: a folder per source, OTB100 and vot2018. Only read from it."""
    world = tmp_path_factory.mktemp("sample") / "world"
    assert write_sample(["--out", str(world), "--scale", "tiny"]) == 0
    return world


@pytest.fixture(scope="session")
def sample_shards(sample_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with ``<source>/manifest.parquet`` of the tiny world. Only read from it."""
    shards = tmp_path_factory.mktemp("shards")
    for source in ("vid", "coco", "uav123", "lasot"):
        options = ["--root", str(sample_world / source), "--out", str(shards / source)]
        assert build_shards(["--src", source, *options, "--margin", "16"]) == 0
    return shards


@pytest.fixture(scope="session")
def built(sample_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a build of the tiny world's uav123 in several shards. Only read it."""
    out = tmp_path_factory.mktemp("built") / "uav123"
    assert build(sample_world / "uav123", out) == 0
    return out


@pytest.fixture(scope="session")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with eight shards of made-up crops and their manifest. Only read it."""
    tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(8)) for i in range(16)]
    folder = tmp_path_factory.mktemp("remote")
    write_crops(folder, tracks, tracks_per_shard=2)
    return folder


@pytest.fixture(scope="session")
def web(crops: Path) -> Iterator[str]:
    """Return that folder's URL at Python's plain web server, which ignores byte ranges."""
    with process("-m", "http.server", "0", "-b", "127.0.0.1", "-d", str(crops)) as line:
        yield line.split("(")[1].split("/)")[0]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder of three small files in two folders."""
    folder = tmp_path / "tree"
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/b/2.jpg").write_bytes(b"two" * 500)
    (folder / "a/b/10.jpg").write_bytes(b"ten")
    (folder / "a/empty.txt").write_bytes(b"")
    return folder
