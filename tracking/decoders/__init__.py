"""The decoders of the heads' outputs, one file each, by the name of the head."""

from tracking.decoders.base import Decoder
from tracking.decoders.car import CarDecoder
from tracking.decoders.siamfc import SiamFCDecoder

DECODERS: dict[str, type[Decoder]] = {"siamfc": SiamFCDecoder, "car": CarDecoder}
"""By ``ModelConfig.head``."""
