"""TColor-128: the 129 annotated sequences of its toolkit, in colour.

Read from ``<root>/<Sequence>/``:
    img/0001.jpg ...           frames
    <Sequence>_frames.txt      ``first,last``: the frames that are used
    <Sequence>_gt.txt          one ``x,y,w,h`` line per used frame
"""

from datasets.box_files import decode_text, parse_row
from datasets.files import RawFiles
from datasets.tracks import SourceError
from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks.image_folders import read_image_folder
from evaluation.sequences import BenchmarkSequence

_NAMES = """
Basketball Bicycle Biker Bird Board Bolt Boy CarDark CarScale Coke Couple Crossing Cup David David3
Deer Diving Doll FaceOcc1 Football1 Girl Girlmov Gym Hand Iceskater Ironman Jogging1 Jogging2 Juice
Lemming Liquor Matrix MotorRolling MountainBike Panda Shaking Singer1 Singer2 Skating1 Skating2
Skiing Soccer Subway Sunshade Tiger1 Tiger2 Torus Trellis Walking Walking2 Woman Airport_ce Baby_ce
Badminton_ce1 Badminton_ce2 Basketball_ce1 Basketball_ce2 Basketball_ce3 Bike_ce1 Bike_ce2
Bikeshow_ce Boat_ce1 Boat_ce2 Busstation_ce1 Busstation_ce2 Carchasing_ce1 Carchasing_ce3
Carchasing_ce4 Eagle_ce Electricalbike_ce Face_ce Guitar_ce1 Guitar_ce2 Hurdle_ce1 Hurdle_ce2
Kite_ce1 Kite_ce2 Kite_ce3 Kobe_ce Logo_ce Messi_ce Michaeljackson_ce Motorbike_ce Plane_ce2
Railwaystation_ce Singer_ce1 Singer_ce2 Skating_ce1 Skating_ce2 Skiing_ce Skyjumping_ce Spiderman_ce
Suitcase_ce Surf_ce1 Surf_ce2 Surf_ce3 Surf_ce4 Tennis_ce1 Tennis_ce2 Tennis_ce3 Toyplane_ce
Ball_ce1 Ball_ce2 Ball_ce3 Ball_ce4 Bee_ce Charger_ce Cup_ce Face_ce2 Fish_ce1 Fish_ce2 Hand_ce1
Hand_ce2 Microphone_ce1 Microphone_ce2 Plate_ce1 Plate_ce2 Pool_ce1 Pool_ce2 Pool_ce3 Ring_ce
Sailor_ce SuperMario_ce TableTennis_ce TennisBall_ce Thunder_ce Yo-yos_ce1 Yo-yos_ce2 Yo-yos_ce3
"""


def read_tc128(files: RawFiles) -> list[BenchmarkSequence]:
    """Return every sequence under the root.

    Raises:
        SourceError: A folder is damaged.
    """
    return [
        read_image_folder(
            files,
            f"{name}/img",
            f"{name}/{name}_gt.txt",
            name=name,
            span=_read_span(files, f"{name}/{name}_frames.txt"),
        )
        for name in files.list("")
        if files.exists(f"{name}/{name}_gt.txt")
    ]


def _read_span(files: RawFiles, name: str) -> tuple[int, int]:
    where = files.where(name)
    numbers = parse_row(decode_text(files.read(name), where=where), where=where)
    if len(numbers) != 2 or not 0 < numbers[0] <= numbers[1]:
        raise SourceError(
            f"{where}: {numbers}, expected the first and the last frame. Copy it again"
        )
    return int(numbers[0]), int(numbers[1])


TC128 = BenchmarkRecord(title="TColor-128", official_names=tuple(_NAMES.split()), read=read_tc128)
