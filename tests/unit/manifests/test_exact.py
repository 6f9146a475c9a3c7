"""Integers in SQL are those that Python computes, whatever the question does with them."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.exact import exact_sql, select_rows
from manifests.query import main, query
from manifests.schema import SCHEMA, ManifestError
from manifests.table import Metadata, read_manifest, write_manifest

NUMBERS = ("frame", "z_bytes", "x_bytes", "z_offset", "z_crc32")
LARGEST = {"frame": 2**31 - 1, "z_bytes": 2**31 - 1, "x_bytes": 2**31 - 1, "z_offset": 2**40}


def write(url: Path, rows: list[dict[str, int]], **columns: Sequence[object]) -> str:
    made: dict[str, Sequence[object]] = {
        name: ["a"] * len(rows) if dtype == pl.Categorical() else [0] * len(rows)
        for name, dtype in SCHEMA.items()
    }
    made |= {name: [row[name] for row in rows] for name in rows[0]}
    made |= columns
    write_manifest(str(url), pl.DataFrame(made, strict=False).cast(SCHEMA), Metadata(source="a"))
    return str(url)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a manifest of 150,000 rows like a build's: 6 kB and 20 kB a pair."""
    rows = [{"frame_width": 1280, "frame_height": 720, "z_bytes": 6000, "x_bytes": 20000}] * 150_000
    half = 75_000 * [True] + 75_000 * [False]
    url = tmp_path_factory.mktemp("exact") / "big.parquet"
    return write(url, rows, occluded=half, truncated=150_000 * [True], track=150_000 * ["tr"])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("sum(x_bytes)", 3_000_000_000),
        ("sum(z_bytes + x_bytes)", 3_900_000_000),
        ("sum(frame_width * frame_height)", 138_240_000_000),
        ("max(frame_width * frame_height * x_bytes)", 18_432_000_000),
        ("sum(CAST(x_bytes AS INTEGER))", 3_000_000_000),
        ("sum(x_bytes::INT)", 3_000_000_000),
        ("sum(CAST(box_w + 20000 AS INT UNSIGNED)) - 3000000001", -1),
        ("sum(CAST(x_bytes AS SMALLINT)) * 2000000000", 6 * 10**18),
        ("sum(x_bytes) FILTER (WHERE occluded)", 1_500_000_000),
        ("sum(x_bytes) FILTER (WHERE x_bytes * z_bytes * 100 > 11000000000)", 3_000_000_000),
        ("sum(CASE WHEN occluded THEN 2000000000 ELSE -1 END)", 75_000 * 1_999_999_999),
        ("sum(occluded) - sum(truncated)", -75_000),
        ("min(occluded + truncated - 3)", -2),
        ("min(length(track) - 5)", -3),
        ("count(*) * 1000000000 * 1000000000", 150_000 * 10**18),
        ("sum(DISTINCT x_bytes) * 2000000", 40_000_000_000),
        ("abs(min(z_bytes - x_bytes)) * 1000000", 14_000_000_000),
        ("sum(z_bytes * x_bytes) // 7", 150_000 * 6000 * 20000 // 7),
    ],
)
def test_an_answer_does_not_wrap(manifest: str, asked: str, expected: int) -> None:
    assert query([manifest], f"SELECT {asked} AS n FROM crops").item() == expected


def test_groups_and_windows_do_not_wrap(manifest: str) -> None:
    groups = query(
        [manifest],
        "SELECT occluded, sum(x_bytes * 2) AS n FROM crops GROUP BY occluded "
        "HAVING sum(x_bytes * 2) > 2999999999 ORDER BY occluded",
    )
    assert groups.rows() == [(False, 3_000_000_000), (True, 3_000_000_000)]
    windows = "SELECT DISTINCT sum(x_bytes) OVER (PARTITION BY source) AS n FROM crops"
    assert query([manifest], windows).rows() == [(3_000_000_000,)]
    numbered = "SELECT max(r) AS n FROM (SELECT row_number() OVER (ORDER BY frame) - 1 AS r"
    assert query([manifest], f"{numbered} FROM crops)").item() == 149_999


def test_a_condition_that_selects_rows_does_not_wrap(manifest: str) -> None:
    for condition in (
        "frame_width * frame_height * x_bytes > 18000000000",
        "CAST(x_bytes AS INTEGER) * z_bytes * 100 > 11000000000",
        "length('ab') - 5 < 0 AND occluded + truncated - 3 < 0",
    ):
        rows = read_manifest(manifest, where=condition, check_shards=False).rows
        assert rows.height == 150_000
        assert rows.schema == SCHEMA


def test_what_no_64_bits_hold_is_shown_and_written_or_refused(
    manifest: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = "SELECT sum(z_bytes * x_bytes) * 1000000000 AS n FROM crops"
    assert main([sql, "--manifests", manifest]) == 0
    assert str(18 * 10**21) in capsys.readouterr().out
    for suffix, read in ((".csv", pl.read_csv), (".parquet", pl.read_parquet)):
        out = tmp_path / f"n{suffix}"
        assert main([sql, "--manifests", manifest, "--out", str(out)]) == 0
        assert int(read(out).item()) == 18 * 10**21
    too_large = "max(z_bytes * 30000000000000000) * 900000000000000000"
    with pytest.raises(ManifestError, match="more than 38 digits"):
        query([manifest], f"SELECT {too_large} AS n FROM crops")


def test_text_names_and_errors_stay_as_they_were_asked(manifest: str) -> None:
    sql = "SELECT track AS sum, 'count(*) AS INT)' AS text, count(*) FROM crops GROUP BY track"
    assert query([manifest], sql).columns == ["sum", "text", "len"]
    with pytest.raises(ManifestError, match=r"Column: 27"):
        query([manifest], "SELECT sum(frame)FROM a b c crops")
    assert exact_sql("'sum(' -- count(x)") == "'sum(' -- count(x)"


def expressions() -> st.SearchStrategy[str]:
    leaf = st.sampled_from(NUMBERS) | st.integers(0, 9).map(str)
    cast = "CAST({} AS HUGEINT)".format
    return st.recursive(
        leaf,
        lambda part: (
            st.tuples(part, st.sampled_from("+-*"), part).map(lambda t: f"({' '.join(t)})")
            | part.map(cast)
        ),
        max_leaves=3,
    )


@settings(max_examples=60, deadline=None)
@given(
    expression=expressions(),
    rows=st.lists(
        st.fixed_dictionaries(
            {name: st.integers(0, LARGEST.get(name, 2**32 - 1)) for name in NUMBERS}
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_any_expression_is_what_python_computes(
    tmp_path_factory: pytest.TempPathFactory, expression: str, rows: list[dict[str, int]]
) -> None:
    url = write(tmp_path_factory.getbasetemp() / "any.parquet", rows)
    python = expression.replace("CAST(", "(").replace(" AS HUGEINT", "")
    values = [eval(python, {}, row) for row in rows]
    answer = query([url], f"SELECT {expression} AS n, frame FROM crops")["n"].to_list()
    assert answer == values
    assert query([url], f"SELECT sum({expression}) AS n FROM crops").item() == sum(values)
    condition = f"{expression} > 2147483647 OR frame < 0"
    sql = f"SELECT count(*) AS n FROM crops WHERE {condition}"
    assert query([url], sql).item() == sum(value > 2**31 - 1 for value in values)


def test_text_in_double_quotes_is_no_column_of_a_condition() -> None:
    with pytest.raises(ManifestError, match="'dog'; for text use single quotes, 'dog'"):
        select_rows(SCHEMA.to_frame().lazy(), 'category = "dog"')
