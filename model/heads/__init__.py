"""The heads, one file each. A new one is entered here, and in `tracking.decoders` beside it."""

from model.heads.base import Head
from model.heads.car import CARHead
from model.heads.siamfc import SiamFCHead

__all__ = ["HEADS", "Head"]

HEADS: dict[str, type[Head]] = {"siamfc": SiamFCHead, "car": CARHead}
"""By ``ModelConfig.head``."""
