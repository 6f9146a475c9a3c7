"""Weights: what is saved comes back, and everything else is refused with a reason."""

import hashlib
import json
import pickle
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from model.config import PRESETS, ModelConfig
from model.network import Network, build_model
from model.weights import (
    WeightsError,
    load_model,
    load_start,
    read_description,
    save_weights,
)

NARROW = ModelConfig(width=1 / 8)


def _save(folder: Path, config: ModelConfig = NARROW) -> tuple[Path, Network]:
    torch.manual_seed(3)
    network = build_model(config)
    path = folder / "best.safetensors"
    save_weights(path, network, provenance={"recipe": "pretrain", "step": 7})
    return path, network


def _edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    description_path = path.with_suffix(".json")
    description = json.loads(description_path.read_text(encoding="utf-8"))
    change(description)
    description_path.write_text(json.dumps(description), encoding="utf-8")


def test_weights_that_cannot_be_written_leave_nothing_half_written(tmp_path: Path) -> None:
    path, network = _save(tmp_path)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            save_weights(path, network, provenance={})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best.json", "best.safetensors"]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "config",
    [
        NARROW,
        replace(PRESETS["aligned"], width=1 / 8, head="car"),
        replace(PRESETS["siamfc"], width=1 / 8),
    ],
)
def test_loaded_network_is_the_saved_one(tmp_path: Path, config: ModelConfig) -> None:
    path, network = _save(tmp_path, config)
    loaded = load_model(path)
    assert loaded.config == config
    assert not loaded.training
    saved = network.state_dict()
    assert loaded.state_dict().keys() == saved.keys()
    assert all(value.equal(saved[name]) for name, value in loaded.state_dict().items())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best.json", "best.safetensors"]


def test_description_says_what_the_weights_are(tmp_path: Path) -> None:
    path, _ = _save(tmp_path)
    description = read_description(path)
    assert description["config"]["width"] == 1 / 8
    assert description["input"]["color_order"] == "RGB"
    assert description["provenance"] == {"recipe": "pretrain", "step": 7}


def test_weights_are_read_from_a_url(tmp_path: Path) -> None:
    path, network = _save(tmp_path)
    url = "memory://weights/best.safetensors"
    save_weights(url, network, provenance={})
    loaded, local = load_model(url), load_model(path)
    assert all(v.equal(local.state_dict()[k]) for k, v in loaded.state_dict().items())


def test_backbone_of_a_pretrained_network_enters_another_head(tmp_path: Path) -> None:
    path, pretrained = _save(tmp_path)
    network = build_model(replace(NARROW, head="car", template_crop=0))
    head = {name: value.clone() for name, value in network.head.state_dict().items()}
    load_start(network, path)
    expected = pretrained.backbone.state_dict()
    assert all(v.equal(expected[k]) for k, v in network.backbone.state_dict().items())
    assert all(v.equal(head[k]) for k, v in network.head.state_dict().items())


def test_a_network_of_the_same_head_starts_with_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "start.safetensors"
    torch.manual_seed(0)
    start = build_model(replace(NARROW, head="car"))
    save_weights(path, start, provenance={})
    network = build_model(replace(NARROW, head="car"))
    load_start(network, path)
    for name, value in start.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], value, rtol=0, atol=0)


def test_backbone_of_another_configuration_is_rejected(tmp_path: Path) -> None:
    path, _ = _save(tmp_path)
    with pytest.raises(WeightsError, match="variant 'double', the network to train has 'cf1'"):
        load_start(build_model(replace(NARROW, head="car", variant="cf1")), path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    path, _ = _save(tmp_path)
    with pytest.raises(WeightsError, match=r"other\.json: no such file"):
        load_model(tmp_path / "other.safetensors")
    path.unlink()
    with pytest.raises(WeightsError, match=r"best\.safetensors: no such file"):
        load_model(path)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nothing://x/best.safetensors", "Protocol not known"),
        ("http://127.0.0.1:1/best.safetensors", "Cannot connect"),
        ("{folder}/best.safetensors", "Is a directory"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_reason(
    tmp_path: Path, url: str, message: str
) -> None:
    pytest.importorskip("aiohttp")
    (tmp_path / "best.json").mkdir()
    with pytest.raises(WeightsError, match=rf"best\.json: cannot be read .*{message}"):
        load_model(url.format(folder=tmp_path))


@pytest.mark.parametrize(
    "metadata", [None, {"format": "pt"}, {"config": "resnet50"}, {"config": "null"}]
)
def test_tensors_without_their_configuration_are_foreign(
    tmp_path: Path, metadata: dict[str, str] | None
) -> None:
    path, network = _save(tmp_path)
    save_file(network.state_dict(), path, metadata=metadata)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    _edit(path, lambda d: d.update(sha256=digest))
    with pytest.raises(WeightsError, match="not saved by this toolkit"):
        load_model(path)


def test_tensors_of_another_network_are_rejected(tmp_path: Path) -> None:
    network = build_model(NARROW)
    del network.head.bias
    save_weights(tmp_path / "best.safetensors", network, provenance={})
    with pytest.raises(WeightsError, match=r"'head\.bias' has nothing, .* needs \(\)"):
        load_model(tmp_path / "best.safetensors")


def test_truncated_tensors_are_rejected(tmp_path: Path) -> None:
    path, _ = _save(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="do not have the SHA-256 of the JSON beside it"):
        load_model(path)


def test_foreign_tensors_are_rejected(tmp_path: Path) -> None:
    path, _ = _save(tmp_path)
    data = b"<html>404</html>"
    path.write_bytes(data)
    _edit(path, lambda d: d.update(sha256=hashlib.sha256(data).hexdigest()))
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_model(path)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    pickled = tmp_path / "model.pth"
    pickled.write_bytes(pickle.dumps({"state_dict": {}}))
    with pytest.raises(WeightsError, match=r"they end in \.safetensors"):
        load_model(pickled)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["config"].update(width=1 / 4), r"saved with width 0\.125, .* says 0\.25"),
        (lambda d: d["config"].update(variant="baseline"), "saved with variant 'double', .* says"),
        (lambda d: d["config"].update(variant="triple"), "configuration has variant 'triple'"),
        (lambda d: d["config"].update(fusion="pad"), "saved with fusion 'resize', .* says 'pad'"),
        (lambda d: d["config"].update(gain=5.0), r"saved with gain 0\.0, .* says 5\.0"),
        (lambda d: d["config"].update(width="wide"), "configuration has width 'wide'"),
        (lambda d: d["config"].update(width=-1.0), r"width -1\.0, expected a factor above 0"),
        (lambda d: d["config"].pop("gain"), "configuration lacks 'gain'.* Use the toolkit"),
        (lambda d: d["config"].update(depth=1), "configuration has the unknown 'depth'"),
        (lambda d: d.update(config=None), "configuration is None, expected fields"),
        (lambda d: d.update(version=2), "version 2, this toolkit reads 1. Update the toolkit"),
        (lambda d: d.update(format="other"), "not a description of weights"),
        (lambda d: d["input"].update(color_order="BGR"), "trained on input .*'BGR'"),
        (lambda d: d.pop("sha256"), "do not have the SHA-256"),
    ],
)
def test_a_changed_description_is_rejected(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    path, _ = _save(tmp_path)
    _edit(path, change)
    with pytest.raises(WeightsError, match=message):
        load_model(path)


@pytest.mark.parametrize("text", ["", "{", "\x00\xff", "[1, 2]"])
def test_a_description_that_is_no_json_is_rejected(tmp_path: Path, text: str) -> None:
    path, _ = _save(tmp_path)
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    with pytest.raises(WeightsError, match=r"not JSON|not a description"):
        load_model(path)
