"""Pictures of pages, to look at: both themes, narrow and wide.

python -m tests.site.shots book/index chapters/05_project

writes _build/shots/PAGE-WIDTH-THEME.png; without a name, every page of the table of contents.
"""

import sys
from pathlib import Path

from tests.site.browser import NARROW, THEMES, WIDE, NoBrowser, launched, served, set_theme, settle

ROOT = Path(__file__).resolve().parents[2]


def shoot(names: list[str], site: Path, out: Path, tallest: int = 6000) -> list[Path]:
    """A picture of each page at each width in each theme, cut at ``tallest`` pixels."""
    out.mkdir(parents=True, exist_ok=True)
    made = []
    with launched() as browser, served(site) as root:
        page = browser.new_page()
        for name in names:
            for width in (NARROW, WIDE):
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(f"{root}/{name}.html")
                settle(page)
                height = page.evaluate("() => document.scrollingElement.scrollHeight")
                page.set_viewport_size({"width": width, "height": min(height, tallest)})
                for theme in THEMES:
                    set_theme(page, theme)
                    made.append(out / f"{name.replace('/', '-')}-{width}-{theme}.png")
                    page.screenshot(path=made[-1])
    return made


def main() -> None:
    site = ROOT / "_build" / "html"
    if not (site / "book" / "index.html").exists():
        sys.exit(f"{site} holds no book; build it first: make book SERVE=0")
    every = (p.relative_to(ROOT).with_suffix("") for p in written())
    names = sys.argv[1:] or [name.as_posix() for name in every]
    try:
        for path in shoot(names, site, ROOT / "_build" / "shots"):
            print(path.relative_to(ROOT))
    except NoBrowser as error:
        sys.exit(str(error))


def written() -> list[Path]:
    """The sources of all pages."""
    return [*sorted((ROOT / "book").rglob("*.md")), *sorted((ROOT / "chapters").glob("*.ipynb"))]


if __name__ == "__main__":
    main()
