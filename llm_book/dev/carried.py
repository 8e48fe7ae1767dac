"""What the package carries for the chapters: copies, each held to its source."""

from __future__ import annotations

from pathlib import Path

from llm_book.dev.environment import child_env, node_ready, ready
from llm_book.dev.tell import ROOT, run

ASSETS = Path("llm_book/assets")
SOURCES = (
    "book/references.bib",
    "book/glossary.yml",
    "book/timeline.json",
    "book/results/*.json",
)


def assets() -> int:
    """Copy what chapters need into the package, minify the views, draw the figures anew."""
    wanted = asset_copies(ROOT)
    for copy in stale_assets(ROOT):
        copy.unlink()
    for source, copy in wanted.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    print(f"{len(wanted)} files are in {ASSETS}")
    python = ready()
    node_ready()
    scripts = [*sorted(ROOT.glob("book/figures/*.py")), ROOT / "book" / "minify.py"]
    return max(run([python, script], child_env()) for script in scripts)


def asset_copies(root: Path) -> dict[Path, Path]:
    """Each source beside the place in the package where its copy belongs."""
    sources = [path for pattern in SOURCES for path in sorted(root.glob(pattern))]
    return {path: root / ASSETS / path.relative_to(root / "book") for path in sources}


def stale_assets(root: Path) -> list[Path]:
    """Copies whose source is gone."""
    wanted = set(asset_copies(root).values())
    return [path for path in sorted((root / ASSETS).glob("results/*.json")) if path not in wanted]
