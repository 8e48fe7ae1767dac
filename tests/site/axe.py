"""What axe-core finds on a page: what a reader with a screen reader, or little sight, meets."""

from typing import Any

# Of the page around the widgets the theme is responsible; of a widget everything is ours.
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
ONLY_OF_WHOLE_PAGES = ("region", "page-has-heading-one", "landmark-one-main")


def violations(page: Any, inside: str | None = None, disabled: tuple[str, ...] = ()) -> list[str]:
    """Each rule broken, with the first element that breaks it; ``inside`` is a CSS selector."""
    from axe_playwright_python.sync_playwright import Axe

    off = (*disabled, *(ONLY_OF_WHOLE_PAGES if inside else ()))
    # Without a preload: that would ask for style sheets where they are not.
    options = WCAG | {"preload": False, "rules": {rule: {"enabled": False} for rule in off}}
    found = Axe().run(page, context=inside, options=options).response["violations"]
    return [f"{v['id']}: {len(v['nodes'])} × {first(v['nodes'][0])}" for v in found]


def first(node: dict[str, Any]) -> str:
    """Where one element stands, and what is wrong with it."""
    return f"{node['target']} {node['failureSummary']}"
