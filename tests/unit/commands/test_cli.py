"""What every command does with wrong options, missing data and interruptions."""

import ast
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from commands.run import run_command
from datasets.build import main as build
from datasets.filters import Filters
from tests.support import ROOT

PACKAGES = [
    *("commands", "manifests", "model", "datasets"),
    *("sampling", "trainer", "tracking", "evaluation"),
]


@dataclass(frozen=True, kw_only=True)
class Config:
    """A command's options."""

    workers: int = 1
    """How many."""
    deep: bool = False
    """A flag."""
    filters: Filters = field(default_factory=Filters)


def fail(error: BaseException) -> int:
    def run(config: Config) -> None:
        raise error

    return run_command(Config, run, [], prog="x", errors=(KeyError,))


def test_expected_errors_are_one_line_and_exit_1(caplog: pytest.LogCaptureFixture) -> None:
    assert fail(KeyError("two\nlines")) == 1
    assert fail(FileNotFoundError(2, "No such file or directory", "some/file")) == 1
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert "\n" not in messages[0]
    assert messages[1] == "some/file: No such file or directory"


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())


def test_ctrl_c_is_130() -> None:
    assert fail(KeyboardInterrupt()) == 130


def test_a_misspelt_option_exits_2_and_suggests_the_right_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_command(Config, lambda config: None, ["--worker", "2"], prog="x") == 2
    assert "--workers" in capsys.readouterr().err
    assert run_command(Config, lambda config: None, ["--workers", "two"], prog="x") == 2


@pytest.mark.parametrize(
    ("options", "deep", "keep"),
    [
        ([], False, False),
        (["--deep"], True, False),
        (["--deep", "--workers", "2"], True, False),
        (["--deep", "False", "--filters.keep-ignored"], False, True),
        (["--deep", "True", "--deep", "False"], False, False),
    ],
)
def test_a_flag_needs_no_value_and_takes_one(options: list[str], deep: bool, keep: bool) -> None:
    seen: list[Config] = []
    assert run_command(Config, seen.append, options, prog="x") == 0
    assert (seen[0].deep, seen[0].filters.keep_ignored) == (deep, keep)


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--every", "0", "at least 1"),
        ("--max-aspect", "0.5", "at least 1"),
        ("--max-area", "1.5", "at most 1"),
        ("--val-fraction", "nan", "at most 0.99"),
        ("--workers", "0", "at least 1"),
        ("--quality", "101", "at most 100"),
    ],
)
def test_a_value_out_of_range_exits_2_and_says_the_range(
    option: str, value: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(["--src", "coco", option, value]) == 2
    message = " ".join(capsys.readouterr().err.replace("\u2502", " ").split())
    assert f"{option}: {value}, expected" in message
    assert expected in message


def test_importing_any_module_prints_and_writes_nothing(tmp_path: Path) -> None:
    code = (
        "import importlib, pathlib, sys; sys.path.insert(0, sys.argv[1])\n"
        "for package in sys.argv[2:]:\n"
        "    for path in sorted(pathlib.Path(sys.argv[1], package).rglob('*.py')):\n"
        "        name = path.relative_to(sys.argv[1]).with_suffix('')\n"
        "        importlib.import_module('.'.join(name.parts))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(ROOT), *PACKAGES],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert not list(tmp_path.iterdir())


def test_every_progress_bar_is_quiet_in_a_pipe() -> None:
    calls = [
        node
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tqdm"
    ]
    assert len(calls) > 5
    for call in calls:
        values = {option.arg: ast.unparse(option.value) for option in call.keywords}
        assert values.get("disable") == "None", ast.unparse(call)  # shown in a terminal only


def test_no_folder_has_more_than_16_files_beside_its_packages() -> None:
    folders = {path.parent for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    crowded = {str(folder): len(list(folder.glob("*.py"))) for folder in folders}
    assert {folder: count for folder, count in crowded.items() if count > 16} == {}
