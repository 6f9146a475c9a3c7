"""Choice of a tracker's settings: a preset, or a file that evaluation.tune wrote."""

from pathlib import Path

from commands.json_files import parse_json
from datasets.tracks import SourceError
from tracking.decoders import DECODERS
from tracking.decoders.base import Settings

PRESETS = tuple(dict.fromkeys(name for decoder in DECODERS.values() for name in decoder.presets))
"""Names of the presets of all heads."""


def choose_settings(head: str, *, preset: str = "tuned", file: str | None = None) -> Settings:
    """Return the settings in a file, else those of a preset, else the defaults of the head.

    Args:
        head: The network's.
        preset: One of `PRESETS`.
        file: A JSON file of `evaluation.tune`; None takes the preset.

    Raises:
        SourceError: The file is missing, damaged, or for another head.
    """
    if file:
        return _read_settings(Path(file), head)
    decoder = DECODERS[head]
    settings: Settings = decoder.presets.get(preset) or decoder.settings_class()
    return settings


def _read_settings(path: Path, head: str) -> Settings:
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        made_for, values = content["head"], content["settings"]
    except (ValueError, KeyError, TypeError):
        raise SourceError(
            f"{path}: not a file of settings, expected JSON with 'head' and 'settings' as "
            "evaluation.tune writes it"
        ) from None
    if made_for != head:
        made_for = str(made_for)[:40]
        raise SourceError(f"{path}: for a {made_for!r} head, and the network's is {head!r}")
    try:
        settings: Settings = DECODERS[head].settings_class(**values)
    except (TypeError, ValueError) as error:
        raise SourceError(f"{path}: {str(error)[:200]}") from error
    return settings
