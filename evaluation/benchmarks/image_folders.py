"""Benchmarks whose sequences are folders of numbered images, each with one file of boxes.

Read from ``<root>/<Sequence>/``:
    img/00001.jpg ...          frames
    groundtruth_rect.txt       DTB70: one ``x,y,w,h`` line per frame
    <Sequence>_gt.txt          TColor-128: one per used frame
    <Sequence>_frames.txt      TColor-128: ``first,last``, the frames that are used
"""

from functools import partial

import numpy as np

from datasets.box_files import parse_row, read_text
from datasets.files import RawFiles
from datasets.frame_order import sort_frames
from datasets.tracks import SourceError
from evaluation.benchmark import BenchmarkRecord
from evaluation.benchmarks.published import names_of
from evaluation.sequences import BenchmarkSequence, read_truth


def read_image_folder(
    files: RawFiles,
    folder: str,
    truth_name: str,
    *,
    name: str,
    span: tuple[int, int] | None = None,
    attributes: tuple[str, ...] = (),
) -> BenchmarkSequence:
    """Return the sequence of a folder of images.

    Args:
        files: The benchmark's root.
        folder: Folder of the images, whose names are frame numbers.
        truth_name: File with a box per line.
        name: Name of the sequence.
        span: First and last frame number, where the benchmark uses a part of the folder. The box
            file has a row per frame of the span, or per image.
        attributes: Of the sequence.

    Raises:
        SourceError: Boxes and images are not equally many, or a file is damaged.
    """
    truth = read_truth(files, truth_name)
    images = sort_frames(files.list(folder), where=f"{files.root}/{folder}")
    if not images:
        raise SourceError(f"{files.root}/{folder}: no images, expected 0001.jpg and so on")
    numbers = [_frame_number(image, f"{files.root}/{folder}") for image in images]
    expected = f"{len(images)}, one per image of {folder}"
    if span is not None:
        first, last = span
        length = last - first + 1
        # OTB's Tiger1 has a row per image, its other parts have rows for the used frames only.
        if len(truth) == len(images) > length:
            truth = truth[[first <= number <= last for number in numbers]]
        elif len(truth) == last > length:
            truth = truth[first - 1 :]
        images = [
            image for image, number in zip(images, numbers, strict=True) if first <= number <= last
        ]
        expected = (
            f"{length}, one per frame {first} to {last} as {name} is published, and as many "
            f"images (found {len(images)})"
        )
    if len(truth) != len(images):
        raise SourceError(
            f"{files.where(truth_name)}: {len(truth)} lines, expected {expected}. The copy is "
            "incomplete, or the target of another video lies there"
        )
    return BenchmarkSequence(
        name=name,
        frames=tuple(f"{folder}/{image}" for image in images),
        truth=truth,
        attributes=attributes,
    )


def read_folders(files: RawFiles, truth: str, span: str = "") -> list[BenchmarkSequence]:
    """Return every sequence under the root.

    Args:
        files: The benchmark's root.
        truth: Name of the box file; ``{}`` stands for that of the sequence.
        span: The same of the file with the frames that are used, if the benchmark has one.

    Raises:
        SourceError: A folder is damaged.
    """
    return [
        read_image_folder(
            files,
            f"{name}/img",
            f"{name}/{truth.format(name)}",
            name=name,
            span=_read_span(files, f"{name}/{span.format(name)}") if span else None,
        )
        for name in files.list("")
        if files.exists(f"{name}/{truth.format(name)}")
    ]


def _read_span(files: RawFiles, name: str) -> tuple[int, int]:
    numbers = parse_row(read_text(files, name), where=files.where(name))
    if len(numbers) != 2 or not 0 < numbers[0] <= numbers[1]:
        raise SourceError(
            f"{files.where(name)}: {numbers}, expected the first and the last frame. Copy it again"
        )
    return int(numbers[0]), int(numbers[1])


def read_first_box(
    files: RawFiles, folder: str, truth_name: str, *, name: str, group: str = ""
) -> BenchmarkSequence:
    """Return the sequence of a folder of images with the box of the first one only.

    Args:
        files: The benchmark's root.
        folder: Folder of the images, in the order of their numbers.
        truth_name: File with the box in its first line.
        name: Name of the sequence.
        group: Group of its recording in training manifests.

    Raises:
        SourceError: A file is missing or damaged.
    """
    images = sort_frames(files.list(folder), where=files.where(folder))
    truth = np.full((len(images), 4), np.nan)
    truth[:1] = read_truth(files, truth_name)[0]
    return BenchmarkSequence(
        name=name,
        frames=tuple(f"{folder}/{image}" for image in images),
        truth=truth,
        group=group,
    )


def _frame_number(image: str, where: str) -> int:
    stem = image.rpartition(".")[0]
    if not stem.isdigit():
        raise SourceError(f"{where}/{image}: expected a frame number such as 0001.jpg")
    return int(stem)


DTB70 = BenchmarkRecord(
    title="DTB70",
    official_names=names_of("dtb70"),
    read=partial(read_folders, truth="groundtruth_rect.txt"),
    source="dtb70",
)
TC128 = BenchmarkRecord(
    title="TColor-128",
    official_names=names_of("tc128"),
    read=partial(read_folders, truth="{}_gt.txt", span="{}_frames.txt"),
)
