"""A bucket's content, for tests."""

from pathlib import Path

from datasets.files.output import Output


def upload(folder: Path, url: str) -> None:
    """Write every file below a folder into a bucket."""
    output = Output(url)
    for path in folder.rglob("*"):
        if path.is_file():
            output.write(path.relative_to(folder).as_posix(), path.read_bytes())
