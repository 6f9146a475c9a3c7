"""What tests and measurements share: servers, processes, made data."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""
