"""Need for Speed: 100 videos, at 240 frames per second and, taken from these, at 30.

Read from ``<root>/<folder>/<rate>/``, the rate being 30 or 240:
    <Sequence>/00001.jpg ...   frames
    <Sequence>.txt             one VATIC row per frame: id, xmin, ymin, xmax, ymax, frame, lost,
                               occluded, generated, "label"

The box file of the 30 fps part may have a row per frame at 240: then every eighth is used. One row
or one image too many at the end is left out. Ground truth is (xmin, ymin, xmax - xmin,
ymax - ymin) as other toolkits evaluate it, also where the target is flagged lost.
"""

from functools import partial

import numpy as np

from datasets.box_files import decode_text, parse_row
from datasets.files import RawFiles
from datasets.frame_order import sort_frames
from datasets.tracks import SourceError
from evaluation.benchmark import BenchmarkRecord
from evaluation.sequences import BenchmarkSequence, Boxes

_NAMES = """
Gymnastics MachLoop_jet Skiing_red Skydiving airboard_1 airplane_landing airtable_3 basketball_1
basketball_2 basketball_3 basketball_6 basketball_7 basketball_player basketball_player_2
beach_flipback_person bee biker_acrobat biker_all_1 biker_head_2 biker_head_3 biker_upper_body
biker_whole_body billiard_2 billiard_3 billiard_6 billiard_7 billiard_8 bird_2 book bottle bowling_1
bowling_2 bowling_3 bowling_6 bowling_ball bunny car car_camaro car_drifting car_jumping
car_rc_rolling car_rc_rotating car_side car_white cheetah cup cup_2 dog dog_1 dog_2 dog_3 dogs
dollar drone ducks_lake exit first flower footbal_skill helicopter horse_jumping horse_running
iceskating_6 jellyfish_5 kid_swing motorcross motorcross_kawasaki parkour person_scooter pingpong_2
pingpong_7 pingpong_8 purse rubber running running_100_m running_100_m_2 running_2 shuffleboard_1
shuffleboard_2 shuffleboard_4 shuffleboard_5 shuffleboard_6 shuffletable_2 shuffletable_3
shuffletable_4 ski_long soccer_ball soccer_ball_2 soccer_ball_3 soccer_player_2 soccer_player_3
stop_sign suv tiger walking walking_3 water_ski_2 yoyo zebra_fish
"""
_ROWS_PER_FRAME = 8
"""Rows at 240 fps per frame at 30."""


def read_nfs(files: RawFiles, rate: int) -> list[BenchmarkSequence]:
    """Return every sequence of a frame rate under the root.

    Raises:
        SourceError: A folder is damaged.
    """
    return [
        _read_sequence(files, f"{folder}/{rate}", name.removesuffix(".txt"))
        for folder in files.list("")
        for name in files.list(f"{folder}/{rate}")
        if name.endswith(".txt")
    ]


def _read_sequence(files: RawFiles, base: str, name: str) -> BenchmarkSequence:
    images = sort_frames(files.list(f"{base}/{name}"), where=f"{files.root}/{base}/{name}")
    truth = _read_boxes(files, f"{base}/{name}.txt")
    eighths = truth[::_ROWS_PER_FRAME]
    if abs(len(truth) - len(images)) > 1 >= abs(len(eighths) - len(images)):
        truth = eighths
    if abs(len(truth) - len(images)) == 1:
        length = min(len(truth), len(images))
        truth, images = truth[:length], images[:length]
    return BenchmarkSequence(
        name=name, frames=tuple(f"{base}/{name}/{image}" for image in images), truth=truth
    )


def _read_boxes(files: RawFiles, name: str) -> Boxes:
    """Return (T, 4) left, top, width, height of a file of VATIC rows."""
    where = files.where(name)
    corners = []
    for number, line in enumerate(decode_text(files.read(name), where=where).splitlines(), start=1):
        row = parse_row(" ".join(line.split()[1:5]), where=f"{where}:{number}")
        if len(row) != 4:
            raise SourceError(
                f"{where}:{number}: {line.strip()[:60]!r}, expected a VATIC row: id, xmin, ymin, "
                "xmax, ymax and so on. Copy it again"
            )
        corners.append(row)
    values = np.array(corners).reshape(-1, 4)
    return np.concatenate([values[:, :2], values[:, 2:] - values[:, :2]], axis=1)


def _record(rate: int) -> BenchmarkRecord:
    return BenchmarkRecord(
        title=f"NFS {rate} fps",
        official_names=tuple(_NAMES.split()),
        read=partial(read_nfs, rate=rate),
        result_prefix="nfs_",
    )


NFS30 = _record(30)
NFS240 = _record(240)
