"""What `python -m PACKAGE` and `--help` show, in a terminal and in a file."""

import os
import pty
import subprocess
import sys

import pytest

from commands.usage import command_docstrings, list_commands
from tests.support import ROOT

PACKAGES = ["datasets", "evaluation", "manifests", "model", "sampling", "tracking", "trainer"]
VERIFY = [sys.executable, "-m", "datasets.verify"]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_lists_its_commands_and_imports_nothing_heavy(package: str) -> None:
    code = (
        f"import runpy, sys; sys.argv = ['{package}']\n"
        f"try: runpy.run_module('{package}', run_name='__main__')\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert not {'torch', 'polars', 'cv2', 'numpy', 'tyro'} & set(sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.stderr == ""
    for name, docstring in command_docstrings(package).items():
        assert f"python -m {name}" in run.stdout
        assert docstring.split("\n")[0] in run.stdout


def test_the_list_has_exactly_what_can_be_run() -> None:
    assert set(command_docstrings("datasets")) == {
        f"datasets.{name}" for name in ("build", "overlap", "report", "sample", "verify")
    }


def test_an_option_of_a_package_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_commands("datasets", ["bild"]) == 2
    assert "'bild' is not an option" in capsys.readouterr().err
    assert list_commands("datasets", ["--help"]) == 0


def test_help_may_be_cut_off_by_a_reader_that_has_enough() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    run = subprocess.run(
        [*VERIFY, "--help"], cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (run.returncode, run.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("no_color", "stderr_is_file", "colored"),
    [("", False, True), ("1", False, False), ("", True, False)],
)
@pytest.mark.parametrize("options", [["--help"], ["--manifst", "x"]])
def test_colors_are_for_terminals_and_not_for_those_who_decline(
    options: list[str], no_color: str, stderr_is_file: bool, colored: bool
) -> None:
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [*VERIFY, *options],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", "NO_COLOR": no_color},
        stdout=terminal,
        stderr=subprocess.PIPE if stderr_is_file else terminal,
    )
    os.close(terminal)
    seen = _read_all(screen) + (process.communicate()[1] or b"")
    process.wait()
    assert b"--manifest" in seen
    assert (b"\x1b[" in seen) == colored


def _read_all(screen: int) -> bytes:
    seen = b""
    try:
        while data := os.read(screen, 4096):
            seen += data
    except OSError:  # what Linux answers once the other side is closed
        pass
    os.close(screen)
    return seen
