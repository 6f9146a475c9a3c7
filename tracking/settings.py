"""What a user may set on a tracker: one record for each kind of head, published values, files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from datasets.tracks import SourceError


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}, expected a number from 0 to 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class CarSettings:
    """How a box is chosen among those that a ``car`` head proposes, one per cell.

    The defaults are those that `evaluation.tune` found for the shipped network on training videos
    (docs/models.md).
    """

    lr: float = 0.1
    """Share of the proposed size that enters the target's size; scaled by score and penalty."""
    penalty: float = 0.2
    """k in ``exp(-k * (r * s - 1))``, which lowers proposals of another aspect r or size s."""
    window: float = 0.45
    """Weight of the Hann window, which prefers proposals near the last position."""
    template_rate: float = 0.03
    """Share of the template's features that each frame renews with those at the target's new
    place; 0 keeps the first frame's, as published."""

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        _check_share("lr", self.lr)
        _check_share("window", self.window)
        _check_share("template_rate", self.template_rate)
        if not self.penalty >= 0:
            raise ValueError(f"penalty is {self.penalty}, expected 0 or more")


@dataclass(frozen=True, kw_only=True, slots=True)
class SiamFCSettings:
    """How position and size follow from the responses of a ``siamfc`` head at several scales."""

    num_scales: int = 3
    """Search crops for each frame; odd, so that one of them keeps the size."""
    scale_step: float = 1.0375
    """Ratio of the sizes of neighbouring search crops."""
    scale_penalty: float = 0.9745
    """Factor on the score of every scale that changes the size."""
    lr: float = 0.59
    """Share of the winning scale that enters the target's size."""
    window: float = 0.176
    """Weight of the Hann window, which prefers positions near the last one."""
    template_rate: float = 0.0
    """Share of the template's features that each frame renews with those at the target's new
    place; 0 keeps the first frame's, as published."""

    def __post_init__(self) -> None:
        """Reject values outside their ranges."""
        _check_share("lr", self.lr)
        _check_share("window", self.window)
        _check_share("template_rate", self.template_rate)
        _check_share("scale_penalty", self.scale_penalty)
        if self.num_scales < 1 or self.num_scales % 2 == 0:
            raise ValueError(
                f"num_scales is {self.num_scales}, expected an odd number of 1 or more"
            )
        if not self.scale_step >= 1:
            raise ValueError(f"scale_step is {self.scale_step}, expected 1 or more")


PRESETS: Mapping[str, CarSettings] = MappingProxyType(
    {
        "tuned": CarSettings(),
        "otb": CarSettings(lr=0.35, penalty=0.2, window=0.45, template_rate=0.0),
        "uav": CarSettings(lr=0.4, penalty=0.2, window=0.3, template_rate=0.0),
        "lasot": CarSettings(lr=0.33, penalty=0.04, window=0.3, template_rate=0.0),
        "got10k": CarSettings(lr=0.7, penalty=0.06, window=0.1, template_rate=0.0),
    }
)
"""Ours, and what SiamCAR's authors publish for their network on each benchmark; a ``siamfc`` head
has one set."""

SETTINGS: Mapping[str, type[CarSettings] | type[SiamFCSettings]] = MappingProxyType(
    {"car": CarSettings, "siamfc": SiamFCSettings}
)
"""By ``ModelConfig.head``."""


def choose_settings(
    head: str, *, preset: str = "tuned", file: str = ""
) -> CarSettings | SiamFCSettings:
    """Return the settings in a file, else a preset's; a ``siamfc`` head has one set.

    Args:
        head: The network's.
        preset: Key of `PRESETS`.
        file: A JSON file as `evaluation.tune` writes it, or empty.

    Raises:
        SourceError: The file is missing, damaged, or for another head.
    """
    if file:
        return _read_settings(Path(file), head)
    return PRESETS[preset] if head == "car" else SiamFCSettings()


def _read_settings(path: Path, head: str) -> CarSettings | SiamFCSettings:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        made_for, values = content["head"], content["settings"]
    except (ValueError, KeyError, TypeError):
        raise SourceError(
            f"{path}: not a file of settings, expected JSON with 'head' and 'settings' as "
            "evaluation.tune writes it"
        ) from None
    if made_for != head:
        raise SourceError(f"{path}: for a {made_for!r} head, and the network's is {head!r}")
    try:
        return SETTINGS[head](**values)
    except (TypeError, ValueError) as error:
        raise SourceError(f"{path}: {error}") from error
