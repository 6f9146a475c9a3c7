"""Write a network as two ONNX files and compare them with PyTorch.

    python -m model.export --weights runs/finetune/best.safetensors --out onnx
    python -m model.export --weights W.safetensors --shard data/shards/lasot/lasot-000000.tar

``template.onnx`` takes uint8 RGB crops (B, 127, 127, 3) and gives the features; ``search.onnx``
takes crops (B, 255, 255, 3) and the features of B templates, or of one, and gives the head's
outputs. Correlations are written as matrix products (`model.fourier`), which onnxruntime runs 3 to
8 times as fast as a depthwise convolution with a large kernel. Needs onnx and onnxruntime (extra
``export``); crops of a shard need OpenCV.
"""

import logging
import sys
import tarfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from commands.choices import Count
from commands.files import whole_file
from commands.places import keep_inputs, require_utf8
from commands.run import run_command
from model.network import Network
from model.sizes import SEARCH_SIZE, TEMPLATE_SIZE
from model.weights import WeightsError, load_model, weights_files

logger = logging.getLogger("dcffnet")

_OPSET = 17
_LARGEST_DIFFERENCE = 1e-3  # of the largest output; rounding gives about 1e-5


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """Write a network as two ONNX files and compare them with PyTorch."""

    weights: str
    """Weights to export, ``NAME.safetensors``."""
    out: Path = Path("onnx")
    """Folder for ``template.onnx`` and ``search.onnx``."""
    shard: Path | None = None
    """Local shard whose crops are compared; None compares smooth made-up crops."""
    pairs: Count = 3
    """Pairs to compare."""


class _Template(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor) -> tuple[Tensor, ...]:
        return self.network.template(z)


class _Search(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.network.search(x, features).values())


def export_network(network: Network, out: Path) -> None:
    """Write ``template.onnx`` and ``search.onnx`` of a network into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    z = torch.zeros(2, TEMPLATE_SIZE, TEMPLATE_SIZE, 3, dtype=torch.uint8)
    x = torch.zeros(2, SEARCH_SIZE, SEARCH_SIZE, 3, dtype=torch.uint8)
    network = network.cpu().eval()
    with torch.no_grad():
        outputs = list(network(z, x))
        features = len(network.template(z))
    names = [f"features{number}" for number in range(features)]
    _export(_Template(network), (z,), out / "template.onnx", inputs=["z"], outputs=names)
    with torch.no_grad():
        maps = _plain_features(network, z)
    _export(
        _Search(network), (x, *maps), out / "search.onnx", inputs=["x", *names], outputs=outputs
    )


def compare(network: Network, out: Path, z: Tensor, x: Tensor) -> dict[str, float]:
    """Return each output's largest difference from PyTorch's, relative to its largest value.

    Args:
        network: The exported network.
        out: Folder with the two ONNX files.
        z: (B, 127, 127, 3) uint8 templates.
        x: (B, 255, 255, 3) uint8 search crops.
    """
    from onnxruntime import InferenceSession

    providers = ["CPUExecutionProvider"]
    template = InferenceSession(str(out / "template.onnx"), providers=providers)
    search = InferenceSession(str(out / "search.onnx"), providers=providers)
    names = [output.name for output in template.get_outputs()]
    features = dict(zip(names, template.run(None, {"z": z.numpy()}), strict=True))
    outputs = search.run(None, {"x": x.numpy(), **features})
    with torch.no_grad():
        expected: Mapping[str, Tensor] = network(z, x)
    return {
        name: float(
            (torch.from_numpy(values) - expected[name]).abs().max() / expected[name].abs().max()
        )
        for name, values in zip((o.name for o in search.get_outputs()), outputs, strict=True)
    }


def read_crops(shard: Path, pairs: int) -> tuple[Tensor, Tensor]:
    """Return (B, 127, 127, 3) and (B, 255, 255, 3), the middle of a shard's first crops.

    Raises:
        WeightsError: The file is not a shard, or has no such crops.
    """
    import cv2
    import numpy as np

    crops: dict[str, list[Any]] = {"z": [], "x": []}
    sizes = {"z": TEMPLATE_SIZE, "x": SEARCH_SIZE}
    try:
        with tarfile.open(shard, mode="r:") as archive:
            for member in archive:
                kind = member.name.split(".")[-2] if member.name.count(".") > 1 else ""
                file = archive.extractfile(member)
                if kind not in crops or file is None or len(crops[kind]) == pairs:
                    continue
                jpeg = np.frombuffer(file.read(), np.uint8)
                image = cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
                margin = (image.shape[0] - sizes[kind]) // 2
                middle = slice(margin, margin + sizes[kind])
                crops[kind].append(torch.from_numpy(image[middle, middle].copy()))
                if all(len(images) == pairs for images in crops.values()):
                    break
    except (tarfile.TarError, cv2.error) as error:
        raise WeightsError(
            f"{shard}: not a shard of crops ({error}). Pass --shard with one"
        ) from error
    if not crops["z"] or len(crops["z"]) != len(crops["x"]):
        raise WeightsError(f"{shard}: no pairs of crops in it. Pass --shard with one of a build")
    return torch.stack(crops["z"]), torch.stack(crops["x"])


def make_crops(pairs: int) -> tuple[Tensor, Tensor]:
    """Return smooth made-up crops: (B, 127, 127, 3) and the (B, 255, 255, 3) around them."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(pairs, 3, 24, 24, generator=generator) * 255
    x = nn.functional.interpolate(coarse, size=SEARCH_SIZE, mode="bicubic").clamp(0, 255)
    x = x.permute(0, 2, 3, 1).to(torch.uint8)
    first = (SEARCH_SIZE - TEMPLATE_SIZE) // 2
    middle = slice(first, first + TEMPLATE_SIZE)
    return x[:, middle, middle].contiguous(), x.contiguous()


def run(config: ExportConfig) -> int:
    """Export, compare, print the differences; return 1 if they exceed the rounding errors."""
    for module in ("onnx", "onnxruntime"):
        if find_spec(module) is None:
            raise WeightsError(f"model.export: needs {module}. pip install '.[export]'")
    network = load_model(config.weights)
    require_utf8(config.out)
    shard = config.shard
    read: list[str | Path] = [*weights_files(config.weights), shard or ""]
    keep_inputs(read, files=[config.out / "template.onnx", config.out / "search.onnx"])
    export_network(network, config.out)
    crops = make_crops(config.pairs) if shard is None else read_crops(shard, config.pairs)
    differences = compare(network, config.out, *crops)
    for name, difference in differences.items():
        print(f"{name}: largest difference from PyTorch {difference:.1e} of the largest value")
    print(f"{config.out / 'template.onnx'}, {config.out / 'search.onnx'}")
    if max(differences.values()) > _LARGEST_DIFFERENCE:
        logger.error("differs by more than %g; do not use the export", _LARGEST_DIFFERENCE)
        return 1
    return 0


def _plain_features(network: Network, z: Tensor) -> tuple[Tensor, ...]:
    """Return the features of the exported graph, which keeps no transforms."""
    with torch.enable_grad():
        return tuple(features.detach() for features in network.template(z))


def _export(
    module: nn.Module,
    example: tuple[Tensor, ...],
    path: Path,
    *,
    inputs: list[str],
    outputs: list[str],
) -> None:
    axes = {
        name: {0: "templates" if name.startswith(("z", "features")) else "batch"}
        for name in (*inputs, *outputs)
    }
    with warnings.catch_warnings(), torch.no_grad(), whole_file(path) as temporary:
        # all but the batch is constant on purpose; this exporter does not need onnxscript
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            example,
            str(temporary),
            dynamo=False,
            opset_version=_OPSET,
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with weights or export, 2 a wrong option."""
    return run_command(
        ExportConfig, run, argv, prog="python -m model.export", errors=(WeightsError,)
    )


if __name__ == "__main__":
    sys.exit(main())
