"""Text of others: no control character reaches a terminal, no credential is shown or stored."""

import logging
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from commands.pages.page import Section, write_page
from commands.provenance import Provenance
from commands.run import one_line, run_command
from commands.safe_text import (
    PrintableFormatter,
    all_without_secrets,
    printable,
    without_secrets,
)
from tests.support import ROOT

HOSTILE = "a\x1b[31m\x07\u202eb\x9b0m\ud800\u2028c"
SIGNED = "https://user:hunter2@host:8000/a/b.zip?X-Amz-Signature=hunter2&x=1"


@dataclass(frozen=True, kw_only=True)
class Config:
    """A command without options."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (SIGNED, "https://***@host:8000/a/b.zip?***"),
        ("s3://key:secret@bucket/what?.jpg", "s3://***@bucket/what?.jpg"),
        (
            "zip://a.txt::http://u:p@h/x.zip?t=1: no such file",
            "zip://a.txt::http://***@h/x.zip?***",
        ),
        ("s3://key:a/b+c@bucket/x", "s3://***@bucket/x"),
        ("https://u:it's@p@ss#?@host/x and", "https://***@host/x and"),
        ("http://localhost:8000/a@b.zip", "http://localhost:8000/a@b.zip"),
        ("s3://bucket/a@b/c, mail me@x.org", "s3://bucket/a@b/c, mail me@x.org"),
        (f"tokens in '{SIGNED}'", "tokens in 'https://***@host:8000/a/b.zip?***'"),
    ],
)
def test_a_url_is_shown_without_user_password_and_query(text: str, shown: str) -> None:
    assert without_secrets(text).startswith(shown)
    assert "hunter2" not in repr(all_without_secrets({"a": [text, ("x", {"b": text})], "n": 1}))


def test_hidden_characters_are_escapes_and_letters_of_any_script_are_not() -> None:
    shown = printable(HOSTILE)
    assert shown == r"a\x1b[31m\x07\u202eb\x9b0m\ud800\u2028c"
    assert printable("\u00e9\u4e2d\u3000\u00a0x\n\ty") == "\u00e9\u4e2d\u3000\u00a0x\n\ty"


def test_nothing_that_a_command_says_has_control_characters_or_credentials(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])

    def run(config: Config) -> None:
        sys.stdout.write(f"{HOSTILE} {SIGNED}\n")
        logging.getLogger("x").warning("%s of %s", HOSTILE, SIGNED)
        raise FileNotFoundError(2, "No such file", f"{SIGNED}{HOSTILE}")

    assert run_command(Config, run, [], prog="x") == 1
    said = capsys.readouterr()
    for text in (said.out, said.err):
        assert text.replace("\n", "").isprintable()
        assert "hunter2" not in text
        assert "\\x1b[31m" in text
    assert "hunter2" not in one_line(ValueError(SIGNED))


def test_a_wrong_option_is_echoed_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for option in (f"--{HOSTILE}", SIGNED):
        assert run_command(Config, lambda config: None, [option], prog="x") == 2
        said = capsys.readouterr().err
        assert "\x1b" not in said
        assert "hunter2" not in said


def test_the_content_of_a_file_is_cut_in_an_error() -> None:
    line = one_line(ValueError(f"x.json: kind {'a' * 5000!r}, expected b"))
    assert len(line) < 400
    assert line.endswith("... expected b")


def test_a_record_is_formatted_without_control_characters() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, HOSTILE, None, None)
    assert PrintableFormatter("%(message)s").format(record).isprintable()


def test_the_traceback_of_a_bug_has_no_control_characters_or_credentials() -> None:
    code = (
        "from commands.run import run_command; from tests.unit.commands.test_safe_text import *\n"
        "def run(config): raise RuntimeError(HOSTILE + SIGNED)\n"
        "run_command(Config, run, [], prog='x')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.replace("\n", "").isprintable()
    assert "https://***@host:8000/a/b.zip?***" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_page_has_no_credentials(tmp_path: Path) -> None:
    made_by = Provenance(
        command=("x", "--manifests", SIGNED), settings={"m": [SIGNED]}, fingerprints={SIGNED: "0"}
    )
    sections = [Section(title="s", text=f"read from {SIGNED}")]
    write_page(str(tmp_path / "p.html"), "t", sections, made_by=made_by)
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert "hunter2" not in page
    assert page.count("https://***@host:8000/a/b.zip?***") == 4
