"""The source of ImageNet DET: packs with and without class folders, images without XML."""

from pathlib import Path

import pytest

from datasets.files.roots import open_root
from datasets.sources.det import list_parts, read_part
from datasets.tracks import BadAnnotations, SourceError
from tests.support.builds import make_jpeg
from tests.support.read_tracks import read_tracks

BOX = "<bndbox><xmin>10</xmin><xmax>49</xmax><ymin>20</ymin><ymax>49</ymax></bndbox>"
OBJECT = f"<object><name>n02</name>{BOX}</object>"


def make_image(root: Path, folder: str, name: str, objects: str = OBJECT) -> None:
    for kind in ("Data", "Annotations"):
        (root / kind / "DET/train" / folder).mkdir(parents=True, exist_ok=True)
    (root / "Data/DET/train" / folder / f"{name}.JPEG").write_bytes(make_jpeg())
    text = f"<annotation><size><width>160</width><height>120</height></size>{objects}</annotation>"
    (root / "Annotations/DET/train" / folder / f"{name}.xml").write_text(text)


def test_objects_of_both_kinds_of_packs_are_stills(tmp_path: Path) -> None:
    make_image(tmp_path, "ILSVRC2013_train/n02", "n02_1", OBJECT * 2)
    make_image(tmp_path, "ILSVRC2014_train_0000", "ILSVRC2014_train_00000001")
    (tmp_path / "Data/DET/train/ILSVRC2013_train/n02/n02_2.JPEG").write_bytes(make_jpeg())
    tracks = read_tracks("det", tmp_path)
    names = ["n02_1-01", "n02_1-02", "ILSVRC2014_train_00000001-01"]
    assert [track.name for track in tracks] == names
    assert [track.group for track in tracks] == [name[:-3] for name in names]
    assert tracks[0].boxes_xywh.tolist() == [[10, 20, 40, 30]]
    assert tracks[0].frame_size == (160, 120)
    assert tracks[0].frames == ("Data/DET/train/ILSVRC2013_train/n02/n02_1.JPEG",)


def test_one_folder_above_is_accepted(tmp_path: Path) -> None:
    make_image(tmp_path / "ILSVRC", "ILSVRC2013_train/n02", "n02_1")
    assert len(read_tracks("det", tmp_path)) == 1


def test_a_wrong_object_stops_or_is_left_out_and_counted(tmp_path: Path) -> None:
    make_image(tmp_path, "ILSVRC2013_train/n02", "n02_1", OBJECT.replace("10", "x") + OBJECT)
    with pytest.raises(SourceError, match=r"n02_1\.xml: .*\(object 1: bndbox/xmin is 'x'"):
        read_tracks("det", tmp_path)
    files = open_root(str(tmp_path))
    bad = BadAnnotations(limit=1)
    (part,) = list_parts(files)
    assert [track.name for track in read_part(files, part, bad)] == ["n02_1-02"]
    assert len(bad.messages) == 1


def test_a_cut_file_is_named(tmp_path: Path) -> None:
    make_image(tmp_path, "ILSVRC2013_train/n02", "n02_1", "<object>")
    with pytest.raises(SourceError, match=r"n02_1\.xml: not readable as ImageNet's XML"):
        read_tracks("det", tmp_path)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(SourceError, match="no annotated images"):
        read_tracks("det", tmp_path)
