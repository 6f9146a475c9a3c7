"""The protocols that a benchmark's record may name."""

from collections.abc import Mapping

from evaluation.benchmark import Protocol
from evaluation.onepass.protocol import ONE_PASS
from evaluation.vot.protocol import SUPERVISED

PROTOCOLS: Mapping[str, Protocol] = {"one-pass": ONE_PASS, "supervised": SUPERVISED}
"""One-pass tracks each sequence once; supervised starts a tracker again after each failure."""
