"""All tracks of a raw tree, for tests of sources."""

from pathlib import Path

from datasets.files.roots import open_root
from datasets.sources import SOURCES
from datasets.tracks import Track


def read_tracks(source: str, root: Path) -> list[Track]:
    """Return the tracks of a source in their order."""
    files = open_root(str(root))
    reader = SOURCES[source]
    return [track for part in reader.list_parts(files) for track in reader.read_part(files, part)]
