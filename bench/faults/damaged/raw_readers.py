"""Readers of raw datasets: XML, JSON, box text, images, archives."""

from collections.abc import Callable
from pathlib import Path

from bench.faults.damaged import raw_trees as trees
from bench.faults.damaged.mutations import BYTES, TEXT
from bench.faults.damaged.reader import Reader, build_command, check_tracks, read_source
from bench.faults.damaged.structures import change_json, change_tar, change_xml
from datasets.files import open_root
from datasets.sources import coco, det, folders, got10k, lasot, mot, trackingnet, uav123, vid
from evaluation.benchmarks.open_benchmark import open_benchmark
from tests.support.packs import pack_tar, pack_zip


def _read_archive(tree: Path) -> None:
    files = open_root(str(tree))

    def visit(folder: str, depth: int) -> None:
        for name in files.list(folder):
            path = f"{folder}/{name}".lstrip("/")
            assert ".." not in path.split("/"), path
            if not files.exists(path) or depth > 20:
                continue
            if files.list(path):
                visit(path, depth + 1)
            elif "." in name and not name.endswith((".tar", ".zip")):
                files.read(path)

    visit("", 0)
    for part in vid.list_parts(files):
        check_tracks(vid.read_part(files, part))


def read_benchmark(name: str) -> Callable[[Path], None]:
    """Return a call that opens a benchmark."""

    def read(tree: Path) -> None:
        opened = open_benchmark(name, str(tree))
        for sequence in opened.sequences:
            assert len(sequence.frames) > 0

    return read


_XML = (*TEXT, change_xml, change_xml, change_xml)
_JSON = (*TEXT, *(change_json,) * 10)

RAW_READERS: tuple[Reader, ...] = (
    Reader(
        name="xml vid",
        file=f"Annotations/VID/{trees.VID}/000001.xml",
        make=trees.write_video,
        read=read_source(vid, leaves_out=True),
        mutations=_XML,
        command=build_command("vid"),
    ),
    Reader(
        name="xml det",
        file="Annotations/DET/train/n01/n01_1.xml",
        make=trees.write_det,
        read=read_source(det, leaves_out=True),
        mutations=_XML,
        command=build_command("det"),
    ),
    Reader(
        name="xml cvat",
        file="clip/annotations.xml",
        make=trees.footage("cvat"),
        read=read_source(folders, folders.FolderOptions()),
        mutations=_XML,
        command=build_command("folders"),
    ),
    Reader(
        name="json coco",
        file="annotations/instances_train2017.json",
        make=trees.write_coco,
        read=read_source(coco, leaves_out=True),
        mutations=_JSON,
        command=build_command("coco"),
    ),
    Reader(
        name="json footage",
        file="clip/instances.json",
        make=trees.footage("coco"),
        read=read_source(folders, folders.FolderOptions()),
        mutations=_JSON,
        command=build_command("folders"),
    ),
    *(
        Reader(
            name=f"boxes {name}",
            file=file,
            make=make,
            read=read_source(source, *options),
            mutations=TEXT,
            command=build_command(name.partition(" ")[0]),
        )
        for name, file, make, source, options in (
            ("lasot", "airplane/airplane-2/groundtruth.txt", trees.write_lasot, lasot, ()),
            (
                "lasot flags",
                "airplane/airplane-2/full_occlusion.txt",
                trees.write_lasot,
                lasot,
                (),
            ),
            ("uav123", "anno/UAV123_10fps/uav2.txt", trees.write_uav123, uav123, ()),
            (
                "got10k",
                "train/GOT-10k_Train_000001/groundtruth.txt",
                trees.write_got10k,
                got10k,
                (),
            ),
            (
                "got10k meta",
                "train/GOT-10k_Train_000001/meta_info.ini",
                trees.write_got10k,
                got10k,
                (),
            ),
            ("trackingnet", "TRAIN_0/anno/abc_0.txt", trees.write_trackingnet, trackingnet, ()),
            ("mot", "train/MOT17-02-SDP/gt/gt.txt", trees.write_mot, mot, ()),
            ("mot seqinfo", "train/MOT17-02-SDP/seqinfo.ini", trees.write_mot, mot, ()),
            *(
                (
                    f"folders {kind}",
                    f"clip/{file}",
                    trees.footage(kind),
                    folders,
                    (folders.FolderOptions(),),
                )
                for kind, file in (("text", "groundtruth_1.txt"), ("mot", "gt/gt.txt"))
            ),
        )
    ),
    Reader(
        name="boxes otb",
        file="Basketball/groundtruth_rect.txt",
        make=trees.write_otb,
        read=read_benchmark("otb100"),
        mutations=TEXT,
    ),
    Reader(
        name="boxes vot",
        file="bag/groundtruth.txt",
        make=trees.write_vot,
        read=read_benchmark("vot2018"),
        mutations=TEXT,
        is_named=False,
    ),
    Reader(
        name="boxes vot tags",
        file="bag/occlusion.tag",
        make=trees.write_vot,
        read=read_benchmark("vot2018"),
        mutations=TEXT,
    ),
    Reader(
        name="tar",
        file="raw.tar",
        make=trees.packed(pack_tar, ".tar"),
        read=_read_archive,
        mutations=(*BYTES, *(change_tar,) * 8),
        is_named=False,
        command=build_command("vid"),
    ),
    Reader(
        name="zip",
        file="raw.zip",
        make=trees.packed(pack_zip, ".zip"),
        read=_read_archive,
        mutations=BYTES,
        is_named=False,
        command=build_command("vid"),
    ),
)
