"""python -m datasets.report --serve: what it shows, to whom, and that it stays within the data."""

import http.client
import re
import socket
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote

import cv2
import polars as pl
import pytest

from datasets.read_crop import read_jpeg
from datasets.report.__main__ import main
from datasets.report.serve.collection import Collection
from datasets.report.serve.server import CropServer
from manifests.schema import ManifestError
from manifests.table import Manifest, read_manifest
from manifests.together import with_manifest
from tests.support.browser import find_chromium, screenshot, visit
from tests.support.made_manifests import Made, in_memory

SOURCES = ("vid", "coco", "uav123", "lasot")


@pytest.fixture(scope="module")
def manifests(sample_shards: Path) -> list[Manifest]:
    return [read_manifest(str(sample_shards / name / "manifest.parquet")) for name in SOURCES]


@pytest.fixture(scope="module")
def server(manifests: list[Manifest]) -> Iterator[CropServer]:
    with CropServer(manifests) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.05,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def fetch(
    server: CropServer, name: str, *, host: str = "", path: str = "", method: str = "GET"
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    headers = {"Host": host} if host else {}
    connection.request(method, path or f"/{server.token}/{name}", headers=headers)
    answer = connection.getresponse()
    status, data = answer.status, answer.read()
    connection.close()
    return status, data


def page(server: CropServer, name: str, where: str = "", **options: int) -> str:
    query = "&".join([f"where={quote(where)}", *(f"{k}={v}" for k, v in options.items())])
    status, data = fetch(server, f"{name}?{query}")
    assert status == 200
    return data.decode()


def counted(text: str) -> int:
    (number,) = set(re.findall(r"<span>([\d,]+) in all", text))
    return int(number.replace(",", ""))


def test_a_condition_shows_the_rows_that_it_selects(
    server: CropServer, manifests: list[Manifest]
) -> None:
    rows = with_manifest(manifests)
    large = rows.filter((pl.col("source") == "vid") & (pl.col("box_w") > 20))
    where = "source = 'vid' AND box_w > 20"
    assert counted(page(server, "crops")) == rows.height
    assert counted(page(server, "crops", where)) == large.height > 0
    assert counted(page(server, "tracks", where)) == large["track"].n_unique()
    assert counted(page(server, "crops", "source LIKE '%123'")) == manifests[2].rows.height


def test_pages_together_hold_every_crop_once(server: CropServer) -> None:
    total = counted(page(server, "crops"))
    pages = [page(server, "crops", page=number) for number in range(1, -(-total // 48) + 1)]
    shown = [int(n) for text in pages for n in re.findall(r"x\.jpg\?row=(\d+)", text)]
    assert sorted(shown) == list(range(total))
    assert page(server, "crops", page=10**6) == pages[-1].replace(
        f'name="page" value="{len(pages)}"', 'name="page" value="1000000"'
    )


def test_crops_are_the_bytes_in_the_shards(server: CropServer, manifests: list[Manifest]) -> None:
    for number in (0, len(server.collection) - 1):
        row = server.collection.row(number)
        url = manifests[row["manifest"]].url
        assert fetch(server, f"z.jpg?row={number}") == (200, read_jpeg(url, row, "z"))
        assert fetch(server, f"x.jpg?row={number}") == (200, read_jpeg(url, row, "x"))


def test_pairs_are_of_one_track_and_as_far_apart_as_asked() -> None:
    tracks = [
        Made("vid", "v", "a", (3, 5, 9)),
        Made("vid", "v", "b", (1, 2)),
        Made("x", "w", "c", (7,)),
    ]
    other = [Made("vid", "v", "b", (4, 6))]
    collection = Collection([in_memory(tracks, seed=3), in_memory(other)])
    for step, gaps in ((1, [2, 4, 1, 2]), (2, [6]), (3, []), (99, [])):
        first = collection.pairs(collection.select(""), step=step)
        pairs = [(collection.row(int(n)), collection.row(int(n) + step)) for n in first]
        assert sorted(x["frame"] - z["frame"] for z, x in pairs) == sorted(gaps)
        assert all((z["manifest"], z["track"]) == (x["manifest"], x["track"]) for z, x in pairs)


@pytest.mark.parametrize("name", ["crops", "tracks", "pairs"])
def test_a_wrong_condition_is_one_line_above_which_it_can_be_mended(
    server: CropServer, name: str
) -> None:
    status, data = fetch(server, f"{name}?where={quote('''sorce = '<b>' ''')}")
    text = data.decode()
    assert status == 400
    assert "did you mean 'source'?" in unescape(text)
    assert 'value="sorce = &#x27;&lt;b&gt;&#x27; "' in text
    assert "<b>" not in text


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("crops?page=x", 400),
        ("pairs?step=0", 400),
        ("pairs?step=" + "9" * 5000, 400),
        ("track?track=-1", 400),
        ("track?track=0&template=99999999", 400),
        ("x.jpg?row=1e3", 400),
        ("x.jpg?row=99999999", 400),
        ("y.jpg?row=0", 404),
        ("", 404),
        ("../../../etc/passwd", 404),
        ("%2e%2e/%2e%2e/etc/passwd", 404),
        ("manifest.parquet", 404),
    ],
)
def test_what_an_address_asks_for_wrongly_is_refused(
    server: CropServer, name: str, status: int
) -> None:
    assert fetch(server, name)[0] == status


def test_only_who_knows_the_address_and_uses_a_local_name_gets_an_answer(
    server: CropServer,
) -> None:
    port = server.server_port
    assert fetch(server, "crops", host=f"localhost:{port}")[0] == 200
    for host in ("rebound.example", f"rebound.example:{port}", "127.0.0.1.example", "x127.0.0.1"):
        assert fetch(server, "crops", host=host)[0] == 403
    for path in ("/", "/crops", "//crops", f"/{server.token[:-1]}/crops", "/%C3%A9/crops"):
        assert fetch(server, "", path=path)[0] == 403
    for method in ("POST", "PUT", "DELETE"):
        assert fetch(server, "crops", method=method)[0] == 501
    assert server.server_address[0] == "127.0.0.1"


def test_it_listens_on_no_other_address(server: CropServer) -> None:
    with (
        pytest.raises(ConnectionRefusedError),
        socket.create_connection(("127.0.0.2", server.server_port), 5),
    ):
        pass


def test_names_in_the_data_are_text(manifests: list[Manifest]) -> None:
    evil = "<script>alert(1)</script>\"'"
    rows = manifests[0].rows.with_columns(
        pl.lit(evil).cast(pl.Categorical).alias(name) for name in ("track", "category", "source")
    )
    made = Manifest(url="m", rows=rows, metadata=manifests[0].metadata, fingerprint="")
    with CropServer([made]) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        texts = [page(server, name) for name in ("crops", "tracks", "pairs", "track")]
        server.shutdown()
        thread.join()
    for text in texts:
        assert "alert(1)" in text
        assert "<script" not in text


def test_a_shard_that_went_away_is_one_missing_picture(sample_shards: Path, tmp_path: Path) -> None:
    made = read_manifest(str(sample_shards / "coco/manifest.parquet"))
    moved = Manifest(
        url=str(tmp_path / "manifest.parquet"),
        rows=made.rows,
        metadata=made.metadata,
        fingerprint="",
    )
    with pytest.raises(ManifestError, match="no such shard"):
        Collection([moved]).jpeg(0, "x")


def test_serving_writes_nothing_and_says_so_about_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--manifests", "m", "--serve", "--out", "r.html"]) == 2
    assert "writes nothing" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "width", "dark"), [("crops", 390, True), ("pairs", 1200, False)])
def test_a_browser_shows_the_crops_and_has_nothing_to_complain_about(
    server: CropServer, name: str, width: int, dark: bool, tmp_path: Path
) -> None:
    chromium = _chromium()
    url, out, profile = server.url.replace("crops", name), tmp_path / "seen.png", tmp_path / "p"
    size = {"width": width, "height": 900}
    assert screenshot(chromium, url, out, profile=profile, dark=dark, **size) == ()
    picture = cv2.imread(str(out))
    assert picture is not None
    assert (picture[0, 0] < 40).all() if dark else (picture[0, 0] == 255).all()
    tiles = picture[450:]
    assert tiles.std() > 20
    assert (tiles == (64, 230, 0)).all(axis=-1).any()  # the boxes


@pytest.mark.parametrize("name", ["tracks", "track"])
def test_a_page_is_no_wider_than_a_phone(server: CropServer, name: str, tmp_path: Path) -> None:
    saved = tmp_path / "page.html"
    saved.write_text(re.sub("<image [^>]*>", "", page(server, name)), encoding="utf-8")
    seen = visit(_chromium(), saved, profile=tmp_path / "profile", width=390)
    assert seen.console == ()
    assert seen.overflow_px <= 0


def _chromium() -> str:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium is installed to open the pages in")
    return chromium
