"""Raw roots: folders, archives as datasets are distributed; the same files from each."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from datasets.build import main as build
from datasets.files import open_root
from datasets.files.archive_members import index_archive
from datasets.sources import SOURCES
from datasets.tracks import SourceError
from tests.support.packs import pack_tar, pack_zip


@pytest.fixture(params=["folder", "zip", "stored zip", "tar", "folder of archives"])
def root(request: pytest.FixtureRequest, tree: Path, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tree)
    if request.param == "tar":
        return str(pack_tar(tree, tmp_path / "x.tar"))
    if request.param == "folder of archives":
        (tmp_path / "archives").mkdir()
        pack_zip(tree / "a/b", tmp_path / "archives/b.zip", prefix="a/b/")
        (tree / "a/b/2.jpg").unlink()
        (tree / "a/b/10.jpg").unlink()
        pack_tar(tree, tmp_path / "archives/x.tar")
        return str(tmp_path / "archives")
    method = zipfile.ZIP_STORED if "stored" in request.param else zipfile.ZIP_DEFLATED
    return str(pack_zip(tree, tmp_path / "x.zip", method))


def test_every_kind_of_root_holds_the_same_files(root: str) -> None:
    files = open_root(root)
    assert files.list("a") == ["b", "empty.txt"]
    assert files.list("a/b") == ["10.jpg", "2.jpg"]
    assert files.list("nowhere") == []
    assert files.read("a/b/2.jpg") == b"two" * 500
    assert files.read("a/empty.txt") == b""
    assert files.exists("a/b")
    assert files.exists("a/b/10.jpg")
    assert not files.exists("a/b/3.jpg")


def test_a_missing_file_is_named_with_its_archive(root: str) -> None:
    files = open_root(root)
    with pytest.raises(SourceError, match=r"a/b/3\.jpg: no such file") as caught:
        files.read("a/b/3.jpg")
    if root.endswith((".zip", ".tar")):
        assert str(caught.value).startswith(f"{root}: a/b/3.jpg")


def test_what_lies_unpacked_comes_first(tree: Path) -> None:
    pack_zip(tree, tree / "x.zip")
    (tree / "a/b/2.jpg").write_bytes(b"new")
    assert open_root(str(tree)).read("a/b/2.jpg") == b"new"


def test_root_that_is_missing_empty_or_a_plain_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no such folder\. Pass --root"):
        open_root(str(tmp_path / "nowhere"))
    with pytest.raises(SourceError, match=r"the folder is empty\. Pass --against"):
        open_root(str(tmp_path), option="--against")
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(SourceError, match="expected a folder or an archive"):
        open_root(str(tmp_path / "x.txt"))


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz"])
def test_a_compressed_tar_says_what_to_do(tree: Path, tmp_path: Path, suffix: str) -> None:
    (tmp_path / "archives").mkdir()
    path = pack_tar(tree, tmp_path / f"archives/x.tar.{suffix}", f"w:{suffix}")
    for root in (path, path.parent):
        with pytest.raises(SourceError, match="Uncompress it once"):
            open_root(str(root))


def test_a_compressed_tar_beside_other_files_is_named(
    tree: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pack_tar(tree, tree / "x.tar.gz", "w:gz")
    assert build(["--src", "vid", "--root", str(tree), "--out", str(tmp_path / "out")]) == 1
    assert "x.tar.gz is not read: a compressed tar cannot be read at random" in caplog.text


def test_a_process_reads_an_archives_index_once_and_again_when_it_changes(
    tree: Path, tmp_path: Path
) -> None:
    path = pack_zip(tree, tmp_path / "X.ZIP")
    assert open_root(str(path)).list("a") == ["b", "empty.txt"]
    misses = index_archive.cache_info().misses
    assert open_root(str(path)).read("a/b/10.jpg") == b"ten"
    assert index_archive.cache_info().misses == misses
    (tree / "a/new.txt").write_bytes(b"")
    pack_zip(tree, path)
    assert open_root(str(path)).list("a") == ["b", "empty.txt", "new.txt"]


def test_a_member_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.files.archives._MOST_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.jpg", bytes(5 << 20))
        archive.writestr("large.jpg", bytes(1 << 20))
    files = open_root(str(tmp_path / "x.zip"))
    assert len(files.read("large.jpg")) == 1 << 20
    with pytest.raises(SourceError, match=r"'bomb\.jpg': it unpacks to more than 1048576 bytes"):
        files.read("bomb.jpg")


@pytest.mark.parametrize("name", ["../evil.jpg", "/evil.jpg", "a/../../evil.jpg"])
def test_members_that_lead_out_of_an_archive_are_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(name, b"evil")
    with tarfile.open(tmp_path / "y.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    for archive_name in ("x.zip", "y.tar"):
        with pytest.raises(SourceError, match="leads out of the archive"):
            open_root(str(tmp_path / archive_name)).list("")


@pytest.mark.parametrize("keep", [0, 10, 700, -30])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_damaged_archives_are_named(tree: Path, tmp_path: Path, kind: str, keep: int) -> None:
    (tree / "a/b/2.jpg").write_bytes(bytes(range(256)) * 100)
    pack = pack_zip if kind == "zip" else pack_tar
    path = pack(tree, tmp_path / f"x.{kind}")
    if kind == "tar" and keep == -30:
        keep = 5000  # inside the large member
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SourceError, match=rf"x\.{kind}: not readable as an archive"):
        open_root(str(path)).list("")


def test_a_damaged_member_is_named(tree: Path, tmp_path: Path) -> None:
    path = pack_zip(tree, tmp_path / "x.zip", zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"twotwo", b"twOtwo"))
    with pytest.raises(SourceError, match=r"x\.zip: member 'a/b/2\.jpg': its checksum"):
        open_root(str(path)).read("a/b/2.jpg")


def test_symlink_loops_and_links_in_archives_do_no_harm(tree: Path, tmp_path: Path) -> None:
    (tree / "a/loop").symlink_to("loop")
    (tree / "a/up").symlink_to("..")
    files = open_root(str(tree))
    assert not files.exists("a/loop")
    with pytest.raises(SourceError, match="a/loop"):
        files.read("a/loop")
    packed = open_root(str(pack_tar(tree, tmp_path / "x.tar")))
    assert packed.list("a") == ["b", "empty.txt"]


def test_names_beyond_ascii_are_read(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/größe.jpg").write_bytes(b"x")
    for root in (tmp_path / "tree", pack_zip(tmp_path / "tree", tmp_path / "x.zip")):
        assert open_root(str(root)).read("größe.jpg") == b"x"


def test_lasot_as_one_zip_a_class_also_doubled_reads_as_unpacked(
    sample_world: Path, tmp_path: Path
) -> None:
    root = sample_world / "lasot"
    for folder in sorted(root.iterdir()):
        pack_zip(folder, tmp_path / f"{folder.name}.zip", prefix=f"{folder.name}/")
    assert {path.name for path in (root / "zebra").iterdir()} == {"zebra"}
    same_tracks("lasot", root, tmp_path)


def test_coco_and_uav123_as_distributed_read_as_unpacked(
    sample_world: Path, tmp_path: Path
) -> None:
    coco, uav123 = tmp_path / "coco", tmp_path / "uav123"
    coco.mkdir()
    uav123.mkdir()
    for name in ("annotations", "train2017", "images"):
        target = coco / f"{name}.zip"
        pack_zip(sample_world / "coco" / name, target, zipfile.ZIP_STORED, f"{name}/")
    pack_zip(sample_world / "uav123", uav123 / "UAV123.zip", prefix="UAV123/")
    same_tracks("coco", sample_world / "coco", coco)
    same_tracks("uav123", sample_world / "uav123", uav123)


def test_vid_in_a_tar_reads_as_unpacked(sample_world: Path, tmp_path: Path) -> None:
    same_tracks("vid", sample_world / "vid", pack_tar(sample_world / "vid", tmp_path / "vid.tar"))


def same_tracks(source: str, unpacked: Path, packed: Path) -> None:
    read = []
    for root in (unpacked, packed):
        files = open_root(str(root))
        parts = SOURCES[source].list_parts(files)
        tracks = [track for part in parts for track in SOURCES[source].read_part(files, part)]
        read.append(
            [
                (t.name, t.boxes_xywh.tobytes(), [files.read(name) for name in t.frames])
                for t in tracks
            ]
        )
    assert read[0] == read[1]
    assert read[0]
