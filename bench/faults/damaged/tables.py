"""Mutations of tables: Parquet and SQLite."""

import io
import random
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.faults.damaged.structures import change_json


def change_parquet(rng: random.Random, data: bytes) -> bytes:
    """Remove, rename, cast or empty columns; change rows, or the metadata's JSON."""
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError):
        return data
    if not table.num_columns or not table.num_rows:  # left by a change before
        return data
    names = table.column_names
    index = rng.randrange(len(names))
    column = table.column(index)
    kind = rng.randrange(8)
    if kind == 0:
        table = table.remove_column(index)
    elif kind == 1:
        table = table.rename_columns([n if i != index else "x" + n for i, n in enumerate(names)])
    elif kind == 2:
        table = table.set_column(index, names[index], pa.nulls(len(column), column.type))
    elif kind == 3:
        table = table.set_column(index, names[index], column.cast(pa.string()))
    elif kind == 4:
        table = table.slice(rng.randrange(len(column)), rng.choice((0, 1, 5)))
    elif kind == 5 and not pa.types.is_dictionary(column.type):
        table = table.set_column(index, names[index], _odd_column(rng, column))
    elif kind == 6:
        rows = list(range(len(column)))
        rng.shuffle(rows)
        table = table.take(pa.array(rows + rows[: rng.choice((0, 3))], pa.int64()))
    else:
        metadata = table.schema.metadata or {}
        key = rng.choice([k for k in metadata if not k.startswith(b"ARROW")] or [b"x"])
        table = table.replace_schema_metadata(
            {**metadata, key: change_json(rng, metadata.get(key, b"{}"))}
        )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _odd_column(rng: random.Random, column: Any) -> Any:
    odd: tuple[Any, ...] = (0, -1, None)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        odd = ("", "../x", "\x1b[31m", "x" * 10_000, None)
    elif pa.types.is_floating(column.type):
        odd = (float("nan"), float("inf"), -1.0, 1e300, None)
    elif pa.types.is_boolean(column.type):
        odd = (True, False, None)
    elif pa.types.is_integer(column.type):
        size = 8 * int(column.type.bit_width) // 8 - 1
        odd = (
            (0, 2**size - 1, None) if str(column.type)[0] == "u" else (-1, 2**size - 1, -(2**size))
        )
    values = column.to_pylist()
    for _ in range(rng.choice((1, len(values)))):
        values[rng.randrange(len(values))] = rng.choice(odd)
    try:
        return pa.array(values, column.type)
    except pa.ArrowException:
        return column


def change_sqlite(rng: random.Random, data: bytes) -> bytes:
    """Change, remove or repeat values of a database, or remove a table."""
    with tempfile.NamedTemporaryFile(suffix=".db") as file:
        Path(file.name).write_bytes(data)
        connection = sqlite3.connect(file.name)
        try:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            names = [name for (name,) in tables]
            table = rng.choice(names)
            columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
            column = rng.choice(columns)
            kind = rng.randrange(4)
            statement = {
                0: f'DROP TABLE "{table}"',
                1: f'DELETE FROM "{table}"',
            }.get(kind, f'UPDATE "{table}" SET "{column}" = ?')
            odd = (
                None,
                -1,
                2**62,
                "x",
                "",
                "NaN",
                1e308,
                b"\xff",
                '{"a": 1}',
                "[" * 5000,
                "COMPLETE",
            )
            connection.execute(statement, (rng.choice(odd),) if kind > 1 else ())
            connection.commit()
        except (sqlite3.Error, IndexError):
            return data
        finally:
            connection.close()
        return Path(file.name).read_bytes()
