"""``--help`` of every command: one screen with its examples, and all options on request."""

import dataclasses
import importlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_type_hints

import pytest

from commands.run import run_command
from commands.usage import command_docstrings, command_examples

PACKAGES = ("manifests", "model", "datasets", "sampling", "trainer", "tracking", "evaluation")
COMMANDS = [
    name for package in (*PACKAGES, "examples", "bench") for name in command_docstrings(package)
]
SCREEN = 45


@dataclass(frozen=True, kw_only=True)
class Part:
    """Options of a part."""

    depth: int = 3
    """A depth that is explained in a text of more than one line, which is how the texts of options
    are written in this project."""
    height: int = 4
    """How high."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """A command."""

    source: str
    """From where."""
    width: int = 2
    """How wide."""
    part: Part = field(default_factory=Part)
    hidden: Part = field(default_factory=Part)


@pytest.fixture
def help_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    monkeypatch.setenv("COLUMNS", "80")

    def read(command: Callable[[list[str]], int], option: str) -> str:
        assert command([option]) == 0
        return capsys.readouterr().out

    return read


def main_of(name: str) -> Callable[[list[str]], int]:
    module = importlib.import_module(name)
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{name}.__main__")
    main: Callable[[list[str]], int] = module.main
    return main


def options_in(text: str) -> set[str]:
    return set(re.findall(r"^\W (?:-\w, )?(--[a-z][\w.-]*)", text, re.MULTILINE))


def option_names(config: Any, prefix: str = "--") -> set[str]:
    names = set()
    for name, kind in get_type_hints(config).items():
        option = f"{prefix}{name.replace('_', '-')}"
        names |= option_names(kind, f"{option}.") if dataclasses.is_dataclass(kind) else {option}
    return names


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_screen_and_leads_to_all_options(
    name: str, help_of: Callable[..., str]
) -> None:
    assert command_docstrings(name.partition(".")[0])[name].split("\n")[0].endswith(".")
    examples = command_examples(name)
    assert f"python -m {name}" in examples
    common, everything = (help_of(main_of(name), option) for option in ("--help", "--help-all"))
    assert sum(max(1, math.ceil(len(line) / 80)) for line in common.splitlines()) <= SCREEN
    assert common.startswith(f"usage: python -m {name}")
    assert common.endswith(f"\nexamples:\n\n{examples}\n")
    hides = f"further options: python -m {name} --help-all" in common
    assert options_in(common) <= options_in(everything)
    assert hides == (options_in(common) != options_in(everything))


def test_the_whole_help_names_each_option_of_a_run(help_of: Callable[..., str]) -> None:
    from trainer.config import TrainConfig

    shown = options_in(help_of(main_of("trainer.run"), "--help-all"))
    assert shown == {"--help", *option_names(TrainConfig)}


def test_common_options_are_shown_with_their_texts_and_defaults(
    help_of: Callable[..., str],
) -> None:
    common = ("source", "part.depth")

    def command(options: list[str]) -> int:
        return run_command(Config, lambda config: None, options, prog="x", common=common)

    text = help_of(command, "-h")
    assert options_in(text) == {"--help", "--source", "--part.depth"}
    flat = " ".join(re.sub(r"^\W|\W$", "", text, flags=re.MULTILINE).split())
    assert "From where. (required)" in flat
    assert "of more than one line, which is how the texts of options are written" in flat
    assert "(default: 3)" in flat
    assert command(["--source", "a", "--width", "5", "--hidden.height", "6"]) == 0


def test_options_that_are_called_common_exist() -> None:
    with pytest.raises(ValueError, match="Part has no option dept"):
        run_command(Config, lambda config: None, ["--help"], prog="x", common=("part.dept",))
