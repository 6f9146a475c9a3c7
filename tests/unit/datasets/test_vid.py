"""The VID source: packs and splits, gaps, groups of snippets, XML that is not to be trusted."""

from pathlib import Path

import pytest

from datasets.files import open_root
from datasets.filters import Filters
from datasets.shards.annotations import read_annotations
from datasets.sources.vid import list_parts, read_part
from datasets.tracks import SourceError, Track

TRAIN = "train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000"


def an_object(track_id: int, *, box: tuple[int, int, int, int] = (10, 20, 30, 50)) -> str:
    xmin, ymin, xmax, ymax = box
    return (
        f"<object><occluded>1</occluded><bndbox><ymax>{ymax}</ymax><xmin>{xmin}</xmin>"
        f"<ymin>{ymin}</ymin><xmax>{xmax}</xmax></bndbox><generated>0</generated>"
        f"<name>n02</name><trackid>{track_id}</trackid></object>"
    )


def make_video(root: Path, frames: list[str], *, video: str = TRAIN) -> Path:
    """Write one XML per item, which is the text of its objects, and an empty image beside it."""
    images, annotations = root / "Data/VID" / video, root / "Annotations/VID" / video
    for folder in (images, annotations):
        folder.mkdir(parents=True)
    for number, objects in enumerate(frames):
        (images / f"{number:06d}.JPEG").write_bytes(b"not read")
        (annotations / f"{number:06d}.xml").write_text(
            f"<annotation><size><width>64</width><height>48</height></size>{objects}</annotation>"
        )
    return annotations


def read_all(root: Path) -> list[Track]:
    files = open_root(str(root))
    return [track for part in list_parts(files) for track in read_part(files, part)]


def test_a_track_with_gaps_stays_one_track(tmp_path: Path) -> None:
    both = an_object(0) + an_object(1)
    make_video(tmp_path, [both, an_object(1), "", both, both])
    first, second = read_all(tmp_path)
    assert first.frame_numbers.tolist() == [0, 3, 4]
    assert second.frame_numbers.tolist() == [0, 1, 3, 4]
    assert first.frames[1] == f"Data/VID/{TRAIN}/000003.JPEG"


def test_coordinates_include_the_last_pixel_and_are_read_by_tag(tmp_path: Path) -> None:
    make_video(tmp_path, [an_object(0, box=(0, 20, 30, 20))])
    (track,) = read_all(tmp_path)
    assert track.boxes_xywh.tolist() == [[0, 20, 31, 1]]
    assert track.frame_size == (64, 48)
    assert track.occluded is not None
    assert track.generated is not None
    assert (track.occluded.tolist(), track.generated.tolist()) == ([True], [False])


def test_track_numbers_of_60_and_more_are_read(tmp_path: Path) -> None:
    make_video(tmp_path, [an_object(60) + an_object(127)])
    names = [track.name for track in read_all(tmp_path)]
    assert names == ["ILSVRC2015_train_00000000-60", "ILSVRC2015_train_00000000-127"]


def test_snippets_of_one_source_video_are_one_group(tmp_path: Path) -> None:
    pack = "train/ILSVRC2015_VID_train_0000"
    for video in ("00017000", "00017001", "00018000"):
        make_video(tmp_path, [an_object(0)], video=f"{pack}/ILSVRC2015_train_{video}")
    make_video(tmp_path, [an_object(0)], video="val/ILSVRC2015_val_00017000")
    groups = {track.video: track.group for track in read_all(tmp_path)}
    assert groups == {
        "ILSVRC2015_train_00017000": "train_00017",
        "ILSVRC2015_train_00017001": "train_00017",
        "ILSVRC2015_train_00018000": "train_00018",
        "ILSVRC2015_val_00017000": "val_00017",
    }


def test_newer_packs_are_found_by_pattern(tmp_path: Path) -> None:
    video = "train/ILSVRC2017_VID_train_0000_7/ILSVRC2017_train_00121000"
    make_video(tmp_path, [an_object(0)], video=video)
    assert list_parts(open_root(str(tmp_path))) == [f"Annotations/VID/{video}"]


def test_two_roots_never_answer_for_each_other(tmp_path: Path) -> None:
    make_video(tmp_path / "a", [an_object(0)])
    make_video(tmp_path / "b", [an_object(7)])
    assert read_all(tmp_path / "a")[0].name.endswith("-00")
    assert read_all(tmp_path / "b")[0].name.endswith("-07")


def test_video_without_any_object_yields_no_track(tmp_path: Path) -> None:
    make_video(tmp_path, ["", ""])
    assert read_all(tmp_path) == []


def test_image_without_annotation_is_an_error(tmp_path: Path) -> None:
    annotations = make_video(tmp_path, [an_object(0)] * 3)
    (annotations / "000001.xml").unlink()
    with pytest.raises(SourceError, match=r"2 XML files and no 000001\.xml"):
        read_all(tmp_path)


@pytest.mark.parametrize("name", ["000001 (1)", "000001-copy", "._000001", "1", "\u0660" * 6])
def test_files_of_other_names_are_not_frames(tmp_path: Path, name: str) -> None:
    annotations = make_video(tmp_path, [an_object(0)] * 3)
    (annotations / f"{name}.xml").write_text("not read")
    (tmp_path / "Data/VID" / TRAIN / f"{name}.JPEG").write_bytes(b"")
    (track,) = read_all(tmp_path)
    assert track.frame_numbers.tolist() == [0, 1, 2]


def test_a_video_in_two_packs_is_refused(tmp_path: Path) -> None:
    for pack in ("a", "b"):
        make_video(tmp_path, [an_object(0)], video=f"train/{pack}/ILSVRC2015_train_00000000")
    files = open_root(str(tmp_path))
    with pytest.raises(SourceError, match=r"b/ILSVRC2015_train_00000000: track .* in another"):
        read_annotations(files, "vid", list_parts(files), Filters())


def test_annotations_without_frames_are_counted_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_video(tmp_path, [an_object(0)])
    (tmp_path / "Annotations/VID/val/ILSVRC2015_val_00000000").mkdir(parents=True)
    assert len(list_parts(open_root(str(tmp_path)))) == 1
    assert "1 annotated videos have no frames here" in caplog.text


def test_root_without_videos_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "Data").mkdir()
    with pytest.raises(SourceError, match="holds 'Annotations' and 'Data'"):
        list_parts(open_root(str(tmp_path)))


BOMB = (
    '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'
    "<annotation><size><width>64</width><height>&c;</height></size></annotation>"
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<annotation>",
        "<html></html>",
        BOMB,
        f"<annotation>{an_object(0)}</annotation>",
        "<annotation><size><width>64</width><height>x</height></size></annotation>",
        "<annotation><size><width>64</width><height>0</height></size></annotation>",
        "<annotation><size><width>-64</width><height>48</height></size></annotation>",
        "<annotation><size><width>64</width><height>49</height></size></annotation>",
        "<annotation><size><width>64</width><height>48</height></size>"
        "<object><trackid>0</trackid></object></annotation>",
        "<annotation><size><width>64</width><height>48</height></size>"
        + an_object(0).replace(">50<", ">nan<")
        + "</annotation>",
    ],
)
def test_damaged_xml_is_named(tmp_path: Path, text: str) -> None:
    annotations = make_video(tmp_path, [an_object(0)] * 2)
    (annotations / "000001.xml").write_text(text)
    with pytest.raises(SourceError, match=r"000001\.xml: not readable as ImageNet's XML"):
        read_all(tmp_path)


def test_real_video_has_seven_tracks(shared: Path) -> None:
    root = shared / "data/vid/ILSVRC2015"
    tracks = read_all(root)
    assert len(tracks) == 7
    assert {track.group for track in tracks} == {"val_00007"}
    assert all((root / name).is_file() for track in tracks for name in track.frames)


def test_a_class_that_changes_within_a_track_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = an_object(3).replace("n02", "n07")
    make_video(tmp_path, [an_object(3) + an_object(1), other + an_object(1), other])
    first, second = read_all(tmp_path)
    assert (first.category, second.category) == ("n02", "n02")
    assert (
        "the class of 1 of its 2 tracks changes, as in track 3 (n02 in 1 frames, n07 in 2 frames)"
    ) in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<occluded>1", "<occluded>yes", "object 1: occluded is 'yes', expected 0 or 1"),
        ("<generated>0", "<generated>-1", "object 1: generated is '-1', expected 0 or 1"),
        ("<xmin>10", "<xmin>ten", "object 1: bndbox/xmin is 'ten', expected a number"),
        ("<xmin>10", "<xmin>1_0", "object 1: bndbox/xmin is '1_0', expected a number"),
        ("<trackid>0", "<trackid>0.5", "object 1: trackid is '0.5', expected a whole number"),
        ("<name>n02", "<name>", "object 1: no name"),
        ("<width>64", "<width>wide", "size/width is 'wide', expected a number"),
    ],
)
def test_a_value_of_another_kind_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = make_video(tmp_path, [an_object(0)]) / "000000.xml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(SourceError, match=rf"000000\.xml: not readable .* \({message}"):
        read_all(tmp_path)


def test_bad_objects_up_to_the_limit_are_left_out_and_counted(tmp_path: Path) -> None:
    bad = an_object(1).replace("<occluded>1", "<occluded>2")
    make_video(tmp_path, [an_object(0) + bad, an_object(0) + bad])
    files = open_root(str(tmp_path))
    parts = list_parts(files)
    with pytest.raises(SourceError, match=r"000001\.xml.*2 such annotations.*--max-bad-annotation"):
        read_annotations(files, "vid", parts, Filters(), max_bad=1)
    found = read_annotations(files, "vid", parts, Filters(), max_bad=2)
    assert found.counts == {"frames in": 4, "bad annotation": 2}
    assert [part.track.name for part in found.parts] == ["ILSVRC2015_train_00000000-00"]
