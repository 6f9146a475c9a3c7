"""CropSpec: the geometry that the paper states, and what happens where two of them meet."""

from pathlib import Path

import polars as pl
import pytest
from pyarrow.parquet import read_schema, write_table

from datasets.crops import NETWORK_CROP
from manifests.crop_spec import CropSpec
from manifests.schema import SCHEMA, SCHEMA_VERSION, ManifestError
from manifests.table import Metadata, read_manifest, write_manifest
from manifests.together import require_crop

LARGE = CropSpec(search=303)


@pytest.mark.parametrize("side", [2.0, 31.0, 700.0])
def test_a_square_target_fills_half_the_template(side: float) -> None:
    assert CropSpec().template_side(side, side) == pytest.approx(2 * side)
    assert side * CropSpec().scale(side, side) == pytest.approx(127 / 2)


def test_side_follows_from_width_height_and_context() -> None:
    width, height, padding = 40.0, 10.0, 25.0
    assert CropSpec().template_side(width, height) ** 2 == pytest.approx(
        (width + padding) * (height + padding)
    )
    tight = CropSpec(context=0)
    assert tight.template_side(width, height) ** 2 == pytest.approx(width * height)


@pytest.mark.parametrize("crop", [CropSpec(), LARGE, CropSpec(template=95, search=191)])
def test_both_crops_have_the_same_scale(crop: CropSpec) -> None:
    assert crop.search / crop.search_side(33, 77) == pytest.approx(crop.scale(33, 77))


def test_builds_make_what_networks_take_unless_told_otherwise() -> None:
    assert CropSpec() == NETWORK_CROP


@pytest.mark.parametrize(("template", "search"), [(127, 254), (127, 127), (127, 63)])
def test_two_crops_without_one_centre_are_refused(template: int, search: int) -> None:
    with pytest.raises(ValueError, match=f"search size {search}: expected more than"):
        CropSpec(template=template, search=search)


def written(path: Path, crop: CropSpec) -> str:
    write_manifest(str(path), SCHEMA.to_frame(), Metadata(source="x", crop=crop))
    return str(path)


def test_a_manifest_keeps_the_spec(tmp_path: Path) -> None:
    crop = CropSpec(template=95, search=191, context=0.25, margin=7)
    url = written(tmp_path / "m.parquet", crop)
    assert read_manifest(url).metadata.crop == crop


def test_a_manifest_that_states_no_sizes_has_the_usual_ones(tmp_path: Path) -> None:
    url = written(tmp_path / "m.parquet", LARGE)
    table = pl.read_parquet(url).to_arrow()
    stored = read_schema(url).metadata[b"dcffnet"].decode()
    for key, value in (("template_size", "127"), ("search_size", "303"), ("context", "0.5")):
        assert f'"{key}": {value}' in stored
        stored = stored.replace(f'"{key}": {value}, ', "").replace(f', "{key}": {value}', "")
    write_table(table.replace_schema_metadata({b"dcffnet": stored.encode()}), url)
    assert read_manifest(url).metadata.crop == CropSpec()


def test_other_sizes_are_one_line_with_both_sizes_and_what_to_do(tmp_path: Path) -> None:
    names = ("a", "b")
    manifests = [
        read_manifest(written(tmp_path / name, crop))
        for name, crop in zip(names, (CropSpec(margin=8), LARGE), strict=True)
    ]
    require_crop(manifests[:1], CropSpec(), of="the network")
    with pytest.raises(ManifestError) as caught:
        require_crop(manifests, CropSpec(), of="the network")
    assert str(caught.value) == (
        f"{manifests[1].url}: template crops of 127 px and search crops of 303 px (context 0.5), "
        "expected template crops of 127 px and search crops of 255 px (context 0.5) for the "
        "network. Build it again, into another --out, with --template-size 127 --search-size 255"
    )


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ('{"schema_version": 1, "shards": [{"name": 7}]}', "its metadata are damaged"),
        ("true", "its metadata are no JSON object"),
        ("[3]", "its metadata are no JSON object"),
    ],
)
def test_metadata_of_another_shape_are_one_line(
    tmp_path: Path, metadata: str, message: str
) -> None:
    url = written(tmp_path / "m.parquet", LARGE)
    table = pl.read_parquet(url).to_arrow()
    metadata = metadata.replace('"schema_version": 1', f'"schema_version": {SCHEMA_VERSION}')
    metadata = metadata.replace("7}", '7, "num_bytes": 1, "num_rows": 1, "sha256": ""}')
    write_table(table.replace_schema_metadata({b"dcffnet": metadata.encode()}), url)
    with pytest.raises(ManifestError, match=message):
        read_manifest(url)
