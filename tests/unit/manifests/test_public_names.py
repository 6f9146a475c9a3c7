"""manifests as a library: its public names, and what importing it costs."""

import subprocess
import sys
from importlib import import_module

import pytest

import manifests
from manifests.table import read_manifest
from tests.support import ROOT


def test_all_lists_exactly_the_public_names() -> None:
    assert sorted(manifests.__all__) == manifests.__all__
    for name in manifests.__all__:
        assert getattr(manifests, name).__name__ == name
    assert manifests.read_manifest is read_manifest
    with pytest.raises(AttributeError, match="no attribute 'read_manifets'"):
        _ = import_module("manifests").read_manifets


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, manifests; print({'polars', 'pyarrow', 'numpy', 'fsspec'} & set(sys.modules))"
        "; from manifests import ManifestError, read_manifest, query; print(query.__name__)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["set()", "manifests.query"]
