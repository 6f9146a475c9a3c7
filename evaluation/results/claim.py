"""The record of weights and settings in a tracker's folder."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from datasets.files.lock import only_one
from datasets.tracks import SourceError
from evaluation.results.files import read_record, write_record
from evaluation.results.kept import kept_note
from evaluation.results.tracked_on import TRACKER_FILE


def only_tracking(folder: Path) -> AbstractContextManager[None]:
    """Hold a tracker's folder: two trackers at once would leave results of both in it.

    Raises:
        SourceError: Another process tracks into it; the message has its host and process.
    """
    return only_one(folder, doing="tracking", option="--name")


def claim_folder(folder: Path, identity: str, *, note: str = "") -> None:
    """Record in a tracker's folder what its results depend on, or check that it is unchanged.

    Args:
        folder: Where the results go.
        identity: Such as the SHA-256 of the weights.
        note: Remark beside the tracker's numbers in every table.

    Raises:
        SourceError: The folder has results of another tracker, or of other weights.
    """
    path = folder / TRACKER_FILE
    has_results = next(folder.rglob("*.txt"), None) is not None
    if path.exists():
        noted = read_record(path).get("identity")
        if noted == identity:
            return
        if has_results:
            raise SourceError(
                f"{folder}: holds results of {noted!r}, and this tracker is {identity!r}. "
                "Pass another --name, or delete the folder"
            )
    elif has_results:
        raise SourceError(
            f"{folder}: holds results that were not tracked here. Pass another --name, or score "
            "them with --results"
        )
    write_record(path, {"identity": identity, "note": note})


def read_note(folders: Iterable[str]) -> str:
    """Return the remarks beside a tracker's numbers; empty for results from elsewhere."""
    return "; ".join(dict.fromkeys(note for path in folders for note in _read_notes(Path(path))))


def _read_notes(folder: Path) -> list[str]:
    notes = (read_record(folder / TRACKER_FILE).get("note", ""), kept_note(folder))
    return [note for note in notes if note]
