"""The formats of result files: MATLAB, the OTB authors' JSON and VOT's binary one."""

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest

from datasets.tracks import SourceError
from evaluation import compare, run
from evaluation.benchmarks.open_benchmark import open_benchmark
from evaluation.results.mat5 import read_mat
from evaluation.results.matlab import parse_matlab
from evaluation.results.otb_json import parse_otb_json
from evaluation.vot.binary_results import parse_binary
from tests.support.foreign_results import binary_of, json_of, matlab_of

BOXES = np.array([[1.5, 2, 30, 40], [2, 3, 30, 41], [np.nan] * 4])


def test_matlab_structs_give_boxes_and_speed() -> None:
    pytest.importorskip("scipy")
    boxes, seconds = parse_matlab(matlab_of(BOXES, fps=12.5, annoBegin=1), where="a.mat")
    np.testing.assert_array_equal(boxes, BOXES)
    assert seconds is not None
    np.testing.assert_allclose(seconds, 1 / 12.5)
    whole, _ = parse_matlab(matlab_of(BOXES[:2].astype(np.uint16)), where="a.mat")
    assert whole.dtype == np.float64


def test_matlab_variables_of_other_shapes_are_read_or_named() -> None:
    savemat = pytest.importorskip("scipy.io").savemat
    from io import BytesIO

    def file_of(**variables: object) -> bytes:
        buffer = BytesIO()
        savemat(buffer, variables)
        return buffer.getvalue()

    struct = {"res": BOXES, "type": "rect"}
    twice = np.empty((1, 2), object)
    twice[0, 0], twice[0, 1] = struct, {"res": BOXES + 9, "type": "rect"}
    for data in (
        file_of(results=struct),
        file_of(results=twice),  # of the temporal evaluation: the first is from the first frame
        file_of(boxes=BOXES),
        file_of(results={"res": struct}),
    ):
        np.testing.assert_array_equal(parse_matlab(data, where="a.mat")[0], BOXES)
    with pytest.raises(SourceError, match=r"a.mat: results of type 'ivtAff', expected 'rect'"):
        parse_matlab(file_of(results={"res": np.ones((3, 6)), "type": "ivtAff"}), where="a.mat")
    with pytest.raises(SourceError, match=r"a.mat: no variable in it"):
        parse_matlab(file_of(), where="a.mat")


def test_a_damaged_matlab_file_is_one_error() -> None:
    pytest.importorskip("scipy")
    whole = matlab_of(BOXES)
    for length in range(0, len(whole), 7):
        with pytest.raises(SourceError, match=r"^a.mat: "):
            parse_matlab(whole[:length], where="a.mat")
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for position in rng.integers(0, len(whole), 3):
            damaged[position] = rng.integers(256)
        with contextlib.suppress(SourceError):  # another number in a box is no visible damage
            parse_matlab(bytes(damaged), where="a.mat")
    newer = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF"
    with pytest.raises(SourceError, match=r"a.mat: saved as version 7.3"):
        parse_matlab(newer, where="a.mat")


def test_files_that_matlab_wrote_hold_what_scipy_reads() -> None:
    scipy_io = pytest.importorskip("scipy.io")
    folder = Path(scipy_io.matlab.__file__).parent / "tests/data"
    paths = sorted(folder.glob("test*_[567].*.mat"))
    if not paths:
        pytest.skip("this SciPy comes without its test files")
    num_arrays = 0
    for path in paths:
        if "hdf5" in path.name:
            continue
        values = read_mat(path.read_bytes(), where=path.name)
        for name, expected in scipy_io.loadmat(path).items():
            if isinstance(expected, np.ndarray) and expected.dtype.kind in "fiub":
                np.testing.assert_array_equal(values[name], expected, err_msg=path.name)
                num_arrays += 1
    assert num_arrays > 10


def test_compressed_and_big_endian_matlab_files_hold_the_same() -> None:
    pytest.importorskip("scipy")
    packed = matlab_of(BOXES, compressed=True)
    assert len(packed) < len(matlab_of(BOXES))
    np.testing.assert_array_equal(parse_matlab(packed, where="a.mat")[0], BOXES)
    # As a big-endian machine wrote it: the variable "res", 1 x 4 doubles.
    words = [14, 80, 6, 8, 6, 0, 5, 8, 1, 4, 3 << 16 | 1]
    data = struct.pack(">11I4s", *words, b"res")
    data += struct.pack(">II4d", 9, 32, 1, 2, 30, 40)
    boxes, _ = parse_matlab(b"MATLAB 5.0".ljust(124) + b"\1\0MI" + data, where="a.mat")
    np.testing.assert_array_equal(boxes, [[1, 2, 30, 40]])


def test_json_of_one_pass_is_read_and_of_others_refused() -> None:
    boxes, seconds = parse_otb_json(json_of(BOXES, fps=50), where="a.json")
    np.testing.assert_array_equal(boxes, BOXES)
    assert seconds is not None
    assert seconds.tolist() == [0.02] * 3
    assert parse_otb_json(b'{"res": [[1, 2, 3, 4]], "resType": "rect"}', where="a")[1] is None
    for data, message in (
        (json_of(BOXES, evalType="SRE"), "results of 'SRE', expected those of one pass"),
        (json_of(BOXES, shiftType="left"), "expected those of one pass"),
        (json_of(BOXES, type="affine"), "type 'affine', expected 'rect'"),
        (json_of(BOXES[:, :3]), r"'res' of shape \(3, 3\), expected x,y,w,h rows"),
        (b'[{"res": "none"}]', r"'res' of shape \(0,\)"),
        (b'[{"res": [[1, 2, 3, Infinity]]}]', "expected x,y,w,h rows"),
        (b"[]", "no record in it"),
        (b"\x00", "not JSON"),
    ):
        with pytest.raises(SourceError, match=f"^a.json: .*{message}"):
            parse_otb_json(data, where="a.json")


def test_binary_files_hold_what_the_text_says_and_damage_is_named() -> None:
    lines = ["1", "1.5,2,30,40", "2", "0", "1,1,5,1,5,5,1,5.25"]
    data = binary_of(lines)
    rows = {n: [float(word) for word in line.split(",")] for n, line in enumerate(lines, start=1)}
    assert parse_binary(data, where="a.bin") == rows
    for length in range(len(data)):
        with pytest.raises(SourceError, match=r"^a.bin: cut off"):
            parse_binary(data[:length], where="a.bin")
    with pytest.raises(SourceError, match=r"a.bin: frame 1 is a mask, expected"):
        parse_binary(data[:6] + b"\x03" + data[7:], where="a.bin")
    with pytest.raises(SourceError, match=r"a.bin: version 2, expected 1"):
        parse_binary(b"\x02" + data[1:], where="a.bin")


def test_vot_results_score_the_same_in_both_formats(
    sample_world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(sample_world / "vot2018")
    (sequence,) = open_benchmark("vot2018", root).sequences
    regions = [",".join(f"{value:.4f}" for value in row) for row in sequence.truth + 2]
    lines = ["1", *regions[1:4], "2", "0", "0", "0", "0", "1", *regions[10:]]
    for tracker, suffix in (("text", "txt"), ("binary", "bin")):
        folder = tmp_path / "results" / tracker / "baseline" / sequence.name
        for experiment in ("baseline", "unsupervised"):
            folder = tmp_path / "results" / tracker / experiment / sequence.name
            folder.mkdir(parents=True)
            content = "\n".join(lines).encode() if suffix == "txt" else binary_of(lines)
            (folder / f"{sequence.name}_001.{suffix}").write_bytes(content)
            (folder / f"{sequence.name}_001_time.value").write_text("0.1\n")
    argv = ["--benchmark", "vot2018", "--root", root, "--results", str(tmp_path / "results")]
    assert compare.main(argv) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    numbers = {row[0]: row[2:] for row in printed if row[1:2] == ["matlab"]}
    assert set(numbers) == {"text", "binary"}
    assert numbers["text"] == numbers["binary"]
    binary = tmp_path / "results/binary/baseline" / sequence.name / f"{sequence.name}_001.bin"
    binary.write_bytes(b"\1\0")
    assert run.main([*argv, "--out", str(tmp_path / "report")]) == 0
    assert "binary" not in capsys.readouterr().out
