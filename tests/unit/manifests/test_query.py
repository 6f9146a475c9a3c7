"""python -m manifests.query: answers, files, and names that resemble the right ones."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from manifests.query import answer_text, main, query
from manifests.schema import COLUMNS, ManifestError


@pytest.fixture
def manifests(sample_shards: Path) -> list[str]:
    return [str(sample_shards / source / "manifest.parquet") for source in ("vid", "lasot")]


def test_the_rows_of_all_manifests_are_one_table(manifests: list[str]) -> None:
    answer = query(manifests, "SELECT source, split, count(*) AS n FROM crops GROUP BY ALL")
    rows = [pl.read_parquet(url) for url in manifests]
    assert answer["n"].sum() == sum(part.height for part in rows)
    assert set(answer["source"]) == {"vid", "lasot"}


def test_an_answer_goes_to_the_terminal_or_a_file(
    manifests: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = "SELECT track, frame, box_w FROM crops WHERE source = 'lasot' ORDER BY track, frame"
    assert main([sql, "--manifests", *manifests]) == 0
    assert "box_w" in capsys.readouterr().out
    for suffix, read in ((".csv", pl.read_csv), (".parquet", pl.read_parquet)):
        out = tmp_path / f"answer{suffix}"
        assert main([sql, "--manifests", *manifests, "--out", str(out)]) == 0
        assert read(out)["frame"].to_list() == query(manifests, sql)["frame"].to_list()


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT sourc FROM crops", "no column 'sourc'; did you mean 'source'?"),
        ("SELECT * FROM crops WHERE catgory = 'x'", "did you mean 'category'?"),
        ("SELECT crops.boxw FROM crops", "no column 'boxw'; did you mean 'box_w'?"),
        ("SELECT source, count(*) FROM crops GROUP BY sorce", "did you mean 'source'?"),
        (
            "SELECT frame FROM crops ORDER BY weather",
            "no column 'weather'; the columns are source, video",
        ),
        (
            'SELECT frame FROM crops WHERE source = "vid"',
            "for text use single quotes, 'vid'. Did you mean",
        ),
        ("SELECT nosuch(frame) FROM crops", "nosuch"),
        ("DROP TABLE crops", "manifests are only read: begin with select"),
        ("INSERT INTO crops VALUES (1)", "not supported"),
        ("SELECT * FROM crop", "the one table is 'crops'"),
        ("SELEC * FROM crops", "sql parser error: expected"),
    ],
)
def test_a_question_that_is_not_understood_says_what_is_wrong(
    manifests: list[str], sql: str, message: str
) -> None:
    with pytest.raises(ManifestError) as error:
        query(manifests, sql)
    assert message.lower() in str(error.value).lower()
    assert sql in str(error.value)
    assert "\n" not in str(error.value)


def test_an_answer_wider_than_the_terminal_is_shown_row_after_row(manifests: list[str]) -> None:
    answer = query(manifests, "SELECT * FROM crops ORDER BY source, track, frame")
    text = answer_text(answer, max_rows=3, width=100)
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("-- row") == 3
    shown = [line.split()[0] for line in text.splitlines() if not line.startswith("--")]
    assert shown[1:] == 3 * [column.name for column in COLUMNS]
    assert f"-- and {answer.height - 3:,} more" in text
    table = answer_text(answer.select("track", "frame"), max_rows=3, width=100)
    assert table == answer_text(answer.select("track", "frame"), max_rows=3, width=None)
    assert "-- row" not in table


def test_wrong_use_is_one_message_and_exit_2(
    manifests: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sql, given, out = "SELECT * FROM crops", ["--manifests", *manifests], str(tmp_path / "a.txt")
    for options, message in (
        ([sql], "no --manifests given"),
        (["---"], "no --manifests given"),
        (given, "no question given"),
        ([sql, *given, "--out", out], "ends in .csv or .parquet"),
        ([sql, *given, "--max-rows", "0"], "--max-rows"),
    ):
        assert main(options) == 2
        assert message in " ".join(capsys.readouterr().err.replace("\u2502", " ").split())
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_has_enough_is_no_error(manifests: list[str]) -> None:
    command = [sys.executable, "-m", "manifests.query", "SELECT * FROM crops", "--manifests"]
    options = [*manifests, "--max-rows", "9999"]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as asked:
        assert asked.stdout is not None
        assert asked.stderr is not None
        assert asked.stdout.read(5) == b"shape"
        asked.stdout.close()
        assert asked.stderr.read() == b""
    assert asked.returncode == 0


def test_the_schema_has_every_column_with_its_unit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--schema"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [column.name for column in COLUMNS]
    assert all(column.unit in line for column, line in zip(COLUMNS, lines[1:], strict=True))
