"""Files that somebody has damaged or forged: what benchmarks of faults have found, one by one."""

import json
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from commands.json_files import parse_json
from datasets.files import open_root
from datasets.sources import folders
from datasets.tracks import SourceError
from evaluation.contamination import _footage
from evaluation.results.otb_json import parse_otb_json
from manifests.schema import ManifestError
from manifests.table import read_manifest
from model.weights import WeightsError, read_description
from sampling.augment import AugmentSettings
from sampling.loader import PairLoader
from sampling.plan import PairSettings
from tests.support.crops import MadeTrack, write_crops
from tests.support.footage import write_boxes, write_frames
from tracking.settings import choose_settings
from trainer.output.checkpoint import find_newest
from trainer.report import main as report

DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("read", "error"),
    [
        (lambda path: parse_json(path.read_bytes()), ValueError),
        (lambda path: parse_otb_json(path.read_bytes(), where=str(path)), SourceError),
        (lambda path: choose_settings("car", file=str(path)), SourceError),
        (lambda path: read_description(path.with_suffix(".safetensors")), WeightsError),
    ],
)
def test_json_that_is_nested_without_end_is_refused(
    read: Callable[[Path], object], error: type[Exception], tmp_path: Path
) -> None:
    (tmp_path / "x.json").write_text(DEEP)
    with pytest.raises(error, match=r"nested|not JSON|not a file of settings"):
        read(tmp_path / "x.json")


def test_a_manifest_with_blank_bytes_anywhere_is_read_or_is_one_line(tmp_path: Path) -> None:
    tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(2)) for i in range(2)]
    url = write_crops(tmp_path, tracks)
    whole = Path(url).read_bytes()
    refused = 0
    for start in range(0, len(whole), len(whole) // 40):
        Path(url).write_bytes(whole[:start] + bytes(40) + whole[start + 40 :])
        with suppress(ManifestError):
            read_manifest(url)
            continue
        refused += 1
    assert refused > 10


def test_a_tar_that_states_a_name_of_eight_exabytes_is_one_line(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type = tarfile.GNUTYPE_LONGNAME
    info.size = (1 << 63) - 1025
    header = info.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "x.tar").write_bytes(header + bytes(10240))
    with pytest.raises(SourceError, match=r"x\.tar: not readable as an archive"):
        open_root(str(tmp_path / "x.tar")).list("")


def test_weights_that_claim_to_start_from_themselves_are_read_once(tmp_path: Path) -> None:
    url = str(tmp_path / "w.safetensors")
    provenance = {"footage": ["vid"], "init_weights": {"url": url}}
    description = {"format": "dcffnet-weights", "version": 1, "provenance": provenance}
    (tmp_path / "w.json").write_text(json.dumps(description))
    assert _footage(url) == {"vid"}


@pytest.mark.parametrize("number", ["9" * 400, "-" + "9" * 400, "1e-320", "NaN", "true"])
def test_numbers_beyond_floats_in_results_are_refused_or_no_speed(number: str) -> None:
    _, seconds = parse_otb_json(
        b'[{"res": [[1, 2, 3, 4]], "fps": %s}]' % number.encode(), where="x"
    )
    assert seconds is None or (np.isfinite(seconds) & (seconds > 0)).all()
    if number.strip("-9") == "":
        with pytest.raises(SourceError, match="'res' of shape"):
            parse_otb_json(b'[{"res": [[1, 2, 3, %s]]}]' % number.encode(), where="x")


def test_a_manifest_with_a_size_that_is_no_number_cannot_be_planned(tmp_path: Path) -> None:
    url = write_crops(tmp_path, [MadeTrack(name="t", video="v", frames=range(4))])
    manifest = read_manifest(url)
    for wrong in (None, float("nan"), float("inf")):
        rows = manifest.rows.with_columns(
            pl.lit(wrong, manifest.rows["box_w"].dtype).alias("box_w")
        )
        with pytest.raises(ManifestError, match="rows whose box_w, box_h or scale"):
            PairLoader(
                [replace(manifest, rows=rows)],
                pairs=PairSettings(pairs_per_epoch=4),
                augment=AugmentSettings(),
                batch_size=4,
                seed=0,
            )


@pytest.mark.parametrize(
    ("kind", "file", "before", "after", "message"),
    [
        ("coco", "instances.json", b'"id": 7', b'"id": [7]', "category_id 7 is not in the file"),
        ("mot", "gt/gt.txt", b",1\n", b",1,nan,1\n", "class nan, expected a whole number"),
    ],
)
def test_ids_and_classes_that_are_none_are_refused(
    kind: str, file: str, before: bytes, after: bytes, message: str, tmp_path: Path
) -> None:
    video = write_frames(tmp_path / "raw/clip")
    write_boxes(video, kind)
    path = video / file
    content = path.read_bytes() + b"\n"
    assert before in content
    path.write_bytes(content.replace(before, after))
    files, options = open_root(str(tmp_path / "raw")), folders.FolderOptions()
    (part,) = folders.list_parts(files, options)
    with pytest.raises(SourceError, match=message):
        list(folders.read_part(files, part, options))


def test_sizes_of_crops_that_are_text_are_refused(tmp_path: Path) -> None:
    url = write_crops(tmp_path, [MadeTrack(name="t", video="v", frames=[0])])
    table = pq.read_table(url)
    key = b"dcffnet"
    forged = table.schema.metadata[key].replace(b'margin": 0', b'margin": "x"')
    assert forged != table.schema.metadata[key]
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, key: forged}), url)
    with pytest.raises(ManifestError, match="sizes of crops are"):
        read_manifest(url)


@pytest.mark.parametrize("content", ["[]", '{"state.pt": true}', '{"state.pt": {}}', DEEP])
def test_a_checkpoint_with_a_forged_table_is_damaged(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "step-1").mkdir()
    (tmp_path / "step-1/state.pt").write_bytes(b"x")
    (tmp_path / "step-1/contents.json").write_text(content)
    with pytest.raises(ValueError, match="each of the 1 checkpoints is damaged"):
        find_newest(tmp_path)
    assert "damaged checkpoint" in caplog.text


@pytest.mark.parametrize("options", ["[]", "{}", '{"options": 1}', DEEP, "\xff"])
def test_a_report_on_a_forged_run_is_one_line(
    options: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"kind": "step", "step": 1, "loss": 1.0}\n')
    (tmp_path / "run.json").write_text(options, encoding="latin-1")
    assert report(["--run", str(tmp_path), "--out", str(tmp_path / "x.html")]) == 1
    assert f"{tmp_path}: run.json or metrics.jsonl is not what a run wrote" in caplog.text
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize(
    "forge",
    [
        "UPDATE trials SET state = 'COMXLETE'",
        "UPDATE study_user_attributes SET value_json = '[['",
        "UPDATE trial_values SET value = 'COMPLETE'",
        "UPDATE trial_values SET value = 'NaN'",
        "UPDATE study_user_attributes SET value_json = '7'",
    ],
)
def test_a_forged_study_is_one_line(forge: str, tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    from evaluation.study import claim_study, open_study

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = tmp_path / "study.db"
    study = open_study(optuna, path)
    claim_study(study, {"seed": 0}, {}, where=str(path))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with sqlite3.connect(path) as database:
        database.execute(forge)
    with pytest.raises(SourceError, match=r"study\.db"):
        claim_study(open_study(optuna, path), {"seed": 0}, {}, where=str(path))
