"""Usage of commands, read from the docstrings of their files without importing them."""

import ast
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

_ROOT = Path(__file__).resolve().parent.parent
_GUARD = 'if __name__ == "__main__":'


def list_commands(package: str, argv: Sequence[str] | None = None) -> int:
    """Print the commands of a package with the first line of each docstring.

    Args:
        package: Name of a package of this checkout, such as ``"datasets"``.
        argv: The options, or None for those of this process; the only one is ``--help``.

    Returns:
        0, or 2 if there are options.
    """
    options = list(sys.argv[1:] if argv is None else argv)
    docstrings = command_docstrings(package)
    width = max(map(len, docstrings), default=0)
    lines = [f"  python -m {name:{width}}  {_summary(docstrings[name])}" for name in docstrings]
    text = "\n".join([f"Commands of {package}; --help explains each:", "", *lines, ""])
    is_wrong = bool(set(options) - {"-h", "--help"})
    if is_wrong:
        text = f"python -m {package}: {options[0]!r} is not an option. Name a command\n\n{text}"
    (sys.stderr if is_wrong else sys.stdout).write(text)
    return 2 if is_wrong else 0


def command_docstrings(package: str) -> dict[str, str]:
    """Return the docstring of each command of a package, by name, in alphabetical order.

    A command is a file that can run as a program, or a sub-package with a ``__main__.py``.
    """
    folder = _ROOT / package
    docstrings = {}
    for path in folder.rglob("*.py"):
        is_main = path.name == "__main__.py"
        if path.parent == folder and is_main:
            continue
        if is_main or _GUARD in path.read_text(encoding="utf-8"):
            module = path.parent if is_main else path.with_suffix("")
            name = ".".join(module.relative_to(_ROOT).parts)
            docstrings[name] = _docstring(path) or _docstring(path.with_name("__init__.py"))
    return dict(sorted(docstrings.items()))


def command_examples(name: str) -> str:
    """Return the example lines of a command's docstring; empty if it has none.

    Args:
        name: Of the command, such as ``"datasets.build"``.
    """
    docstring = command_docstrings(name.partition(".")[0]).get(name, "")
    paragraphs = docstring.split("\n\n")
    return next((dedent(p).strip() for p in paragraphs if f"python -m {name}" in p), "")


def _docstring(path: Path) -> str:
    if not path.is_file():
        return ""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def _summary(docstring: str) -> str:
    return docstring.partition("\n")[0]
