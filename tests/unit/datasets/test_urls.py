"""Raw roots behind URLs: folders and archives on web servers, read where they lie."""

import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from datasets.files import open_root
from datasets.files.folders import RemoteFolder
from datasets.tracks import SourceError
from tests.support.packs import pack_tar, pack_zip
from tests.support.servers import process
from tests.support.stores import QUICK, faulty


class RangeHandler(SimpleHTTPRequestHandler):
    """Serves files and parts of them, as real servers of datasets do."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        header = self.headers.get("Range", "")
        if not path.is_file() or not header.startswith("bytes="):
            super().do_GET()
            return
        data = path.read_bytes()
        first, _, last = header.removeprefix("bytes=").partition("-")
        part = data[int(first) : int(last) + 1 if last else None]
        self.send_response(206)
        self.send_header("Content-Length", str(len(part)))
        end = int(first) + len(part) - 1
        self.send_header("Content-Range", f"bytes {first}-{end}/{len(data)}")
        self.end_headers()
        self.wfile.write(part)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    def handler(*args: object) -> RangeHandler:
        return RangeHandler(*args, directory=str(tmp_path))  # type: ignore[arg-type]

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_archive_behind_a_url_is_read_in_place(tree: Path, tmp_path: Path, web: str) -> None:
    for path in (pack_zip(tree, tmp_path / "x.zip"), pack_tar(tree, tmp_path / "x.tar")):
        files = open_root(f"{web}/{path.name}")
        assert files.list("a/b") == ["10.jpg", "2.jpg"]
        assert files.read("a/b/2.jpg") == b"two" * 500
        with pytest.raises(SourceError, match=rf"{path.name}: a/b/3\.jpg: no such file"):
            files.read("a/b/3.jpg")


def test_folders_behind_a_url_are_read_in_place(tree: Path, tmp_path: Path, web: str) -> None:
    (tmp_path / "archives").mkdir()
    pack_zip(tree, tmp_path / "archives/x.zip")
    for root in (f"{web}/tree", f"{web}/tree/", f"{web}/archives"):
        files = open_root(root)
        assert files.list("a/b") == ["10.jpg", "2.jpg"]
        assert files.read("a/b/2.jpg") == b"two" * 500
        assert files.exists("a/b")
        assert not files.exists("a/b/3.jpg")
    with pytest.raises(SourceError, match="nowhere: no such folder"):
        open_root(f"{web}/nowhere")


def test_an_archive_on_a_server_that_sends_no_parts_says_what_to_do(
    tree: Path, tmp_path: Path
) -> None:
    pack_zip(tree, tmp_path / "x.zip")
    with process("-m", "http.server", "0", "-b", "127.0.0.1", "-d", str(tmp_path)) as line:
        url = line.split("(")[1].split("/)")[0]
        with pytest.raises(SourceError, match=r"x\.zip: not readable .* range .*Download it"):
            open_root(f"{url}/x.zip").list("")


def test_a_failing_line_is_tried_again_and_never_counts_as_a_damaged_file(
    tree: Path, tmp_path: Path, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.retry._RAW_FILES", QUICK)
    with faulty(web, "--faults", "503", "--every", "2") as url:
        files = RemoteFolder(f"{url}/tree")
        for _ in range(4):
            assert files.read("a/b/10.jpg") == b"ten"
    with pytest.raises(OSError, match=r"503|Cannot connect") as caught:
        files.read("a/b/10.jpg")
    assert not isinstance(caught.value, SourceError)
    assert caught.value.filename == f"{url}/tree/a/b/10.jpg"
