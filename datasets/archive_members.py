"""What an archive holds, member by member: where each one's content is."""

import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple


class Member(NamedTuple):
    """Where one file is in an archive."""

    start: int
    """Of the content in a tar, of the member's own header in a zip."""
    stored: int
    """Bytes that the content takes in the archive."""
    method: int
    crc32: int
    """-1 where the archive has none."""


def zip_members(file: Any) -> Iterator[tuple[str, Member]]:
    """Yield name and place of each file of a .zip; BadZipFile if it is damaged or encrypted."""
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if info.flag_bits & 1 or info.compress_type not in (
                zipfile.ZIP_STORED,
                zipfile.ZIP_DEFLATED,
            ):
                raise zipfile.BadZipFile(f"member {info.filename!r} is encrypted or packed oddly")
            yield (
                info.filename.removeprefix("./"),
                Member(info.header_offset, info.compress_size, info.compress_type, info.CRC),
            )


def tar_members(file: Any) -> Iterator[tuple[str, Member]]:
    """Yield name and place of each file of a .tar; ReadError if it is cut off."""
    file.seek(0, 2)
    end = file.tell()
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:") as archive:
        while (info := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # a kilobyte for each of millions
            if not info.isreg():
                continue
            if info.offset_data + info.size > end:
                raise tarfile.ReadError(f"member {info.name!r} is cut off")
            yield info.name.removeprefix("./"), Member(info.offset_data, info.size, 0, -1)
        file.seek(archive.offset)
        if len(file.read(tarfile.BLOCKSIZE)) < tarfile.BLOCKSIZE:
            raise tarfile.ReadError("it ends without the mark of its end")
