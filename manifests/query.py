r"""Query manifests in SQL; the table ``crops`` holds the rows of all given manifests.

    python -m manifests.query "SELECT source, split, count(*) FROM crops GROUP BY ALL" \
        --manifests data/shards/*/manifest.parquet
    python -m manifests.query "SELECT track, max(frame) FROM crops GROUP BY track" \
        --manifests s3://bucket/lasot/manifest.parquet --out tracks.csv
    python -m manifests.query --schema

The dialect is polars' SQL. --out is a ``.csv`` or ``.parquet`` file.
"""

import io
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import polars as pl
import tyro

from commands.choices import Count
from commands.files import write_whole
from commands.places import keep_inputs
from commands.run import run_command, show
from manifests.exact import exact_sql, narrow, unknown_column, widen
from manifests.schema import COLUMNS, ManifestError
from manifests.table import read_manifest

PROG = "python -m manifests.query"
TABLE = "crops"
_LONGEST_REASON = 300


@dataclass(frozen=True, kw_only=True)
class QueryConfig:
    """Query manifests in SQL; the table "crops" holds the rows of all given manifests."""

    sql: Annotated[str | None, tyro.conf.Positional] = None
    """SQL query, such as "SELECT source, count(*) FROM crops GROUP BY source"."""
    manifests: tuple[str, ...] = ()
    """Path or URL of each manifest."""
    out: str | None = None
    """File for the answer, .csv or .parquet; by default the terminal."""
    max_rows: Count = 50
    """Largest number of rows on the terminal; files have all."""
    schema: bool = False
    """Only show the columns with their types and units."""

    def __post_init__(self) -> None:
        """Reject a question without manifests, manifests without one, and other kinds of files."""
        if not self.schema and not (self.sql and self.manifests):
            raise ValueError(
                f"no {'--manifests' if self.sql else 'question'} given. Usage: {PROG} "
                f'"SELECT source, count(*) FROM {TABLE} GROUP BY source" --manifests M'
            )
        if self.out and not self.out.endswith((".csv", ".parquet")):
            raise ValueError(f"--out {self.out}: expected a name that ends in .csv or .parquet")


def query(urls: Sequence[str], sql: str) -> pl.DataFrame:
    """Return the answer of an SQL query on the rows of some manifests.

    Raises:
        ManifestError: A manifest cannot be read, or the query is wrong; for a misspelt column or
            table the message has the right one.
    """
    parts = [read_manifest(url, check_shards=False).rows for url in urls]
    # Categories as text, which SQL compares and joins like any other column.
    rows = pl.concat(parts).lazy().with_columns(pl.col(pl.Categorical).cast(pl.String))
    columns = rows.collect_schema().names()
    try:
        _execute(sql, rows.clear())  # its errors are about the query as given
        answer = narrow(_execute(exact_sql(sql), widen(rows)))
    except pl.exceptions.ColumnNotFoundError as error:
        raise ManifestError(_unknown_column(sql, str(error), columns)) from None
    except pl.exceptions.PolarsError as error:
        raise ManifestError(_explain(sql, str(error), columns)) from None
    if not answer.width:
        raise ManifestError(
            f"{sql!r}: asks for nothing. Manifests are only read: begin with SELECT"
        )
    return answer


def _execute(sql: str, rows: pl.LazyFrame) -> pl.DataFrame:
    with pl.SQLContext({TABLE: rows}, eager=True) as context:
        answer: pl.DataFrame = context.execute(sql)
    return answer


def run(config: QueryConfig) -> None:
    """Print the answer or write it to a file."""
    if config.schema or config.sql is None:
        show(_schema_text())
        return
    keep_inputs(config.manifests, files=[config.out])
    answer = query(config.manifests, config.sql)
    if not config.out:
        width, ascii_rules = _terminal_width(), not _has_rules(sys.stdout.encoding)
        rows = config.max_rows
        show(answer_text(answer, max_rows=rows, width=width, ascii_rules=ascii_rules))
        return
    buffer = io.BytesIO()
    (answer.write_csv if config.out.endswith(".csv") else answer.write_parquet)(buffer)
    write_whole(config.out, buffer.getvalue())
    print(f"{answer.height:,} rows: {config.out}")


def answer_text(
    answer: pl.DataFrame, *, max_rows: int, width: int | None, ascii_rules: bool = False
) -> str:
    """Return an answer as a table, or as a list of rows if the table is wider than ``width``.

    Args:
        answer: Result of `query`.
        max_rows: Rows to show.
        width: Characters in a line; None for any number.
        ascii_rules: Draw the table with +, - and |, for terminals without other rules.
    """
    with pl.Config(
        tbl_rows=max_rows,
        tbl_cols=-1,
        fmt_str_lengths=60,
        tbl_width_chars=-1,
        tbl_formatting="ASCII_FULL_CONDENSED" if ascii_rules else None,
    ):
        table = str(answer)
    if width is None or max(map(len, table.splitlines())) <= width:
        return table
    longest = max(map(len, answer.columns))
    lines = [f"{answer.height:,} rows, wider than {width} characters:"]
    for number, row in enumerate(answer.head(max_rows).iter_rows(named=True), start=1):
        lines.append(f"-- row {number}")
        lines += [f"{name.ljust(longest)}  {_value_text(value)}" for name, value in row.items()]
    if answer.height > max_rows:
        lines.append(f"-- and {answer.height - max_rows:,} more; see --max-rows and --out")
    return "\n".join(lines)


def _value_text(value: object) -> str:
    if value is None:
        return "null"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _terminal_width() -> int | None:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _has_rules(encoding: str | None) -> bool:
    """Return True if an encoding has the rules and the ellipsis of polars' tables."""
    try:
        "\u250c\u2506\u255e\u256a\u2026".encode(encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _schema_text() -> str:
    cells = [("column", "type", "unit", "meaning")]
    cells += [(c.name, str(c.dtype), c.unit, c.meaning) for c in COLUMNS]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, [*widths, 0], strict=True))
        for row in cells
    )


def _unknown_column(sql: str, message: str, columns: Sequence[str]) -> str:
    return f"{unknown_column(sql, message, columns)} See --schema"


def _explain(sql: str, message: str, columns: Sequence[str]) -> str:
    if message.startswith("no column named"):
        return _unknown_column(sql, message, columns)
    reason = " ".join(message.split())[:_LONGEST_REASON] or "no reason given"
    hint = f"the one table is {TABLE!r}" if "not found" in reason else "see polars' SQL"
    return f"{sql!r}: {reason}; {hint}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with the data, 2 a wrong option."""
    return run_command(QueryConfig, run, argv, prog=PROG, errors=(ManifestError,))


if __name__ == "__main__":
    sys.exit(main())
