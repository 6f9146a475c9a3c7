"""The Python of the README does what it says."""

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from datasets.box_files import read_box_file
from tests.support import ROOT

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)


def test_the_shipped_network_follows_a_target_better_than_a_box_that_stays(
    sample_world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sequence = min((sample_world / "OTB100").iterdir())
    truth = read_box_file(sequence / "groundtruth_rect.txt")
    clip = tmp_path / "clip.avi"
    images: list[Any] = [cv2.imread(str(path)) for path in sorted((sequence / "img").iterdir())]
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 25, images[0].shape[1::-1])
    for image in images:
        writer.write(image)
    writer.release()
    exec(BLOCKS[0], {"clip": str(clip), "box": truth[0]})
    numbers = re.findall(r"[-\d.e+]+", capsys.readouterr().out)
    boxes = np.array(numbers, float).reshape(-1, 4)
    assert len(boxes) == len(images) - 1
    centers, moved = (each[:, :2] + each[:, 2:] / 2 for each in (boxes, truth[1 : len(images)]))
    stays = truth[0, :2] + truth[0, 2:] / 2
    distance = np.linalg.norm(centers - moved, axis=1).mean()
    assert distance < 0.5 * np.linalg.norm(stays - moved, axis=1).mean()


def test_pairs_come_in_the_shapes_that_it_states(
    sample_shards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(BLOCKS[1], {"path": str(sample_shards / "vid/manifest.parquet")})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 64 / 16
    shapes = "torch.Size([16, 127, 127, 3]) torch.Size([16, 255, 255, 3]) torch.Size([16, 4])"
    assert all(line.startswith(shapes) for line in lines)
