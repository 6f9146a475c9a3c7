"""Write the reference of all public names from their docstrings; `make api` calls it.

Public are the names in `__all__` of the packages. They are imported on first use, which pdoc does
not know, so each is looked up here before pdoc reads the package.
"""

import importlib
from pathlib import Path

import jinja2
import pdoc

PACKAGES = ("manifests", "model", "sampling", "tracking")
OUT = Path("build/api")
DARK = """\
@media screen and (prefers-color-scheme: dark) {
  :root { color-scheme: dark; --pdoc-background: #17181a; }
  .pdoc { --text: #e8e8e8; --muted: #a8a8a8; --link: #8ab4f8; --link-hover: #b3cefb;
    --code: #222427; --active: #5c4b00; --accent: #2b2e33; --accent2: #5a5e66;
    --nav-hover: #3d4045; --name: #8ab4f8; --def: #81c995; --annotation: #81c995; }
  .pdoc-code span { filter: brightness(1.6); }
}
"""


def write_reference(out: Path) -> None:
    """Write one HTML page per package, and an index."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", ()):
            setattr(module, name, getattr(module, name))
    pdoc.render.configure(docformat="google", show_source=False)
    templates = pdoc.render.env.loader
    assert templates is not None
    dark = jinja2.DictLoader({"custom.css": DARK})
    pdoc.render.env.loader = jinja2.ChoiceLoader([dark, templates])
    pdoc.pdoc(*PACKAGES, output_directory=out)


if __name__ == "__main__":
    write_reference(OUT)
