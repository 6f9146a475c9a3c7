"""The record of weights and settings in a tracker's folder."""

import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from commands.files import whole_file
from commands.json_files import parse_json
from datasets.files.lock import only_one
from datasets.tracks import SourceError
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
        noted = _read(path).get("identity")
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
    with whole_file(path) as temporary:
        text = json.dumps({"identity": identity, "note": note}) + "\n"
        temporary.write_text(text, encoding="utf-8")


def read_note(folders: Iterable[str]) -> str:
    """Return the remarks beside a tracker's numbers; empty for results from elsewhere."""
    return "; ".join(dict.fromkeys(note for each in folders for note in _read_notes(Path(each))))


def _read_notes(folder: Path) -> list[str]:
    path = folder / TRACKER_FILE
    noted = _read(path).get("note", "") if path.exists() else ""
    return [note for note in (noted, kept_note(folder)) if note]


def _read(path: Path) -> dict[str, str]:
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except ValueError:
        raise SourceError(
            f"{path}: not JSON. Delete the tracker's folder and track again"
        ) from None
    return content if isinstance(content, dict) else {}
