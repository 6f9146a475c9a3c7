"""The names that sampling offers: all there, and nothing heavy is imported before their use."""

import subprocess
import sys
from importlib import import_module

import pytest

from tests.support import ROOT


def test_all_public_names_are_those_of_their_modules() -> None:
    sampling = import_module("sampling")
    assert sampling.__all__ == sorted(sampling.__all__)
    for name in sampling.__all__:
        value = getattr(sampling, name)
        assert value.__name__ == name
        assert value.__module__.startswith(("sampling.", "commands."))
    with pytest.raises(AttributeError, match="module 'sampling' has no attribute 'other'"):
        _ = sampling.other


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = ("torch", "cv2", "numpy", "polars", "webdataset")
    code = f"import sys, sampling; print([name for name in {heavy} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_a_worker_process_does_without_torch() -> None:
    code = "import sys, sampling.workers.worker; print('torch' in sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"
