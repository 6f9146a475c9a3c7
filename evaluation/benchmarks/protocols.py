"""The protocols that a benchmark's record may name."""

from collections.abc import Mapping

from evaluation.benchmark import Protocol
from evaluation.onepass.hand_in import hand_in
from evaluation.onepass.protocol import ONE_PASS
from evaluation.vot.protocol import SUPERVISED

PROTOCOLS: Mapping[str, Protocol] = {
    "one-pass": ONE_PASS,
    "supervised": SUPERVISED,
    "handed in to GOT-10k": hand_in("got10k"),
    "handed in to TrackingNet": hand_in("trackingnet"),
}
"""One-pass tracks each sequence once; supervised starts a tracker again after each failure. What is
handed in is tracked once, and scored by a server."""
