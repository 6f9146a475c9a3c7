"""Published facts of the benchmarks, from ``published.toml``: names, attributes, printed tables."""

import json
import tomllib
from pathlib import Path
from typing import Any

from commands.pages.page import Table

_FOLDER = Path(__file__).parent
FACTS: dict[str, Any] = tomllib.loads((_FOLDER / "published.toml").read_text(encoding="ascii"))
"""By kind of fact and benchmark; the file explains each kind."""


def names_of(benchmark: str) -> tuple[str, ...]:
    """Return the sequences of a benchmark, as its own toolkit spells them."""
    return tuple(FACTS["sequences"][benchmark].split())


def printed_table(benchmark: str) -> Table:
    """Return the printed results of a benchmark."""
    facts = FACTS["printed"][benchmark]
    values = {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
    return Table(**{**facts, **values, "rows": tuple(map(tuple, facts["rows"]))})


def attribute_codes(benchmark: str) -> dict[str, str]:
    """Return by sequence the codes of its published attributes."""
    path = _FOLDER / f"{benchmark}_attributes.json"
    codes: dict[str, str] = json.loads(path.read_text(encoding="ascii"))
    return codes
