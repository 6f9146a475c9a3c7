"""`make api`: one page per package, with its public names only."""

import importlib
import re
from pathlib import Path

from docs.api import PACKAGES, write_reference


def test_the_reference_has_exactly_the_public_names(tmp_path: Path) -> None:
    write_reference(tmp_path)
    for name in PACKAGES:
        page = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        shown = set(re.findall(r'<section id="(\w+)">', page))
        assert shown == set(importlib.import_module(name).__all__)
        assert re.search("prefers-color-scheme: ?dark", page)
        assert not re.search(r'(?:src|href)="https?://(?!pdoc\.dev)', page)  # nothing is fetched
