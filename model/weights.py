"""Weights on disk: tensors in ``NAME.safetensors``, their description in ``NAME.json``.

``pretrained`` in place of a path is the network that comes with the toolkit (docs/models.md).

The description has the configuration, the colour order and normalisation of the input, the SHA-256
of the tensors' file and the provenance from the trainer. Nothing is ever unpickled.
"""

import dataclasses
import hashlib
import json
import typing
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from commands.files import whole_file, write_whole
from commands.json_files import parse_json
from commands.stores import open_file
from model.config import ModelConfig
from model.network import CHANNEL_MEAN, CHANNEL_STD, Network, build_model

FORMAT = "dcffnet-weights"
VERSION = 1
PRETRAINED = "pretrained"
"""Name of the network that comes with the toolkit, in place of a path."""
_PRETRAINED_PATH = Path(__file__).parent / "pretrained" / "small.safetensors"
_CONFIG = "config"  # in the tensors' file too: two networks can have tensors of equal shapes
_OF_THE_HEAD = {"head", "template_crop"}
_INPUT = {"color_order": "RGB", "mean": list(CHANNEL_MEAN), "std": list(CHANNEL_STD)}


class WeightsError(ValueError):
    """Weights that cannot be used; the message has the reason and the remedy."""


def save_weights(path: str | Path, network: Network, *, provenance: dict[str, Any]) -> None:
    """Write the network's tensors to ``path`` and their description beside it.

    Both are written under temporary names first, so that a killed process leaves the old ones.

    Args:
        path: ``NAME.safetensors``, a path or a URL of fsspec.
        network: Network to save.
        provenance: Origin of the weights: recipe, manifest fingerprints, step, seeds.
    """
    url = str(path)
    description_url = _description_url(url)
    tensors = {k: value.detach().cpu().contiguous() for k, value in network.state_dict().items()}
    config = dataclasses.asdict(network.config)
    data = save(tensors, metadata={_CONFIG: json.dumps(config, sort_keys=True)})
    description = {
        "format": FORMAT,
        "version": VERSION,
        "config": config,
        "input": _INPUT,
        "sha256": hashlib.sha256(data).hexdigest(),
        "provenance": provenance,
    }
    text = json.dumps(description, indent=2, sort_keys=True).encode() + b"\n"
    _write_all({url: data, description_url: text})


def load_model(path_or_url: str | Path, *, device: str | torch.device = "cpu") -> Network:
    """Return a saved network in evaluation mode.

    Raises:
        WeightsError: The files are missing, foreign, damaged, or of a newer version.
    """
    url = weights_url(path_or_url)
    config, tensors = _read(url)
    network = build_model(config)
    _load_into(network, tensors, url)
    return network.to(device).eval()


def load_start(network: Network, path_or_url: str | Path) -> None:
    """Copy the weights of an earlier stage into ``network``.

    The backbone is copied; the head only if both networks have the same configuration.

    Raises:
        WeightsError: As ``load_model``, or the backbones differ in configuration.
    """
    url = weights_url(path_or_url)
    config, tensors = _read(url)
    for field in dataclasses.fields(ModelConfig):
        theirs, ours = getattr(config, field.name), getattr(network.config, field.name)
        if field.name not in _OF_THE_HEAD and theirs != ours:
            raise WeightsError(
                f"{url}: its backbone has {field.name} {theirs!r}, the network to train has "
                f"{ours!r}. Use the same model options in both stages"
            )
    if config == network.config:
        _load_into(network, tensors, url)
        return
    prefix = "backbone."
    backbone = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    _load_into(network.backbone, backbone, url)


def weights_files(path_or_url: str | Path) -> tuple[str, str]:
    """Return the addresses of the tensors and of their description.

    Raises:
        WeightsError: The name does not end in ``.safetensors``.
    """
    url = weights_url(path_or_url)
    return url, _description_url(url)


def read_description(path_or_url: str | Path) -> dict[str, Any]:
    """Return the JSON beside the weights: config, input, sha256, provenance.

    Raises:
        WeightsError: It is missing, not JSON, foreign, or of a newer version.
    """
    url = _description_url(weights_url(path_or_url))
    try:
        description = parse_json(_read_bytes(url))
    except ValueError as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{url}: not JSON ({error}). Copy the file again") from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise WeightsError(f"{url}: not a description of weights of this toolkit")
    if description.get("version") != VERSION:
        raise WeightsError(
            f"{url}: version {description.get('version')!r}, this toolkit reads {VERSION}. "
            "Update the toolkit"
        )
    return description


def weights_url(path_or_url: str | Path) -> str:
    """Return the address of the tensors; ``pretrained`` is the file that comes with the toolkit."""
    return str(_PRETRAINED_PATH if path_or_url == PRETRAINED else path_or_url)


def _read(url: str) -> tuple[ModelConfig, dict[str, Tensor]]:
    description = read_description(url)
    config = _parse_config(description.get("config"), _description_url(url))
    if description.get("input") != _INPUT:
        raise WeightsError(
            f"{_description_url(url)}: trained on input {description.get('input')}, this toolkit "
            f"feeds {_INPUT}. Use the toolkit that made them"
        )
    data = _read_bytes(url)
    if hashlib.sha256(data).hexdigest() != description.get("sha256"):
        raise WeightsError(
            f"{url}: {len(data)} bytes do not have the SHA-256 of the JSON beside it: truncated, "
            "or the two files are of different saves. Copy both again"
        )
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise WeightsError(f"{url}: not a safetensors file ({error})") from error
    _check_config(config, data, url)
    return config, tensors


def _check_config(config: ModelConfig, data: bytes, url: str) -> None:
    # safetensors returns metadata of local files only: the first 8 bytes are the length of the
    # JSON before the tensors
    header = parse_json(data[8 : 8 + int.from_bytes(data[:8], "little")])
    try:
        saved = parse_json(header.get("__metadata__", {}).get(_CONFIG, "null"))
    except ValueError:  # other writers of safetensors put plain text there
        saved = None
    if not isinstance(saved, dict):
        raise WeightsError(
            f"{url}: says nothing of its configuration: it was not saved by this toolkit. Use "
            "weights that the trainer wrote"
        )
    for name, ours in dataclasses.asdict(config).items():
        if saved.get(name) != ours:
            raise WeightsError(
                f"{url}: saved with {name} {saved.get(name)!r}, the JSON beside it says {ours!r}. "
                "The JSON was changed; restore it"
            )


def _parse_config(fields: Any, url: str) -> ModelConfig:
    types = typing.get_type_hints(ModelConfig)
    if not isinstance(fields, dict):
        raise WeightsError(f"{url}: configuration is {fields!r}, expected fields; restore the file")
    for name in sorted(fields.keys() ^ types.keys()):
        fault = "lacks" if name in types else "has the unknown"
        raise WeightsError(
            f"{url}: configuration {fault} {name!r}: of another version of this toolkit, or "
            "changed. Use the toolkit that made them"
        )
    for name, value in fields.items():
        choices = typing.get_args(types[name])
        expected = str if types[name] is str else (int, float)
        valid = value in choices if choices else isinstance(value, expected)
        if not valid:
            raise WeightsError(f"{url}: configuration has {name} {value!r}; restore the file")
    try:
        return ModelConfig(**fields)
    except ValueError as error:
        raise WeightsError(f"{url}: {error}") from error


def _load_into(module: torch.nn.Module, tensors: dict[str, Tensor], url: str) -> None:
    expected = module.state_dict()
    for name in sorted(expected.keys() | tensors.keys()):
        theirs = tuple(tensors[name].shape) if name in tensors else "nothing"
        ours = tuple(expected[name].shape) if name in expected else "nothing"
        if theirs != ours:
            raise WeightsError(
                f"{url}: tensor {name!r} has {theirs}, its configuration needs {ours}. "
                "Use the toolkit that made them"
            )
    module.load_state_dict(tensors)


def _description_url(url: str) -> str:
    if not url.endswith(".safetensors"):
        raise WeightsError(f"{url}: not weights of this toolkit; they end in .safetensors")
    return url.removesuffix(".safetensors") + ".json"


def _read_bytes(url: str) -> bytes:
    try:
        with open_file(url) as file:
            return file.read()
    except Exception as error:  # every store has its own errors: credentials, HTTP, no module
        if isinstance(error, FileNotFoundError) and error.__cause__ is None:
            raise WeightsError(
                f"{url}: no such file. Weights are a .safetensors and a .json of the same name"
            ) from error
        reason = " ".join(str(error.__cause__ or error).split()) or type(error).__name__
        raise WeightsError(f"{url}: cannot be read ({reason}). Check the address") from error


def _write_all(files: dict[str, bytes]) -> None:
    with ExitStack() as renamed_at_the_end:
        for url, data in files.items():
            if "://" in url:  # object stores show a file only when it is complete
                write_whole(url, data)
                continue
            temporary = renamed_at_the_end.enter_context(whole_file(Path(url)))
            temporary.write_bytes(data)
