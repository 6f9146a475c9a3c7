"""VOT's supervised short-term challenges: each year's sequences, and the lengths that EAO averages.

Most sequences are shown in several years, so that results look alike; the expected average overlap
(EAO) is an average over lengths that each challenge set for its own sequences. VOT2017 has the
sequences and the lengths of 2018, and VOT2015 those of 2016.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from datasets.tracks import SourceError
from evaluation.names import match_name

_NAMES_2016 = """
bag ball1 ball2 basketball birds1 birds2 blanket bmx bolt1 bolt2 book butterfly car1 car2 crossing
dinosaur fernando fish1 fish2 fish3 fish4 girl glove godfather graduate gymnastics1 gymnastics2
gymnastics3 gymnastics4 hand handball1 handball2 helicopter iceskater1 iceskater2 leaves marching
matrix motocross1 motocross2 nature octopus pedestrian1 pedestrian2 rabbit racing road shaking sheep
singer1 singer2 singer3 soccer1 soccer2 soldier sphere tiger traffic tunnel wiper
"""
_NAMES_2018 = """
ants1 ants3 bag ball1 ball2 basketball birds1 blanket bmx bolt1 bolt2 book butterfly car1
conduction1 crabs1 crossing dinosaur drone_across drone_flip drone1 fernando fish1 fish2 fish3
flamingo1 frisbee girl glove godfather graduate gymnastics1 gymnastics2 gymnastics3 hand handball1
handball2 helicopter iceskater1 iceskater2 leaves matrix motocross1 motocross2 nature pedestrian1
rabbit racing road shaking sheep singer2 singer3 soccer1 soccer2 soldier tiger traffic
wiper zebrafish1
"""
_NAMES_2019 = """
agility ants1 ball2 ball3 basketball birds1 bolt1 book butterfly car1 conduction1 crabs1 dinosaur
dribble drone1 drone_across drone_flip fernando fish1 fish2 flamingo1 frisbee girl glove godfather
graduate gymnastics1 gymnastics2 gymnastics3 hand hand2 handball1 handball2 helicopter iceskater1
iceskater2 lamb leaves marathon matrix monkey motocross1 nature pedestrian1 polo rabbit rabbit2 road
rowing shaking singer2 singer3 soccer1 soccer2 soldier surfing tiger wheel wiper zebrafish1
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class VotYear:
    """What one challenge fixed."""

    names: tuple[str, ...]
    """Its 60 sequences."""
    eao_lengths: tuple[int, int]
    """First and last length that the expected average overlap averages over."""


VOT_YEARS: Mapping[str, VotYear] = {
    "vot2016": VotYear(names=tuple(_NAMES_2016.split()), eao_lengths=(108, 371)),
    "vot2018": VotYear(names=tuple(_NAMES_2018.split()), eao_lengths=(100, 356)),
    "vot2019": VotYear(names=tuple(_NAMES_2019.split()), eao_lengths=(46, 291)),
}
"""By the name of the benchmark."""


def check_year(benchmark: str, names: Iterable[str], *, root: str) -> None:
    """Refuse sequences that only other years have.

    A part of a year, and sequences that no year has, are accepted: nothing contradicts the year
    that was asked for.

    Raises:
        SourceError: A sequence belongs to another year than the benchmark asked for.
    """
    ours = VOT_YEARS[benchmark].names
    foreign = [name for name in names if match_name(name, ours) is None]
    found = {
        year: [name for name in foreign if match_name(name, VOT_YEARS[year].names) is not None]
        for year in VOT_YEARS
    }
    best = max(found, key=lambda year: len(found[year]))
    if found[best]:
        raise SourceError(
            f"{root}: {len(found[best])} of its sequences, such as {found[best][0]}, are "
            f"{best.upper()}'s and not {benchmark.upper()}'s, and EAO averages over other lengths "
            f"there. Pass --benchmark {best}, or --root with the sequences of one year"
        )
