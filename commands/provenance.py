"""Provenance of pages and pictures: command, settings, manifests."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, get_args, get_type_hints

import tyro

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Fingerprinted(Protocol):
    """A file that a command read, such as a manifest."""

    @property
    def url(self) -> str:
        """Path or URL."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """The origin of a page, for making it again."""

    command: Sequence[str]
    """Program and options, such as ``("python", "-m", "datasets.report", "--manifests", "M")``."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """All options with their values, given or not."""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """Manifest to the SHA-256 of its file."""


def describe_run(
    prog: str, config: "DataclassInstance", manifests: Sequence[Fingerprinted] = ()
) -> Provenance:
    """Return the provenance of a command: its options that differ from their defaults, spelled out.

    Args:
        prog: The command line before the options.
        config: The parsed options.
        manifests: The inputs.
    """
    return Provenance(
        command=(*prog.split(), *_flags(config)),
        settings=dataclasses.asdict(config),
        fingerprints={manifest.url: manifest.fingerprint for manifest in manifests},
    )


def _flags(config: "DataclassInstance", prefix: str = "--") -> Iterator[str]:
    hints = get_type_hints(type(config), include_extras=True)
    for option in dataclasses.fields(config):
        value = getattr(config, option.name)
        name = prefix + option.name.replace("_", "-")
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            is_flat = tyro.conf.OmitArgPrefixes in get_args(hints[option.name])
            yield from _flags(value, prefix if is_flat else f"{name}.")
        elif value == option.default:
            continue
        elif not isinstance(value, (tuple, list)):
            yield from (name, str(value))
        elif tyro.conf.UseAppendAction in get_args(hints[option.name]):
            for part in value:
                yield from (name, str(part))
        else:
            yield from (name, *map(str, value))
