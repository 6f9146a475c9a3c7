"""Which ``datasets`` is imported: this toolkit's, or Hugging Face's of the same name."""

import importlib.util
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def require_same_checkout(package: str) -> None:
    """Check that ``package`` would be imported from the folder that holds this toolkit.

    Raises:
        ImportError: Another package of that name comes first, or none is found.
    """
    spec = importlib.util.find_spec(package)
    folder = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
    if folder != _ROOT:
        raise ImportError(
            f"'import {package}' finds {spec.origin if spec else 'nothing'}, but this toolkit's "
            f"{package!r} is in {_ROOT / package}. Hugging Face's 'datasets' has the same name. "
            f"Run from {_ROOT}, or set PYTHONPATH={_ROOT}; if '{package}' is already imported in "
            "this process, start a new one"
        )
