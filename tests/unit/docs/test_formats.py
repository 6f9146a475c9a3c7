"""docs/formats.md: its readers read what the toolkit writes, and its columns are the manifest's."""

import re
from pathlib import Path
from typing import Any

from manifests.schema import COLUMNS, SCHEMA_VERSION
from model.weights import FORMAT, PRETRAINED, VERSION, weights_files
from tests.support import ROOT

PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")


def reader(name: str) -> Any:
    """Return a function of the page."""
    (block,) = (b for b in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if name in b)
    names: dict[str, Any] = {}
    exec(compile(block, "docs/formats.md", "exec"), names)
    return names[name]


def test_versions_and_columns_are_those_of_the_code() -> None:
    lines = ["| column | type | unit | meaning |", "|---|---|---|---|"]
    for column in COLUMNS:
        kind = type(column.dtype).__name__.lower()
        lines.append(f"| `{column.name}` | {kind} | {column.unit} | {column.meaning} |")
    assert "\n".join(lines) in PAGE
    assert f"| manifest and shards | {SCHEMA_VERSION} |" in PAGE
    assert f"| weights | {VERSION} |" in PAGE
    assert FORMAT in PAGE


def test_crops_lie_where_the_page_says(built: Path) -> None:
    crops = reader("read_crops")(built / "manifest.parquet")
    assert len(crops) > 1
    for name, crop in crops.items():
        samples = reader("read_samples")(built / name)
        assert crop in [sample["z.jpg"] for sample in samples.values()]


def test_shipped_weights_are_what_the_page_says() -> None:
    shapes = reader("read_weights")(Path(weights_files(PRETRAINED)[0]))
    assert any(name.startswith("backbone.") for name in shapes)
