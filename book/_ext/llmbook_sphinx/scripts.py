"""No page asks another host for a script: MathJax is vendored, the live-code starter left out."""

import runpy
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError


def vendor(app: Sphinx, config: Config) -> None:
    """Fetch MathJax where it is not there yet."""
    tool = runpy.run_path(str(Path(app.srcdir) / "book" / "vendor.py"))
    try:
        tool["ensure"]()
    except tool["VendorError"] as error:
        raise ExtensionError(str(error)) from None


def silence_thebe(app: Sphinx, config: Config) -> None:
    """Jupyter Book always loads sphinx-thebe, whose script names a CDN on every page."""
    for listeners in app.events.listeners.values():
        listeners[:] = [
            entry for entry in listeners if not entry.handler.__module__.startswith("sphinx_thebe")
        ]


def tidy_assets(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Drop the stylesheet that sphinx-thebe still asks for, and scripts registered twice."""
    styles = context.get("css_files", [])
    styles[:] = [style for style in styles if "thebe" not in str(style)]
    seen: set[tuple[str, str | None]] = set()
    kept = []
    for script in context.get("script_files", []):
        key = (str(script.filename or ""), script.attributes.get("body"))
        if key not in seen:
            seen.add(key)
            kept.append(script)
    context["script_files"][:] = kept


def register(app: Sphinx) -> None:
    app.connect("config-inited", vendor)
    app.connect("config-inited", silence_thebe)
    app.connect("html-page-context", tidy_assets, priority=990)
