"""Open a page in headless Chromium: what its console says, how wide it is, how it looks."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--enable-logging=stderr"),
)
_PROBE = (
    "<script>document.title = document.documentElement.scrollWidth + ' of ' + innerWidth;</script>"
)
_LIMIT_S = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """What was seen on opening a page."""

    console: tuple[str, ...]
    """Lines of the console: errors, warnings, and what scripts print."""
    overflow_px: int
    """By how much the page is wider than the window."""


def find_chromium() -> str | None:
    """Return the path of a Chromium that is installed, if one is."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def visit(
    chromium: str,
    page: Path,
    *,
    profile: Path,
    width: int,
    height: int = 1000,
    dark: bool = False,
) -> Visit:
    """Open a page and return what happened.

    Args:
        chromium: Path of the browser.
        page: HTML file.
        profile: Folder for the browser's own files; a fresh one, so that nothing is remembered.
        width: Width of the window in px.
        height: Height of the window.
        dark: Whether the reader prefers dark pages.
    """
    profile.mkdir(parents=True, exist_ok=True)
    probed = profile / page.name
    probed.write_text(page.read_text(encoding="utf-8") + _PROBE, encoding="utf-8")
    done = _run(chromium, probed, profile, width, height, dark, "--dump-dom")
    found = re.search(r"<title>(\d+) of (\d+)</title>", done.stdout)
    if found is None:
        raise RuntimeError(f"{page}: {chromium} did not finish: {done.stderr[-500:]}")
    return Visit(console=_console(done), overflow_px=int(found[1]) - int(found[2]))


def screenshot(
    chromium: str,
    page: Path | str,
    out: Path,
    *,
    profile: Path,
    width: int,
    height: int,
    dark: bool = False,
) -> tuple[str, ...]:
    """Write a picture of the top of a page as PNG, and return what the console says.

    The page may be a URL; options as in `visit`.
    """
    done = _run(chromium, page, profile, width, height, dark, f"--screenshot={out.resolve()}")
    if not out.exists():
        raise RuntimeError(f"{page}: {chromium} took no picture")
    return _console(done)


def _console(done: "subprocess.CompletedProcess[str]") -> tuple[str, ...]:
    return tuple(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def _run(
    chromium: str, page: Path | str, profile: Path, width: int, height: int, dark: bool, action: str
) -> "subprocess.CompletedProcess[str]":
    options = [*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}", action]
    options += ["--blink-settings=preferredColorScheme=0"] if dark else []
    address = page if isinstance(page, str) else page.resolve().as_uri()
    return subprocess.run(
        [chromium, *options, address],
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
