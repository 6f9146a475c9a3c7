"""The one look of all pages: self-contained, escaped, with alt texts, and quiet in a browser."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import tyro

from commands.pages.charts import histogram
from commands.pages.page import Picture, Section, Table, page_html, write_page
from commands.provenance import Provenance, describe_run
from datasets.overlap.__main__ import main as overlap
from datasets.report.__main__ import main as report
from evaluation.run import main as evaluate
from tests.support.browser import find_chromium, screenshot, visit
from trainer.preview import PreviewConfig
from trainer.preview import main as preview

MADE_BY = Provenance(
    command=("python", "-m", "x", "--where", "a = 'b'"),
    settings={"seed": 3},
    fingerprints={"m.parquet": "ab12"},
)
SOURCES = ("vid", "coco", "uav123", "lasot")


@pytest.fixture(scope="module")
def pages(
    sample_world: Path, sample_shards: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Return a page of each command, made from the tiny world."""
    folder = tmp_path_factory.mktemp("pages")
    manifests = [str(sample_shards / source / "manifest.parquet") for source in SOURCES]
    found = {name: folder / f"{name}.html" for name in ("report", "pairs", "overlap")}
    assert report(["--manifests", *manifests, "--out", str(found["report"])]) == 0
    options = ["--recipe", "paper-finetune-aug", "--num-pairs", "4", "--out", str(found["pairs"])]
    assert preview(["--manifests", *manifests, *options]) == 0
    for name, benchmark in (("onepass", "otb100"), ("supervised", "vot2018")):
        root = sample_world / {"otb100": "OTB100"}.get(benchmark, benchmark)
        options = ["--root", str(root), "--benchmark", benchmark, "--tracker", "static"]
        options += ["--results", str(folder / f"{name}-results"), "--out", str(folder / name)]
        assert evaluate(options) == 0
        found[name] = folder / name / "report.html"
    against = ["--against", str(sample_world / "uav123"), "--num-copies", "10", "--every", "3"]
    assert overlap(["--manifests", *manifests, *against, "--out", str(found["overlap"])]) == 0
    return found


def picture() -> bytes:
    done, data = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))
    assert done
    return bytes(data)


def test_text_is_escaped_wherever_it_stands() -> None:
    evil = '<script>"&'
    section = Section(
        title=evil,
        text=evil,
        code=evil,
        warnings=(evil,),
        pictures=(
            Picture(figure=picture(), alt=evil, caption=evil),
            histogram([1, 2], label=evil),
        ),
        tables=(Table(caption=evil, columns=(evil, evil), rows=((evil, evil),)),),
    )
    made_by = Provenance(command=(evil,), settings={evil: evil}, fingerprints={evil: evil})
    page = page_html(evil, [section], made_by=made_by)
    assert "<script" not in page


def test_a_page_says_what_made_it() -> None:
    page = page_html("t", [], made_by=MADE_BY)
    assert "python -m x --where &#x27;a = &#x27;&quot;&#x27;&quot;&#x27;b" in page
    assert "ab12  m.parquet" in page
    assert "&quot;seed&quot;: 3" in page


def test_the_command_spells_out_what_is_not_the_default() -> None:
    config = PreviewConfig(manifests=("a", "b"), recipe=("finetune", "demo"), seed=4)
    command = describe_run("python -m sampling.preview", config).command
    assert command == (
        *("python", "-m", "sampling.preview", "--manifests", "a", "b"),
        *("--recipe", "finetune", "--recipe", "demo", "--seed", "4"),
    )
    assert tyro.cli(PreviewConfig, args=command[3:]) == config


def test_a_failed_page_leaves_nothing(tmp_path: Path) -> None:
    broken = Section(title="t", tables=(Table(caption="", columns=("a", "b"), rows=(("x",),)),))
    with pytest.raises(ValueError, match="zip"):
        write_page(str(tmp_path / "p.html"), "t", [broken], made_by=MADE_BY)
    assert list(tmp_path.iterdir()) == []


def test_tables_print_numbers_as_their_kind() -> None:
    table = Table(
        caption="",
        columns=("name", "count", "share", "none"),
        rows=(("a", 12345, 0.25, None), ("b", 1, 0.5, None)),
        higher_is_better=(False, True),
    )
    page = page_html("t", [Section(title="s", tables=(table,))], made_by=MADE_BY)
    assert "12,345</td>" in page
    assert '<td class="best">0.500</td>' in page
    assert '<td class="second">0.250</td>' in page
    assert "<td>-</td>" in page


@pytest.mark.parametrize(
    "values",
    [[], [np.nan], [5.0], [1, 1, 1], [0, -1, 3], [0], [1e-9, 1e9], [3, 700], [6, 7], [0.5, 1.9]],
)
def test_a_histogram_counts_every_value_and_has_round_marks(values: list[float]) -> None:
    shown = histogram(values, label="px")
    chart = str(shown.figure)
    finite = [v for v in values if np.isfinite(v)]
    counts = [int(n) for n in re.findall(r": (\d+)</title>", chart)]
    assert sum(counts) == sum(v > 0 for v in finite)
    left_out = re.findall(r"; (\d+) at or below 0 not shown", shown.caption)
    assert sum(map(int, left_out)) == sum(v <= 0 for v in finite)
    if counts:
        marks = [float(m) for m in re.findall(r'y="180.0" text-anchor="middle">([^<]+)<', chart)]
        assert 2 <= len(marks) <= 8
        assert marks == sorted(marks)
    if values == [3, 700]:
        assert marks == [5, 10, 20, 50, 100, 200, 500]
    if values == [0.5, 1.9]:
        assert marks == [0.6, 0.7, 0.8, 0.9, 1, 1.5]
    assert "nan" not in chart + shown.alt


@pytest.mark.parametrize("name", ["report", "pairs", "overlap"])
def test_a_page_needs_nothing_beside_it(pages: dict[str, Path], name: str) -> None:
    page = pages[name].read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#s\d)', page)
    assert "url(" not in page
    pictures = re.findall(r"<img [^>]*>", page)
    assert pictures
    assert all(re.search(r'alt="[^"]{10,}"', picture) for picture in pictures)
    assert "Made by" in page
    assert page.count("manifest.parquet\n") >= len(SOURCES) - 1


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (420, True)])
@pytest.mark.parametrize("name", ["report", "pairs", "overlap", "onepass", "supervised"])
def test_a_browser_has_nothing_to_complain_about(
    pages: dict[str, Path], name: str, width: int, dark: bool, tmp_path: Path
) -> None:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium is installed to open the pages in")
    profile, out = tmp_path / "profile", tmp_path / "seen.png"
    seen = visit(chromium, pages[name], profile=profile, width=width, dark=dark)
    assert seen.console == ()
    assert seen.overflow_px <= 0
    screenshot(chromium, pages[name], out, profile=profile, width=width, height=900, dark=dark)
    picture = cv2.imread(str(out))
    assert picture is not None
    assert picture.shape == (900, width, 3)
    assert (picture[0, 0] < 40).all() if dark else (picture[0, 0] == 255).all()
    assert picture.std() > 20  # there is something on it


def test_a_wide_table_is_whole_on_paper_which_does_not_scroll(tmp_path: Path) -> None:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium is installed to open the pages in")
    names = tuple(f"ILSVRC2015_train_{number:08d}" for number in range(8))
    columns = tuple(f"column {number}" for number in range(8))
    table = Table(caption="wide", columns=columns, rows=(names,))
    page = page_html("t", [Section(title="s", tables=(table,))], made_by=MADE_BY)
    page = page.replace("@media screen ", "@media tty ").replace("@media print ", "@media all ")
    paper, a4_px = tmp_path / "paper.html", round((210 / 25.4 - 0.8) * 96)  # within its margins
    paper.write_text(page.replace("overflow-x: auto", "overflow-x: visible"))
    seen = visit(chromium, paper, profile=tmp_path / "profile", width=a4_px)
    assert seen.overflow_px <= 0


def test_the_browser_reports_what_is_wrong(tmp_path: Path) -> None:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium is installed to open the pages in")
    page = tmp_path / "bad.html"
    page.write_text("<title></title><p style='width:3000px'>x<script>missing();</script>")
    seen = visit(chromium, page, profile=tmp_path / "profile", width=500)
    assert "missing is not defined" in seen.console[0]
    assert seen.overflow_px > 2000
