"""What of a training recipe decides how pairs look, and what validation pairs are.

The trainer draws its pairs with these, and `sampling.preview` shows the same ones.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from manifests.schema import ManifestError
from sampling.augment import AugmentSettings
from sampling.plan import PairSettings

VALIDATION_CHANGES = AugmentSettings(
    gray=0.0, flip=0.0, template_translate_px=0.0, template_scale=0.0
)
"""Stored crops have the target in the middle: unmoved, guessing the middle would score best."""
VALIDATION_PAIRS = 5_000
"""Pairs of the val split that each validation looks at, unless told otherwise."""
_RECIPES = Path(__file__).resolve().parent.parent / "trainer" / "recipes"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What of a training recipe decides how pairs look."""

    pairs: PairSettings = field(default_factory=PairSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    val_pairs: int = VALIDATION_PAIRS
    where: str | None = None
    head: str = "siamfc"
    backbone: str = "dcffnet"
    template_crop: int = 1
    center_ratio: float = 1.0


def validation_pairs(training: PairSettings, count: int) -> PairSettings:
    """Return the settings of validation: so many positive pairs, otherwise as in training."""
    return replace(training, pairs_per_epoch=count, negative_ratio=0.0)


def parse_weights(text: str) -> dict[str, float]:
    """Return the weights of sources that such as ``vid=1,coco=0.5`` states.

    Raises:
        ValueError: It is not of the form ``name=number,name=number``.
    """
    weights = {}
    for entry in filter(None, text.split(",")):
        name, _, number = entry.partition("=")
        if not name or not re.fullmatch(r"\d*\.?\d+", number):
            raise ValueError(f"{text!r}: {entry!r} is no weight, expected such as vid=1,coco=0.5")
        weights[name] = float(number)
    return weights


def read_recipes(names: Sequence[str]) -> Recipe:
    """Return what stacked recipes say about pairs; what they leave out has the options' defaults.

    Raises:
        ManifestError: There is no such recipe, it is not TOML, or a value is out of range.
    """
    table: dict[str, Any] = {}
    for name in names:
        for key, value in _read_table(name).items():
            table[key] = table.get(key, {}) | value if isinstance(value, dict) else value
    data, model = _with_underscores(table.get("data", {})), table.get("model", {})
    try:
        data["weights"] = parse_weights(str(data.get("weights", "")))
        return Recipe(
            pairs=PairSettings(**_known(PairSettings, data)),
            augment=AugmentSettings(
                **_known(AugmentSettings, _with_underscores(table.get("augment", {})))
            ),
            val_pairs=int(data.get("val_pairs", VALIDATION_PAIRS)),
            where=data.get("where"),
            head=str(model.get("head", Recipe.head)),
            backbone=str(model.get("backbone", Recipe.backbone)),
            template_crop=int(model.get("template-crop", Recipe.template_crop)),
            center_ratio=float(table.get("center-ratio", Recipe.center_ratio)),
        )
    except (TypeError, ValueError) as error:
        raise ManifestError(f"--recipe {' '.join(names)}: {error}") from None


def recipe_path(name: str) -> Path:
    """Return the file of a recipe that is given by its name or by its path."""
    return Path(name) if name.endswith(".toml") else _RECIPES / f"{name}.toml"


def _read_table(name: str) -> dict[str, Any]:
    path = recipe_path(name)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = sorted(each.stem for each in _RECIPES.glob("*.toml"))
        raise ManifestError(f"--recipe {name}: no {path}, expected one of {known}") from None
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"{path}: not TOML: {error}") from None


def _with_underscores(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key.replace("-", "_"): value for key, value in table.items()}


def _known(settings: type[Any], table: Mapping[str, Any]) -> dict[str, Any]:
    names = {option.name for option in fields(settings)}
    return {key: value for key, value in table.items() if key in names}
