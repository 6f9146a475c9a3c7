"""find_problems: what makes numbers untrustworthy, each with what to do."""

import html
import re
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from datasets.report.__main__ import main as report
from datasets.report.problems import find_problems
from manifests.exact import select_rows
from manifests.schema import SCHEMA
from manifests.table import Manifest, Metadata, read_manifest, read_manifests
from tests.support.launch import TINY, finish, start


def manifest(*changes: Mapping[str, object]) -> Manifest:
    """Return a manifest without a problem, then rows with the given changes."""
    plain = {
        "source": "vid",
        "video": "v1",
        "group": "g1",
        "track": "t1",
        "split": "train",
        "box_w": 60.0,
        "box_h": 60.0,
        "scale": 1.0,
    }
    good = [plain, {**plain, "group": "g2", "video": "v2", "split": "val"}]
    rows = [*good, *({**plain, **change} for change in changes)]
    table = pl.DataFrame(rows, schema_overrides={k: v for k, v in SCHEMA.items() if k in plain})
    return Manifest(url="m", rows=table, metadata=Metadata(source="vid"), fingerprint="")


def test_sound_data_has_no_problem() -> None:
    assert find_problems([manifest()]) == []


def test_a_group_in_both_splits_is_found_across_manifests() -> None:
    problems = find_problems([manifest(), manifest({"group": "g2"})])
    assert len(problems) == 1
    assert problems[0].startswith("vid: 1 groups are in train and in val (g2)")


def test_a_source_without_a_split_is_found() -> None:
    problems = find_problems([manifest({"source": "coco", "group": "c"})])
    assert problems == [
        "coco: no crop is in split 'val'. Its crops are of one group, which no split may tear: "
        "build it from more videos, or check the condition that selects the rows"
    ]
    (problem,) = find_problems([manifest(*({"source": "coco", "group": g} for g in "ab"))])
    assert "Build it with another `--val-fraction`, or check" in problem


def test_sequences_of_benchmarks_are_found() -> None:
    both = [{"source": "uav123", "video": f"car{n}", "split": s} for n in range(4) for s in "ab"]
    problems = find_problems([manifest(*both)])
    assert any("benchmarks UAV123 and UAV20L (car0, car1, car2, and 1 more)" in p for p in problems)
    lasot = [
        {"source": "lasot", "video": video, "group": video, "split": split}
        for video, split in (("airplane-1", "train"), ("airplane-2", "val"))
    ]
    (problem,) = find_problems([manifest(*lasot)])
    assert "1 videos are of LaSOT's test split (airplane-1)" in problem


@pytest.mark.parametrize(
    ("change", "count"),
    [({"box_w": 5.0}, 1), ({"box_w": 6.0, "box_h": 6.0}, 1), ({"box_w": 3.0, "box_h": 9.0}, 2)],
)
def test_the_condition_of_a_warning_leaves_the_small_targets_out(
    change: dict[str, object], count: int
) -> None:
    data = manifest(change)
    problems = find_problems([data])
    assert len(problems) == count
    rows = data.rows
    for problem in problems:
        rows = select_rows(rows.lazy(), problem.split('"')[1])
    assert rows.height == 2
    assert all(problem.startswith("vid: 1 of 3 targets are ") for problem in problems)
    assert ("join several with AND" in problems[-1]) == (count > 1)


def test_small_targets_of_all_sources_make_one_warning() -> None:
    small = [{"source": name, "box_w": 5.0, "split": s} for name in ("lasot", "coco") for s in "ab"]
    problems = [p for p in find_problems([manifest(*small)]) if "in the crop" in p]
    assert problems == [
        "coco: 2 of 2, lasot: 2 of 2 targets are thinner than 6 px in the crop, less than a cell "
        'of the response. Train with `--data.where "LEAST(box_w, box_h) * scale >= 6"`'
    ]


def test_the_report_and_the_trainer_warn_in_the_same_words(
    sample_shards: Path, tmp_path: Path
) -> None:
    url, where = str(sample_shards / "uav123" / "manifest.parquet"), "split = 'train'"
    page, log = tmp_path / "report.html", tmp_path / "log"
    assert report(["--manifests", url, "--where", where, "--out", str(page)]) == 0
    options = ["--manifests", url, "--data.where", where, "--out", str(tmp_path / "run")]
    assert finish(start([*TINY, *options], log=log)) == [1]  # there is nothing to validate on
    problems = find_problems([read_manifest(url, where=where)])
    assert len(problems) == 2
    said = Path(f"{log}.0").read_text()
    for problem in problems:
        text = re.sub("</?code>", "`", page.read_text())
        assert html.escape(problem) in text
        assert f"WARNING {problem}" in said


def test_the_advice_to_leave_a_source_out_works_beside_others(sample_shards: Path) -> None:
    urls = [str(sample_shards / name / "manifest.parquet") for name in ("uav123", "coco")]
    (advice,) = [each for each in find_problems(read_manifests(urls)) if "UAV20L" in each]
    where = advice.split('--data.where "')[1].split('"')[0]
    (left,) = read_manifests(urls, where=where)
    assert left.rows.equals(read_manifest(urls[1]).rows)
    assert not any("UAV20L" in each for each in find_problems([left]))
