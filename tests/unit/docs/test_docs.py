"""The pages: links lead somewhere, commands and options exist, shell blocks run or say why not."""

import contextlib
import importlib.util
import io
import re
import runpy
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/**/*.md")])
OURS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
BADGE = re.compile(r"\.\./\.\./actions/workflows/([\w.]+)")
"""Link from a page at the root to the runs of a workflow, as GitHub resolves it."""
MARKER = re.compile(r"<!-- (?:not run: .+|run by (tests/\S+)) -->\n$")
COMMAND = re.compile(r"-m ([\w.]+)([^|;&`]*)")


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", _text(page))):
        if target.startswith(("http://", "https://")):
            continue
        if badge := BADGE.match(target):
            assert (ROOT / ".github/workflows" / badge[1]).exists(), target
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert ROOT in [linked, *linked.parents], f"{target} leads out of the repository"
        assert not anchor or anchor in _anchors(linked), target


@pages
def test_python_files_that_a_page_names_exist(page: Path) -> None:
    for name in re.findall(r"`([\w./-]+\.(?:py|toml))`", _text(page)):
        if name.startswith("test_"):
            assert list(ROOT.glob(f"tests/**/{name}")), name
        elif "/" in name:
            assert (ROOT / name).exists(), name


@pages
def test_commands_and_their_options_exist(page: Path) -> None:
    for module, options in _commands(page):
        if re.search("[A-Z]", module):  # stands for any
            continue
        assert importlib.util.find_spec(module), f"python -m {module}"
        if module.split(".")[0] not in OURS:
            continue
        for option in re.findall(r"(?<![\w-])--[a-z][\w.-]*", options):
            assert option in _options(module), f"python -m {module} {option}"


@pages
def test_make_targets_exist(page: Path) -> None:
    targets = re.findall(r"^([\w-]+):", _text(ROOT / "Makefile"), re.MULTILINE)
    code = "\n".join(re.findall(r"```.*?```|`[^`]+`", _text(page), re.DOTALL))
    for target in re.findall(r"(?:^|`)make ([a-z][\w-]*)", code, re.M):
        assert target in targets, f"make {target}"


@pages
def test_shell_blocks_name_the_test_that_runs_them_or_say_why_there_is_none(page: Path) -> None:
    text = _text(page)
    for block in FENCE.finditer(text):
        if block[1] in ("bash", "sh", "console") or re.search(r"^(python|make) ", block[2], re.M):
            marker = MARKER.search(text[: block.start()])
            assert marker, block[0]
            assert not marker[1] or page.name in _text(ROOT / marker[1]), block[0]


def test_the_readme_is_short() -> None:
    assert len(_text(ROOT / "README.md").splitlines()) < 150


@pages
def test_every_page_of_docs_is_in_the_index(page: Path) -> None:
    if page.parent.name == "docs" and page.name != "README.md":
        assert f"({page.name})" in _text(ROOT / "docs" / "README.md")


def test_workflow_and_forms_are_yaml_with_names_that_are_unique() -> None:
    yaml = pytest.importorskip("yaml")  # comes with dask
    files = sorted(ROOT.glob(".github/**/*.yml"))
    contents = {path.name: yaml.safe_load(_text(path)) for path in files}
    assert set(contents["test.yml"]["jobs"]) == {"test"}
    for name in ("bug.yml", "feature.yml", "question.yml"):
        ids = [field["id"] for field in contents[name]["body"] if "id" in field]
        assert len(set(ids)) == len(ids) > 0
        assert contents[name]["name"]
        assert contents[name]["description"]


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", _text(page)), re.MULTILINE)
    words = [re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in words}


def _commands(page: Path) -> Iterator[tuple[str, str]]:
    """Yield module and options of each command in blocks and between backticks."""
    text = _text(page)
    blocks = [
        block[2].replace("\\\n", " ") for block in FENCE.finditer(text) if block[1] != "python"
    ]
    lines = [re.sub(r" #.*", "", line) for block in blocks for line in block.splitlines()]
    spans = [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", FENCE.sub("", text))]
    for line in [*lines, *spans]:
        if re.match(r"[\w=$/.: -]*\b(python3?|torchrun)\b", line):
            yield from COMMAND.findall(line)


@cache
def _options(module: str) -> set[str]:
    """Return the options that a command's ``--help-all`` names."""
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(io.StringIO()) as text,
        contextlib.suppress(SystemExit),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", RuntimeWarning)  # the module was imported before
        patch.setenv("COLUMNS", "400")  # or long names are cut
        patch.setattr(sys, "argv", [module, "--help-all"])
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    return set(re.findall(r"--[a-z][\w.-]*", text.getvalue().partition("\nexamples:\n")[0]))
