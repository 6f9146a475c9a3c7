"""The names that packages offer: all there, and nothing heavy is imported before their use."""

import subprocess
import sys
from importlib import import_module

import pytest

PACKAGES = ["model", "tracking"]
HEAVY = ("torch", "cv2", "numpy", "polars")


@pytest.mark.parametrize("package", PACKAGES)
def test_all_public_names_are_those_of_their_modules(package: str) -> None:
    module = import_module(package)
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        value = getattr(module, name)
        assert value.__name__ == name
        assert value.__module__.startswith(f"{package}.")
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'other'"):
        _ = module.other


def test_importing_the_packages_imports_nothing_heavy() -> None:
    code = f"import sys, {', '.join(PACKAGES)}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
