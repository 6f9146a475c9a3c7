"""Roots of raw datasets: named files under a folder, archive or URL.

A root is a folder, a folder of archives as datasets are distributed, a single archive, or a URL
of any of these (``s3://``, ``https://``). Nothing is unpacked to a disk.
"""

from collections.abc import Collection

from commands.retry import naming
from datasets.files.archives import MountedArchives, find_archives, is_archive
from datasets.files.folders import LocalFolder, RawFiles, RemoteFolder, file_system, plain_path
from datasets.tracks import SourceError


def open_root(root: str, *, option: str = "--root") -> RawFiles:
    """Open a raw dataset's root for reading.

    Args:
        root: Folder, archive or URL.
        option: The option that errors name.

    Raises:
        SourceError: Nothing is there, the root is empty, or an archive in it cannot be read.
    """
    root = plain_path(root)
    with naming(root):
        files, path = file_system(root)
        if is_archive(path) and files.isfile(path):
            return MountedArchives(root, find_archives(files, {path: root}), None)
        if not files.isdir(path):
            if files.isfile(path):
                raise SourceError(f"{root}: a file, expected a folder or an archive (.zip, .tar)")
            link = "" if "://" in root else f", or link your copy to {root}"
            raise SourceError(f"{root}: no such folder. Pass {option}{link}")
        folder = RemoteFolder(root) if "://" in root else LocalFolder(root)
        names = folder.list("")
        if not names:
            raise SourceError(
                f"{root}: the folder is empty. Pass {option} with the raw dataset's folder"
            )
        paths = {f"{path.rstrip('/')}/{name}": folder.where(name) for name in names}
        archives = find_archives(files, paths)
    return MountedArchives(root, archives, folder) if archives else folder


def find_bases(files: RawFiles, names: Collection[str]) -> list[str]:
    """Return the prefixes under which a dataset lies: its root, or else folders in the root.

    Args:
        files: The raw root.
        names: Folders of which a base has at least one.
    """
    wanted, top = set(names), files.list("")
    if not wanted.isdisjoint(top):
        return [""]
    return [f"{name}/" for name in top if not wanted.isdisjoint(files.list(name))]
