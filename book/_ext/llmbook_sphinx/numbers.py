"""Figures, equations and exercises of a chapter are numbered inside it: Figure 5.1, (5.2).

Sphinx would count through the whole book, so that a number changed with every chapter written
before it. The chapter's own number is the one its file name begins with.
"""

import re

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

CHAPTER = re.compile(r"chapters/0*(\d+)_")
Numbers = dict[str, dict[str, tuple[int, ...]]]  # kind → place → number


def renumbered(numbers: Numbers, chapter: int) -> Numbers:
    """The same places in the same order, counted from one inside the chapter."""
    return {
        kind: {
            place: (chapter, count)
            for count, place in enumerate(sorted(places, key=places.__getitem__), 1)
        }
        for kind, places in numbers.items()
    }


def number_by_chapter(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Renumber every chapter; the documents to write again because of it."""
    changed = []
    for document, numbers in env.toc_fignumbers.items():
        found = CHAPTER.match(document)
        if found and numbers != (new := renumbered(numbers, int(found[1]))):
            env.toc_fignumbers[document] = new
            changed.append(document)
    return changed


def register(app: Sphinx) -> None:
    app.connect("env-get-updated", number_by_chapter, priority=900)  # after Sphinx has counted
