"""The exported networks say what PyTorch says, for any batch; the summary has the known figures."""

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.config import PRESETS, ModelConfig
from model.network import build_model
from model.summary import count_parts, describe
from model.weights import save_weights

CONFIGS = [
    replace(PRESETS["aligned"], head="car", width=1 / 8, template_crop=2),
    replace(PRESETS["paper"], width=1 / 8, variant="cf2"),
    replace(PRESETS["siamfc"], width=1 / 8),
]

CORRELATIONS = [(64, 87, 44), (512, 44, 22), (256, 44, 20)]  # channels, search, template cells


def _save(folder: Path, config: ModelConfig) -> Path:
    torch.manual_seed(0)
    path = folder / "best.safetensors"
    save_weights(path, build_model(config), provenance={})
    return path


@pytest.mark.parametrize("config", CONFIGS)
def test_exported_network_equals_pytorch(
    tmp_path: Path, config: ModelConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    from model.export import main

    weights = _save(tmp_path, config)
    assert main(["--weights", str(weights), "--out", str(tmp_path / "onnx"), "--pairs", "3"]) == 0
    assert "largest difference from PyTorch" in capsys.readouterr().out


def test_features_of_one_template_serve_an_exported_batch(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from onnxruntime import InferenceSession

    from model.export import export_network, make_crops

    network = build_model(CONFIGS[0]).eval()
    export_network(network, tmp_path)
    z, x = make_crops(3)
    providers = ["CPUExecutionProvider"]
    template = InferenceSession(str(tmp_path / "template.onnx"), providers=providers)
    search = InferenceSession(str(tmp_path / "search.onnx"), providers=providers)
    names = [output.name for output in template.get_outputs()]
    features = dict(zip(names, template.run(None, {"z": z[:1].numpy()}), strict=True))
    logits = torch.from_numpy(search.run(["logits"], {"x": x.numpy(), **features})[0])
    with torch.no_grad():
        expected = network.search(x, network.template(z[:1]))["logits"]
    torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-4)


def test_crops_of_a_shard_are_compared(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    from model.export import read_crops

    shard = tmp_path / "lasot-000000.tar"
    with tarfile.open(shard, "w") as archive:
        for key in ("000000000", "000000001"):
            for letter, size in (("z", 135), ("x", 263)):
                data = cv2.imencode(".jpg", np.full((size, size, 3), 90, np.uint8))[1].tobytes()
                info = tarfile.TarInfo(f"{key}.{letter}.jpg")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    z, x = read_crops(shard, 2)
    assert z.shape == (2, 127, 127, 3)
    assert x.shape == (2, 255, 255, 3)


def test_export_of_missing_weights_is_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from model.export import main

    assert main(["--weights", str(tmp_path / "none.safetensors")]) == 1
    assert "none.json: no such file" in caplog.text


def test_a_file_that_is_no_shard_is_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("cv2")
    from model.export import main

    weights = _save(tmp_path, CONFIGS[2])
    options = ["--weights", str(weights), "--out", str(tmp_path), "--shard", str(weights)]
    assert main(options) == 1
    (message,) = caplog.messages
    assert "not a shard of crops" in message
    assert "\n" not in message
    assert main([*options, "--pairs", "0"]) == 2


def test_summary_counts_the_published_work() -> None:
    network = build_model(replace(PRESETS["paper"], head="car"))
    template, search = count_parts(network)
    once, frame = (sum(part.num_macs for part in parts) / 1e9 for parts in (template, search))
    assert round(once, 2) == 2.35
    assert round(frame, 1) == 12.7
    alone = sum(
        p.num_macs for p in search if p.name in ("stem", "block2", "block3", "conv4", "tail")
    )
    assert round(alone / 1e9, 2) == 9.34
    assert "SiamRPN++" in describe(network)
    layers = [layer for part in search for layer in part.layers]
    assert sum(layer.num_macs for layer in layers) == sum(part.num_macs for part in search) - sum(
        c * (s - t + 1) ** 2 * t**2 for c, s, t in CORRELATIONS
    )
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert sorted(layer.num_parameters for layer in layers) == sorted(
        sum(p.numel() for p in m.parameters()) for m in convolutions
    )


def test_impossible_network_is_a_wrong_option(capsys: pytest.CaptureFixture[str]) -> None:
    from model.summary import main

    assert main(["--preset", "siamfc", "--head", "car"]) == 2
    said = " ".join(capsys.readouterr().err.replace("\u2502", " ").split())
    assert "variant 'baseline' only" in said
    assert main(["--preset", "papper"]) == 2
