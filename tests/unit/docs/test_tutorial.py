"""The commands of docs/tutorial.md run in their order, as they are printed."""

import re
import runpy
import shlex
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import ROOT

PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"<!-- run by [^>]+ -->\n```bash\n(.*?)```", re.DOTALL)


def test_the_tutorial_goes_from_raw_data_to_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    commands = "".join(BLOCK.findall(page)).replace("\\\n", " ").splitlines()
    assert len(commands) == page.count("\npython -m ") - 1  # all but the server
    for command in commands:
        python, _, module, *options = shlex.split(command)
        assert python == "python"
        assert _run(module, options) == 0, command
    table = capsys.readouterr().out.split("OTB100, 2 sequences, 36 frames")[-1]
    assert re.search(r"^mine +0\.\d+", table, re.MULTILINE)
    assert re.search(r"^static +0\.\d+", table, re.MULTILINE)
    for written in set(re.findall(r"`((?:data|runs|reports)/[\w/.-]+)`", page)):
        assert (tmp_path / written).exists(), written


def _run(module: str, options: Sequence[str]) -> int:
    """Return the exit code of a command that runs in this process, as ``python -m`` would."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the module was imported before
        patch.setattr(sys, "argv", [module, *options])
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as stop:
            return int(stop.code or 0)
    return 0
