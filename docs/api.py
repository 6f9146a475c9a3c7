"""Write the reference of all public names from their docstrings; `make api` calls it.

Public are the names in `__all__` of the packages. They are imported on first use, which pdoc does
not know, so each is looked up here before pdoc reads the package.
"""

import importlib
from pathlib import Path

import pdoc

PACKAGES = ("manifests", "model", "sampling", "tracking")
OUT = Path("build/api")


def write_reference(out: Path) -> None:
    """Write one HTML page per package, and an index."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            setattr(module, name, getattr(module, name))
    pdoc.render.configure(docformat="google", show_source=False)
    pdoc.pdoc(*PACKAGES, output_directory=out)


if __name__ == "__main__":
    write_reference(OUT)
