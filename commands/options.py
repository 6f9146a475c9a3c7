"""Options of a command: one parser for command lines and recipes, and the help on one screen."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import field, fields, is_dataclass, make_dataclass
from typing import Annotated, Any, TypeVar, get_type_hints

import tyro
from docstring_parser import parse_from_object

from commands.usage import command_examples

Config = TypeVar("Config")

HELP_OPTIONS = frozenset({"-h", "--help", "--help-all"})


def parse_options(config_class: type[Config], argv: Sequence[str], *, prog: str) -> Config:
    """Return the options; SystemExit for a wrong one and for ``--help``."""
    options = complete_flags(config_class, argv)
    return tyro.cli(config_class, args=options, prog=prog, config=(tyro.conf.FlagConversionOff,))


def print_help(config_class: type[Any], common: Sequence[str], *, prog: str) -> None:
    """Print the usage, the options and the examples of a command.

    Args:
        config_class: Dataclass; each field is an option.
        common: Options to show, such as "data.where"; all if empty.
        prog: The command line before the options.
    """
    try:
        parse_options(_for_help(config_class, common), ["--help"], prog=prog)
    except SystemExit as stop:
        if stop.code:
            raise
        rest = f"further options: {prog} --help-all" if common else ""
        examples = command_examples(prog.rpartition(" ")[2])
        parts = [rest, f"examples:\n\n{examples}" if examples else ""]
        sys.stdout.write("".join(f"\n{part}\n" for part in parts if part))
        sys.stdout.flush()


def _for_help(config_class: type[Any], shown: Sequence[str]) -> type[Any]:
    """Return the dataclass with all options hidden but those shown, if any are named.

    Their texts are in one line each: tyro keeps the line breaks of docstrings.
    """
    kinds, hints = get_type_hints(config_class), get_type_hints(config_class, include_extras=True)
    unknown = {option.partition(".")[0] for option in shown} - kinds.keys()
    if unknown:
        raise ValueError(f"{config_class.__name__} has no option {', '.join(unknown)}")
    texts = _option_texts(config_class)
    changed: list[tuple[str, Any, Any]] = []
    for option in fields(config_class):
        name, hint = option.name, hints[option.name]
        default: dict[str, Any] = {
            "default": option.default,
            "default_factory": option.default_factory,
        }
        inner = [other.removeprefix(f"{name}.") for other in shown if other.startswith(f"{name}.")]
        if shown and not inner and name not in shown:
            hint = Annotated[hint, tyro.conf.Suppress]
        elif is_dataclass(kinds[name]):
            part = _for_help(kinds[name], inner)
            hint = Annotated[part, "part", *getattr(hint, "__metadata__", ())]
            default = {"default_factory": part}
        text = "" if inner else texts.get(name)  # a box of a few options needs none
        changed.append((name, hint, field(metadata={"help": text}, **default)))
    namespace = {"__doc__": config_class.__doc__}
    return make_dataclass(
        config_class.__name__, changed, namespace=namespace, frozen=True, kw_only=True
    )


def _option_texts(config_class: type[Any]) -> dict[str, str]:
    classes = [base for base in reversed(config_class.__mro__) if is_dataclass(base)]
    options = [option for base in classes for option in parse_from_object(base).params]
    return {option.arg_name: " ".join((option.description or "").split()) for option in options}


def complete_flags(config_class: type[object], argv: Sequence[str]) -> list[str]:
    """Return the options with a value after each flag: ``--deep`` is ``--deep True``.

    Flags take a value, so that a command line can turn off a flag of a recipe.
    """
    flags = set(_flag_names(config_class, "--"))
    options: list[str] = []
    for index, option in enumerate(argv):
        options.append(option)
        following = argv[index + 1] if index + 1 < len(argv) else "--"
        if option.replace("_", "-") in flags and following not in {"True", "False"}:
            options.append("True")
    return options


def _flag_names(config_class: type[object], prefix: str) -> Iterator[str]:
    if not is_dataclass(config_class):
        return
    for name, kind in get_type_hints(config_class).items():
        option = prefix + name.replace("_", "-")
        if kind is bool:
            yield option
            yield f"--{name.replace('_', '-')}"  # where a command omits the prefix
        yield from _flag_names(kind, f"{option}.")
