"""Fixtures that several test files share."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder with real data of others, which is never part of the checkout."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared beside the checkout: real data of others is not committed")
    return SHARED
