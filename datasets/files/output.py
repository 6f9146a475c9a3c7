"""Folders that commands write, on a local disk or in a bucket: files are whole or absent."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands.files import TEMPORARY, naming_full_disk, whole_file
from commands.retry import naming
from commands.stores import remove_all
from datasets.files.folders import file_system, plain_path


class Output:
    """A folder at a path or fsspec URL; names in it are relative and ``/``-separated."""

    def __init__(self, url: str) -> None:
        self.url = plain_path(url).rstrip("/")
        self.is_local = "://" not in self.url
        self._files, path = file_system(self.url)
        self._path = path.rstrip("/")

    def where(self, name: str) -> str:
        """Return the path or URL of a file."""
        return f"{self.url}/{name}"

    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return the files directly in a folder and their sizes; empty if it does not exist."""
        path = f"{self._path}/{folder}".rstrip("/")
        self._files.invalidate_cache()
        try:
            with naming(self.where(folder)):
                entries = self._files.ls(path, detail=True)
        except FileNotFoundError:
            return {}
        return {
            entry["name"].rpartition("/")[2]: int(entry["size"])
            for entry in entries
            if entry["type"] != "directory"  # a link to a file is neither
        }

    def read(self, name: str) -> bytes:
        """Return a file's content; FileNotFoundError if it is not there."""
        with naming(self.where(name)):
            return bytes(self._files.cat_file(f"{self._path}/{name}"))

    def write(self, name: str, data: bytes) -> None:
        """Write a file; readers see all of it or nothing."""
        with self.new_file(name) as path:
            path.write_bytes(data)

    def create(self, name: str, data: bytes) -> bool:
        """Write a small file unless it exists; return True if it was written."""
        path = f"{self._path}/{name}"
        if self.is_local:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            with naming(self.where(name)), naming_full_disk(path):
                self._files.pipe_file(path, data, mode="create")
        except FileExistsError:
            return False
        return True

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with its content."""
        path = f"{self._path}/{name}"
        if not self.is_local:
            with naming(self.where(name)):
                remove_all(self._files, path)
        elif Path(path).is_dir():
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)

    @contextmanager
    def new_file(self, name: str) -> Iterator[Path]:
        """Yield a local path to write to; the file appears under its name if the block succeeds.

        On a local disk the content is flushed and the file renamed, so that a power cut leaves all
        of it or nothing; in a bucket it is uploaded in parts, which appear together at the end.
        """
        if self.is_local:
            with whole_file(Path(self._path) / name) as temporary:
                yield temporary
            return
        with tempfile.TemporaryDirectory(prefix="build-") as folder:
            temporary = Path(folder) / "content"
            with naming_full_disk(str(temporary)):
                yield temporary
            with naming(self.where(name)):
                self._files.put_file(str(temporary), f"{self._path}/{name}")

    def remove_leftovers(self, folder: str = "") -> None:
        """Remove unfinished files of killed builds from a local folder."""
        if self.is_local:
            for path in (Path(self._path) / folder).glob(f"{TEMPORARY}*"):
                path.unlink(missing_ok=True)
