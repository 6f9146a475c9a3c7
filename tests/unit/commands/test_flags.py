"""One spelling, type and default per option over all commands; senseless values exit with 2."""

import dataclasses
import functools
import importlib
from collections import defaultdict
from collections.abc import Iterator
from types import NoneType
from typing import Any, NamedTuple, get_args, get_type_hints

import pytest
import tyro
from tyro.constructors import PrimitiveConstructorSpec

from commands.usage import command_docstrings

PACKAGES = ("manifests", "model", "datasets", "sampling", "trainer", "tracking", "evaluation")

SYNONYMS = frozenset(
    {
        *("manifest", "num_workers", "jobs", "num_threads", "random_seed", "gpu", "filter"),
        *("output", "output_dir", "checkpoint", "model_path", "dataset", "condition"),
    }
)
"""Other names of manifests, workers, threads, seed, device, out, weights, src and where."""

OWN_TYPES = frozenset(
    {
        "benchmark",  # evaluation.export also takes files of no benchmark
        "frames",  # evaluation.tune needs two of a track
        "keep",  # checkpoints of a run; a folder of pictures
        "precision",  # the trainer has auto too; for tracking nothing is measured
        "out",  # a path where the file has to be on a disk, else a path or URL
        "preset",  # of networks; of the tracker's settings
        "recipe",  # trainer.ablate has no command line for its recipes' own options
        "src",  # evaluation.tune needs videos
        "results",  # the folder of one tracker; that of all, which has a default
        "tracker",  # several in a video, one on a benchmark
        "variant",  # model.summary takes that of the preset
        "weights",  # a network; within --data, the shares of the sources
        "workers",  # 0 is the training process itself in trainer.run
    }
)
"""Options whose type belongs to the command, with the reason."""

OWN_DEFAULTS = OWN_TYPES | {"head", "manifests", "root"}
"""Options that some commands need, or for which they have a default of their own."""

ZEROS = {
    **dict.fromkeys(("seed", "epoch"), "the first one"),
    **dict.fromkeys(("max_bad_frames", "max_bad_annotations", "max_bad_samples"), "none allowed"),
    "port": "any that is free",
    **dict.fromkeys(("threads", "workers"), "torch's choice; the training process"),
    **dict.fromkeys(("num_tracks", "num_pictures"), "none shown"),
    **dict.fromkeys(("min_side", "min_area", "max_frames"), "no limit"),
    **dict.fromkeys(("gray", "flip", "color", "blur", "transplant", "negative_ratio"), "no pair"),
    **dict.fromkeys(("search_translate_px", "search_scale", "search_aspect"), "no change"),
    **dict.fromkeys(("template_translate_px", "template_scale"), "no change"),
    **dict.fromkeys(("margin", "template_crop", "max_gap"), "nothing around; nothing cut; itself"),
    **dict.fromkeys(("trunk_rate", "clip_norm", "ema", "checkpoint_steps"), "off"),
    **dict.fromkeys(("warmup_steps", "warmup_share", "momentum", "weight_decay"), "off"),
    **dict.fromkeys(("max_distance", "least_likeness"), "equal hashes; any likeness"),
    **dict.fromkeys(("gain", "val_fraction"), "a fusion that starts silent; no val split"),
}
"""Numbers that may be 0, with its meaning."""

NEGATIVES = frozenset({"gain", "least_likeness"})
"""Numbers that may be negative."""


class Option(NamedTuple):
    """One option of one command."""

    command: str
    config: Any
    """The dataclass with its field."""
    name: str
    """Of the field, such as ``max_gap``."""
    kind: Any


@functools.cache
def config_of(command: str) -> Any:
    """Return the dataclass that a command hands to tyro."""
    module = importlib.import_module(command)
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{command}.__main__")
    configs: list[Any] = []

    def take(config_class: type[Any], **_: Any) -> None:
        configs.append(config_class)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tyro, "cli", take)
        with pytest.raises(KeyboardInterrupt):
            module.main([])
    return configs[0]


@functools.cache
def all_options() -> tuple[Option, ...]:
    commands = [name for package in PACKAGES for name in command_docstrings(package)]
    return tuple(option for name in commands for option in fields_of(name, config_of(name)))


def fields_of(command: str, config: Any) -> Iterator[Option]:
    for name, kind in get_type_hints(config, include_extras=True).items():
        inner = getattr(kind, "__origin__", kind)
        if dataclasses.is_dataclass(inner):
            yield from fields_of(command, inner)
        else:
            yield Option(command, config, name, kind)


def shared_options() -> dict[str, list[Option]]:
    by_name = defaultdict(list)
    for option in all_options():
        by_name[option.name].append(option)
    return {name: options for name, options in by_name.items() if len(options) > 1}


def type_text(kind: Any) -> str:
    """Return the type of an option that is given."""
    if NoneType in get_args(kind):
        (kind,) = (part for part in get_args(kind) if part is not NoneType)
    parts = [
        part.metavar if isinstance(part, PrimitiveConstructorSpec) else part
        for part in get_args(kind)
    ]
    return str(parts or kind)


def default_of(option: Option) -> Any:
    return option.config.__dataclass_fields__[option.name].default


def as_flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def is_refused(option: Option, value: str) -> bool:
    """Return True if a value exits with 2; required options have a value that is right."""
    needed = [
        word
        for field in dataclasses.fields(option.config)
        if field.default is field.default_factory is dataclasses.MISSING
        for word in (as_flag(field.name), "coco")
    ]
    arguments = [*needed, as_flag(option.name), value]
    try:
        tyro.cli(option.config, args=arguments, config=(tyro.conf.FlagConversionOff,))
    except SystemExit as stop:
        return stop.code == 2
    return False


def numbers() -> Iterator[Option]:
    seen = set()
    for option in all_options():
        kinds = {option.kind, *get_args(option.kind)}
        if kinds & {int, float} and (option.config, option.name) not in seen:
            seen.add((option.config, option.name))
            yield option


def test_no_option_has_another_name_for_what_others_have() -> None:
    assert not SYNONYMS & {option.name for option in all_options()}


def test_an_option_that_is_not_given_is_none() -> None:
    for option in all_options():
        assert default_of(option) != "", (option.command, option.name)


def test_an_option_of_several_commands_has_one_type_and_one_default() -> None:
    for name, options in shared_options().items():
        if name not in OWN_TYPES:
            types = {option.command: type_text(option.kind) for option in options}
            assert len(set(types.values())) == 1, (name, types)
        if name not in OWN_DEFAULTS:
            defaults = {option.command: str(default_of(option)) for option in options}
            assert len(set(defaults.values())) == 1, (name, defaults)


def test_exceptions_are_options_that_exist() -> None:
    assert set(shared_options()) >= OWN_DEFAULTS
    assert {option.name for option in numbers()} >= {*ZEROS, *NEGATIVES}


def test_senseless_numbers_are_wrong_options(capsys: pytest.CaptureFixture[str]) -> None:
    for option in numbers():
        values = ["nan", *(["0"] * (option.name not in ZEROS))]
        values += ["-1"] * (option.name not in NEGATIVES)
        for value in values:
            assert is_refused(option, value), (option.command, option.name, value)
            said = "".join(filter(str.isalnum, capsys.readouterr().err))  # out of its frame
            assert option.name.replace("_", "") in said


@pytest.mark.parametrize("name", ["src", "device", "head", "preset", "backbone", "split", "stage"])
def test_unknown_choices_are_wrong_options(name: str) -> None:
    options = [option for option in all_options() if option.name == name]
    assert options
    assert all(is_refused(option, "nonsense") for option in options)
