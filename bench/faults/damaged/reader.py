"""A reader of files of others: a small real tree, the file in it to damage, and the call."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from bench.faults.damaged.mutations import Mutation
from datasets.files import open_root
from datasets.tracks import BadAnnotations, SourceError, Track


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A reader; its name is that of its row in the table."""

    name: str
    file: str
    """The file that is damaged, relative to the tree."""
    make: Callable[[Path], None]
    """Writes the tree into an empty folder."""
    read: Callable[[Path], None]
    """Reads the tree; AssertionError if the content cannot be right."""
    mutations: tuple[Mutation, ...]
    errors: tuple[type[Exception], ...] = (SourceError,)
    """What the commands on it turn into one line, beside files and networks."""
    is_named: bool = True
    """True if errors must hold the name of the damaged file."""
    is_output: bool = False
    """True if the command may write to the tree."""
    seal: Callable[[Path], None] | None = None
    """Corrects the checksums of the damaged file."""
    command: Callable[[Path, Path], tuple[str, list[str]]] | None = None
    """Module and options of a command on a tree that writes to a folder."""


def read_source(
    source: ModuleType, *options: object, leaves_out: bool = False
) -> Callable[[Path], None]:
    """Return a call that reads all tracks of a tree."""

    def read(tree: Path) -> None:
        files = open_root(str(tree))
        for part in source.list_parts(files, *options):
            more = [BadAnnotations()] if leaves_out else []
            check_tracks(source.read_part(files, part, *options, *more))

    return read


def check_tracks(tracks: Iterable[Track]) -> None:
    """Check what every track promises.

    Raises:
        AssertionError: It does not hold.
    """
    for track in tracks:
        boxes = track.boxes_xywh[track.visible]
        assert np.isfinite(boxes).all(), f"{track.name}: visible boxes that are not finite"
        assert (boxes[:, 2:] > 0).all(), f"{track.name}: visible boxes without area"
        assert (np.diff(track.frame_numbers) > 0).all(), f"{track.name}: frames out of order"
        names = [name.split("/") for name in track.frames]
        assert not any(".." in parts or "" in parts for parts in names), "a frame outside"


def build_command(source: str, *more: str) -> Callable[[Path, Path], tuple[str, list[str]]]:
    """Return the build of a source."""

    def command(tree: Path, out: Path) -> tuple[str, list[str]]:
        options = ["--src", source, "--root", str(tree), "--out", str(out / "shards"), *more]
        return "datasets.build", options

    return command


def command_on(module: str, *options: str) -> Callable[[Path, Path], tuple[str, list[str]]]:
    """Return a command; ``{tree}`` and ``{out}`` in its options are replaced."""

    def command(tree: Path, out: Path) -> tuple[str, list[str]]:
        return module, [option.format(tree=tree, out=out) for option in options]

    return command


def files_of(tree: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of each file below a folder."""
    found = {}
    for path in tree.rglob("*"):
        status = path.lstat()
        found[path.relative_to(tree).as_posix()] = (status.st_size, status.st_mtime_ns)
    return found


Readers = Sequence[Reader]
