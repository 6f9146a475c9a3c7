"""Every number of the check set: published trackers under the official evaluators."""

from pathlib import Path

import pytest

from bench.check.rows import check_rows
from evaluation.check import main


def test_onepass_numbers_are_those_of_the_official_evaluators(shared: Path) -> None:
    rows = list(check_rows(shared / "check", vot=False))
    assert len(rows) == 75
    assert [row for row in rows if not row.agrees] == []
    assert {row.benchmark for row in rows} == {"OTB100", "UAV123", "LaSOT"}


@pytest.mark.slow
def test_the_whole_table_agrees(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(shared / "check")]) == 0
    assert capsys.readouterr().out.endswith("all agree\n")


def test_another_folder_is_refused(tmp_path: Path) -> None:
    assert main(["--folder", str(tmp_path)]) == 1
