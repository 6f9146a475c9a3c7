"""DTB70: 70 short videos from drones.

Read from ``<root>/<Sequence>/``:
    img/00001.jpg ...      frames
    groundtruth_rect.txt   one ``x,y,w,h`` line per frame
"""

from datasets.files import RawFiles
from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks.image_folders import read_image_folder
from evaluation.sequences import BenchmarkSequence

_NAMES = """
Animal1 Animal2 Animal3 Animal4 Basketball BMX2 BMX3 BMX4 BMX5 Car2 Car4 Car5 Car6 Car8
ChasingDrones Girl1 Girl2 Gull1 Gull2 Horse1 Horse2 Kiting ManRunning1 ManRunning2 Motor1 Motor2
MountainBike1 MountainBike5 MountainBike6 Paragliding3 Paragliding5 RaceCar RaceCar1 RcCar3 RcCar4
RcCar5 RcCar6 RcCar7 RcCar8 RcCar9 Sheep1 Sheep2 SkateBoarding4 Skiing1 Skiing2 SnowBoarding2
SnowBoarding4 SnowBoarding6 Soccer1 Soccer2 SpeedCar2 SpeedCar4 StreetBasketball1 StreetBasketball2
StreetBasketball3 SUP2 SUP4 SUP5 Surfing03 Surfing04 Surfing06 Surfing10 Surfing12 Vaulting
Wakeboarding1 Wakeboarding2 Walking Yacht2 Yacht4 Zebra
"""


def read_dtb70(files: RawFiles) -> list[BenchmarkSequence]:
    """Return every sequence under the root.

    Raises:
        SourceError: A folder is damaged.
    """
    return [
        read_image_folder(files, f"{name}/img", f"{name}/groundtruth_rect.txt", name=name)
        for name in files.list("")
        if files.exists(f"{name}/groundtruth_rect.txt")
    ]


DTB70 = BenchmarkRecord(
    title="DTB70", official_names=tuple(_NAMES.split()), read=read_dtb70, source="dtb70"
)
