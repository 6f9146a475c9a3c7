"""Names that attack who reads them: HTML, escapes of terminals, separators, length, direction."""

import json
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from commands.run import one_line
from datasets.build import main as build
from datasets.report.__main__ import main as report
from datasets.report.serve.collection import Collection
from datasets.report.serve.views import show as serve
from evaluation.compare import main as compare
from evaluation.pair import main as pair
from evaluation.run import main as evaluate
from manifests.query import main as query
from manifests.table import read_manifest
from tests.support.footage import TWO_TARGETS, write_boxes, write_frames
from trainer.config import TrainConfig
from trainer.setup import make_provenance

HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\x07\u202e&\"'`" + "\u200f" * 3 + "long" * 30
"""For a category: text of any kind and length."""
FOLDER = HOSTILE.replace("/", "")[:120]


def assert_harmless(text: str) -> None:
    """Insist on a text without control characters, for a terminal."""
    assert text.replace("\n", "").replace("\t", "").replace("\r", "").isprintable()


def assert_escaped(page: str) -> None:
    """Insist on a page without an element or an attribute that a name has made."""
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert_harmless(page.replace("\u00a0", " "))
    elements = re.sub(r'"[^"]*"', '""', page)  # what stands in attributes is quoted
    assert "onerror" not in re.sub(r">[^<]*<", "><", elements)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return own footage of a hostile category, in a folder of a hostile name."""
    root = tmp_path_factory.mktemp("raw")
    video = write_frames(root / FOLDER)
    write_boxes(video, "coco", TWO_TARGETS)
    path = video / "instances.json"
    content = json.loads(path.read_text())
    content["categories"][0]["name"] = HOSTILE
    path.write_text(json.dumps(content))
    return root


def test_hostile_categories_and_videos_go_through_build_report_and_query(
    footage: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shards, page = tmp_path / "shards", tmp_path / "page.html"
    manifest = ["--manifests", str(shards / "manifest.parquet")]
    assert build(["--src", "folders", "--root", str(footage), "--out", str(shards)]) == 0
    assert report([*manifest, "--out", str(page)]) == 0
    quoted = HOSTILE[:40].replace("'", "''")
    crops = Collection([read_manifest(manifest[1])])
    for view in ("crops", "tracks", "pairs", "track"):
        assert_escaped(serve(crops, view, {"where": f"category != '{quoted}'"}))
    sql = "SELECT video, track, category FROM crops"
    assert query([sql, *manifest]) == 0
    assert query([f"{sql} WHERE category = '{HOSTILE}'", *manifest]) == 1  # it has a quote
    assert_escaped(page.read_text(encoding="utf-8"))
    assert_harmless(capfd.readouterr().out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "shards"]


def test_hostile_names_of_trackers_go_through_pages_and_tables(
    sample_world: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    given = ["--root", str(sample_world / "OTB100"), "--results", str(tmp_path / "results")]
    for name in ("first", FOLDER):
        (tmp_path / "results" / name).mkdir(parents=True)
        for truth in (sample_world / "OTB100").glob("*/groundtruth_rect.txt"):
            text = truth.read_text().replace("\t", ",")
            (tmp_path / "results" / name / f"{truth.parent.name}.txt").write_text(text)
    assert evaluate([*given, "--out", str(tmp_path / "report")]) == 0
    assert compare(given) == 0
    (page,) = (tmp_path / "report").glob("*.html")
    other = tmp_path / "pair.html"
    assert pair([*given, "--out", str(other)]) == 0
    for path in (page, other):
        assert_escaped(path.read_text(encoding="utf-8"))
    assert_harmless(capfd.readouterr().out)


def test_an_error_about_a_hostile_name_is_one_harmless_line() -> None:
    line = one_line(FileNotFoundError(2, "No such file", f"{FOLDER}/a\nb\r"))
    assert line.isprintable()
    assert "\\x1b[2J" in line


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """Return the URL of a web server, with a user and a password in it."""
    (tmp_path / "www").mkdir()
    handler = partial(_Quiet, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://user:hunter2@127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_password_in_a_url_is_neither_said_nor_stored(
    web: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    video = write_frames(tmp_path / "www/raw/clip")
    write_boxes(video, "text")
    given = ["--src", "folders", "--out", str(tmp_path / "out")]
    assert build([*given, "--root", f"{web}/none"]) == 1
    assert build([*given, "--root", f"{web}/raw"]) == 0
    (video / "groundtruth_1.txt").write_text("1,2,3\n")
    assert build([*given, "--root", f"{web}/raw"]) == 1
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 2
    assert all("hunter2" not in record.getMessage() for record in errors)
    assert_no_password(tmp_path, capfd)


def assert_no_password(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Insist on output and files without the password of `web`."""
    said = capfd.readouterr()
    assert "hunter2" not in said.out + said.err
    for path in folder.rglob("*"):
        assert path.is_dir() or b"hunter2" not in path.read_bytes(), path


def test_an_evaluation_over_the_web_neither_says_nor_stores_the_password(
    web: str, sample_world: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(sample_world / "OTB100", tmp_path / "www/otb")
    given = ["--root", f"{web}/otb", "--results", str(tmp_path / "results")]
    assert evaluate([*given, "--tracker", "static", "--out", str(tmp_path / "report")]) == 0
    assert list(tmp_path.glob("results/static/*.txt"))
    assert_no_password(tmp_path, capfd)
    (path,) = list(tmp_path.glob("www/otb/*/groundtruth_rect.txt"))[:1]
    path.write_text("1,2,3\n")
    assert evaluate([*given, "--tracker", "static", "--out", str(tmp_path / "report")]) == 1
    assert_no_password(tmp_path, capfd)


def test_a_signed_manifest_is_stored_without_its_signature(sample_shards: Path) -> None:
    url = "https://me:hunter2@host/manifest.parquet?X-Amz-Signature=hunter2"
    manifest = replace(read_manifest(str(sample_shards / "vid/manifest.parquet")), url=url)
    stored = json.dumps(make_provenance(TrainConfig(manifests=(url,)), [manifest]))
    assert "hunter2" not in stored
    assert "https://***@host/manifest.parquet?***" in stored
