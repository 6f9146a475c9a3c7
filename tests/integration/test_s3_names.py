"""Names in a bucket are literal: nothing of a neighbour is read, written or removed."""

from pathlib import Path

import pytest

from commands.stores import file_system
from datasets.build import main
from datasets.files import open_root
from datasets.files.output import Output
from tests.support.stores import read_everything

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")

pytestmark = pytest.mark.s3


@pytest.mark.parametrize("name", ["set[1]", "set?", "set*", "se{t,u}1", "a::b"])
def test_a_bucket_prefix_of_any_name_leaves_its_neighbours_alone(
    name: str, bucket: str, sample_world: Path, tmp_path: Path
) -> None:
    neighbours = ["set1/.build/keep-me", "set1/.build2", "setx/.build/keep-me"]
    root = Output(bucket)
    for neighbour in neighbours:
        root.write(neighbour, b"progress of another build")
    root.write(f"{name}/.build2", b"no part of .build")
    given = ["--src", "uav123", "--root", str(sample_world / "uav123"), "--shard-mb", "0.4"]
    assert main([*given, "--out", f"{bucket}/{name}"]) == 0
    assert all(root.read(neighbour) for neighbour in neighbours)
    assert Output(f"{bucket}/{name}").sizes(".build") == {}
    assert Output(f"{bucket}/{name}").read(".build2")
    read_everything(f"{bucket}/{name}", f"{bucket}/{name}/manifest.parquet", tmp_path / "cache")


def test_raw_files_with_question_marks_in_a_bucket_are_listed(bucket: str) -> None:
    Output(bucket).write("raw/what?.jpg", b"1")
    Output(bucket).write("raw/a#b.jpg", b"1")
    assert open_root(f"{bucket}/raw").list("") == ["a#b.jpg", "what?.jpg"]
    files, path = file_system(f"{bucket}/raw/what?.jpg")
    assert files.cat_file(path) == b"1"
