"""Exact integers in SQL: polars computes in the type of its operands, and a sum of INTEGER wraps.

During a query columns are 128 bits wide, and so are values that SQL itself would make narrower:
casts, counts, lengths, sums of flags.
"""

import difflib
import re
from collections.abc import Sequence

import polars as pl

from manifests.schema import ManifestError

_WIDE = "HUGEINT"
_ONE = f"CAST(1 AS {_WIDE})"
_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/ | \s+
    | [A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)* | \d+(?:\.\d*)?(?:[eE][+-]?\d+)? | :: | // | .""",
    re.DOTALL | re.VERBOSE,
)
_CASTS = frozenset({"CAST", "TRY_CAST", "SAFE_CAST"})
_COUNTS = frozenset(
    {
        *("COUNT", "LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH", "OCTET_LENGTH", "BIT_LENGTH"),
        *("BIT_COUNT", "STRPOS", "POSITION", "ARRAY_LENGTH", "ROW_NUMBER", "RANK", "DENSE_RANK"),
    }
)
"""Functions that return narrow integers, some unsigned: 2 - 3 becomes 4294967295."""
_INTEGER = re.compile(r"U?(?:(?:TINY|SMALL|MEDIUM|BIG)?INT(?:1|2|4|8|16|32|64)?|INTEGER)", re.I)
_FLAGS = frozenset({"occluded", "truncated", "generated"})
_ARITHMETIC = frozenset({"+", "-", "*", "/", "//", "%"})


def widen(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows with 128-bit integers; lazily, so that only used columns are converted."""
    integers = [name for name, dtype in rows.collect_schema().items() if dtype.is_integer()]
    return rows.with_columns(pl.col(integers).cast(pl.Int128))


def narrow(answer: pl.DataFrame) -> pl.DataFrame:
    """Return an answer with integers of 64 bits where they fit, else decimals of 38 digits.

    Raises:
        ManifestError: An integer has more digits.
    """
    for name, dtype in answer.schema.items():
        if dtype not in (pl.Int128, pl.List(pl.Int128)):
            continue
        for inner in (pl.Int64(), pl.Decimal(38, 0)):
            try:
                wanted = inner if dtype == pl.Int128 else pl.List(inner)
                answer = answer.with_columns(pl.col(name).cast(wanted))
            except pl.exceptions.PolarsError:
                continue
            break
        else:
            raise ManifestError(f"{name}: an integer of more than 38 digits. Ask for less")
    return answer


def exact_sql(sql: str) -> str:
    """Return a query or condition in which all integers that SQL makes are 128 bits wide."""
    tokens = _TOKEN.findall(sql)
    text, position = _rewrite(tokens, 0)
    while position < len(tokens):  # a parenthesis too many, which polars reports
        more, end = _rewrite(tokens, position + 1)
        text, position = f"{text}){more}", end
    return text


def select_rows(
    rows: pl.LazyFrame, where: str, *, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """Return the rows that satisfy an SQL condition on the columns.

    Args:
        rows: The table.
        where: The condition.
        columns: Names of the columns to return; all if None.

    Raises:
        ManifestError: The condition cannot be understood; a misspelt column suggests the right one.
    """
    schema = rows.collect_schema()
    try:
        pl.sql_expr(where)  # its errors are about the condition as given
        selected = widen(rows).filter(pl.sql_expr(exact_sql(where)))
        names = schema.names() if columns is None else columns
        return selected.select(pl.col(name).cast(schema[name]) for name in names).collect()
    except pl.exceptions.ColumnNotFoundError as error:
        raise ManifestError(unknown_column(where, str(error), schema.names())) from None
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise ManifestError(f"{where!r}: not a condition that SQL understands: {reason}") from None


def unknown_column(sql: str, message: str, columns: Sequence[str]) -> str:
    """Return the problem of a query or condition with an unknown column, and a similar column.

    Args:
        sql: The query or condition.
        message: Error of polars.
        columns: The existing columns.
    """
    # 'unable to find column "sourc"; ...', or "no column named 'sourc' found in table 'crops'"
    quoted = re.findall(r"[\"']([^\"']+)[\"']", message)
    name = quoted[0] if quoted else message.split()[-1]
    close = difflib.get_close_matches(name.lower(), columns, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the columns are {', '.join(columns)}."
    if f'"{name}"' in sql:
        hint = f"for text use single quotes, '{name}'. {hint[0].upper()}{hint[1:]}"
    return f"{sql!r}: no column {name!r}; {hint}"


def _rewrite(tokens: list[str], position: int) -> tuple[str, int]:
    """Return the text up to the closing parenthesis or the end, and its position."""
    text, before = "", ""
    while position < len(tokens) and tokens[position] != ")":
        token, name = tokens[position], tokens[position].upper()
        after = _next(tokens, position + 1)
        position += 1
        if token == "(" or (after == "(" and name in _CASTS | _COUNTS | {"SUM"}):
            token, position = _call(tokens, position - 1)
        elif (token.isdecimal() and before in {"THEN", "ELSE"}) or (
            re.split(r"\s*\.\s*", token.lower())[-1] in _FLAGS and {before, after} & _ARITHMETIC
        ):
            token = f"CAST({token} AS {_WIDE})"
        elif before == "::" and _INTEGER.fullmatch(token):
            token = f"{token}::{_WIDE}"
        text += token
        if not _is_blank(token) and not (token == "-" and before in {"THEN", "ELSE"}):
            before = name
    return text, position


def _call(tokens: list[str], position: int) -> tuple[str, int]:
    """Return a call or a parenthesis, rewritten, and the position behind it."""
    start = tokens.index("(", position)
    name = "".join(tokens[position:start])
    inner, end = _rewrite(tokens, start + 1)
    kind, close = name.strip().upper(), "".join(tokens[end : end + 1])
    last = next((token for token in reversed(tokens[start:end]) if not _is_blank(token)), "")
    is_narrow = kind in _COUNTS or (
        kind in _CASTS and (_INTEGER.fullmatch(last) or last.upper() == "UNSIGNED")
    )
    if kind == "SUM" and (parts := re.match(r"(\s*DISTINCT\b)?(.*)", inner, re.I | re.DOTALL)):
        inner = f"{parts[1] or ''}({parts[2]}) * {_ONE}"
    text, position = f"{name}({inner}{close}", end + 1
    while is_narrow and _next(tokens, position).upper() in {"FILTER", "OVER"}:
        clause, position = _clause(tokens, position)
        text += clause
    return (f"CAST({text} AS {_WIDE})" if is_narrow else text), position


def _clause(tokens: list[str], position: int) -> tuple[str, int]:
    """Return FILTER (...), OVER (...) or OVER name, rewritten, and the position behind it."""
    text, words = "", 0
    while position < len(tokens) and words < 2:
        if tokens[position] == "(":
            inner, end = _rewrite(tokens, position + 1)
            return f"{text}({inner}{''.join(tokens[end : end + 1])}", end + 1
        words += not _is_blank(tokens[position])
        text, position = text + tokens[position], position + 1
    return text, position


def _next(tokens: list[str], position: int) -> str:
    return next((token for token in tokens[position:] if not _is_blank(token)), "")


def _is_blank(token: str) -> bool:
    return token.isspace() or token.startswith(("--", "/*"))
