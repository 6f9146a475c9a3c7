"""The example of docs/pairs.md runs as it is printed."""

import math
from pathlib import Path
from typing import Any

from tests.support import ROOT
from tests.support.crops import MadeTrack, write_crops

PAGE = ROOT / "docs" / "pairs.md"


def test_the_siamfc_example_trains(tmp_path: Path) -> None:
    tracks = [MadeTrack(name=f"t{i}", video=f"v{i}", frames=range(4)) for i in range(4)]
    url = write_crops(tmp_path, tracks)
    example = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(compile(example, str(PAGE), "exec"), names)
    losses = names["train"](url, num_pairs=4, batch_size=2)
    assert len(losses) == 2
    assert all(math.isfinite(loss) for loss in losses)
