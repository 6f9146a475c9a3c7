"""Made-up sequences in the layouts of the OTB and VOT benchmarks, to evaluate on.

Their photographs are not in the training sources.
"""

from datasets.sample.scene import outline_corners, render
from datasets.sample.sources import World, one_based, write_image, write_text
from datasets.sample.story import make_scene

_SEPARATORS = ("\t", ",", " ")
"""OTB's own files use all three."""


def write_otb(world: World, *, num_sequences: int, num_frames: int) -> None:
    """Write ``OTB100/<Sequence>/{img/0001.jpg, groundtruth_rect.txt}``."""
    for index in range(num_sequences):
        folder = world.root / f"OTB100/Made{index + 1}"
        length = num_frames + 4 * (index % 3)
        scene = make_scene(
            world.photos, world.rng(5, index), num_frames=length, size=world.size,
            num_others=2 + index % 3,
            hidden_at=length // 2 if index % 4 == 3 else None,
        )  # fmt: skip
        rows = []
        for number, frame in enumerate(render(scene), start=1):
            write_image(folder / f"img/{number:04d}.jpg", frame.image)
            rows.append(one_based(frame.boxes_xywh[0], _SEPARATORS[index % 3]))
        write_text(folder / "groundtruth_rect.txt", "\n".join(rows) + "\n")


def write_vot(world: World, *, num_sequences: int, num_frames: int) -> None:
    """Write ``vot2018/list.txt`` and ``vot2018/<sequence>/`` with turned boxes and tags."""
    names = [f"made{index + 1}" for index in range(num_sequences)]
    for index, name in enumerate(names):
        folder = world.root / f"vot2018/{name}"
        scene = make_scene(
            world.photos, world.rng(6, index), num_frames=num_frames, size=world.size,
            num_others=2, hidden_at=num_frames // 2 if index % 2 else None,
        )  # fmt: skip
        rows = []
        occluded = []
        for number, frame in enumerate(render(scene)):
            write_image(folder / f"{number + 1:08d}.jpg", frame.image)
            corners = outline_corners(scene.actors[0], number)
            rows.append(",".join(f"{value:.4f}" for value in corners.ravel()))
            occluded.append(int(frame.shown[0] < 0.6))
        write_text(folder / "groundtruth.txt", "\n".join(rows) + "\n")
        never = dict.fromkeys(("illum_change", "motion_change", "size_change"), [0] * num_frames)
        tags = {"occlusion": occluded, "camera_motion": [1] * num_frames, **never}
        for tag, values in tags.items():
            write_text(folder / f"{tag}.tag", "\n".join(map(str, values)) + "\n")
    write_text(world.root / "vot2018/list.txt", "\n".join(names) + "\n")
