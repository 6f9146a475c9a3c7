"""Recipes: TOML files that become flags in front of the user's.

File and command line share one parser: the same types, the same errors for unknown keys, and the
last value wins, so recipes stack (``--recipe pretrain --recipe demo``) and a flag overrides both.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from commands.options import parse_options
from trainer.config import TrainConfig

RECIPES = Path(__file__).parent


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the toolkit."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def parse_run(argv: Sequence[str], *, prog: str) -> TrainConfig:
    """Return the configuration that recipes and flags describe, as ``trainer.run`` reads it.

    Args:
        argv: The options.
        prog: The command of the usage text.

    Raises:
        SystemExit: An option or a value is wrong; the message is on stderr.
        ValueError: A recipe does not exist or is not TOML.
    """
    return parse_options(TrainConfig, expand_recipes(argv), prog=prog)


def recipe_path(recipe: str) -> Path:
    """Return the file of a recipe, given by its name or its path."""
    return Path(recipe) if recipe.endswith(".toml") else RECIPES / f"{recipe}.toml"


def expand_recipes(argv: Sequence[str]) -> list[str]:
    """Return the options with those of each ``--recipe`` in front, in the order given.

    The ``--recipe`` options stay where they are, so that the configuration records their names.

    Raises:
        ValueError: A recipe does not exist or is not TOML.
    """
    flags: list[str] = []
    for recipe in _named_recipes(argv):
        flags += read_recipe(recipe)
    return [*flags, *argv]


def read_recipe(recipe: str) -> list[str]:
    """Return a recipe, a name or the path of a TOML file, as flags.

    Raises:
        ValueError: It does not exist or is not TOML.
    """
    path = recipe_path(recipe)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        names = ", ".join(recipe_names())
        raise ValueError(
            f"--recipe {recipe!r}: no such recipe. Give one of {names}, or the path of a TOML file"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: not TOML: {error}") from None
    return list(_as_flags(table))


def _named_recipes(argv: Sequence[str]) -> Iterator[str]:
    for position, option in enumerate(argv):
        if option.startswith("--recipe="):
            yield option.removeprefix("--recipe=")
        elif option == "--recipe" and position + 1 < len(argv):
            yield argv[position + 1]


def _as_flags(table: Mapping[str, Any], prefix: str = "--") -> Iterator[str]:
    for key, value in table.items():
        name = prefix + key.replace("_", "-")
        if isinstance(value, dict):
            yield from _as_flags(value, f"{name}.")
        elif isinstance(value, list):
            yield from (name, *map(str, value))
        else:
            yield f"{name}={value}"
