"""Freeze the book's own prose: the second embedded corpus, one per edition.

    python book/snapshot.py            from this repository, into llm_book/assets/prose
    python book/snapshot.py ROOT       from another tree, into ROOT/llm_book/assets/prose

It reads the pages and the chapters' markdown, never their code or outputs. Chapter 6 is left out:
it quotes the questions that are asked of the snapshot, and would be found before the answers.
"""

import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGES = ("preface", "how_to_use", "notation", "errata")
LEFT_OUT = ("06_applications",)
LONGEST = 110  # words a passage may have before the next block begins a new one

Block = tuple[str, str, bool]  # heading, text, whether it stands by itself


def snapshot(root: Path) -> list[dict[str, str]]:
    """Every passage of the book in ``root``: id, page, heading, text."""
    found: list[dict[str, str]] = []
    for page in PAGES:
        path = root / "book" / f"{page}.md"
        if path.exists():
            found += passages(page, blocks(path.read_text(encoding="utf-8")))
    for path in sorted((root / "chapters").glob("*.ipynb")):
        if path.stem not in LEFT_OUT:
            found += passages(path.stem, blocks(chapter_markdown(path)))
    return found + passages("glossary", glossary(root / "book" / "glossary.yml"))


def chapter_markdown(path: Path) -> str:
    """The markdown cells of a notebook, one below the other."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def glossary(path: Path) -> list[Block]:
    """One block a term: its English and Chinese names and its sentence."""
    import yaml

    if not path.exists():
        return []
    rows: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = []
    for row in rows:
        names = ", ".join(str(row[key]) for key in ("en", "short", "zh") if row.get(key))
        found.append((str(row["en"]), f"{names}: {plain(row['means'])}", True))
    return found


def blocks(markdown: str) -> list[Block]:
    """The paragraphs, lists and rows of tables under their headings, as plain text."""
    heading, found = "", []
    for kind, text in _parts(_without_code(markdown)):
        if kind == "heading":
            heading = plain(text)
        elif words := plain(text):
            found.append((heading, words, False))
    return found


def passages(page: str, found: list[Block]) -> list[dict[str, str]]:
    """Blocks of one heading joined until they are long enough, each with an id of its own."""
    rows: list[dict[str, str]] = []
    numbers: dict[str, int] = {}
    for heading, text, alone in found:
        last = rows[-1] if rows else None
        joined = f"{last['text']} {text}" if last else text
        if last and not alone and last["heading"] == heading and len(joined.split()) <= LONGEST:
            last["text"] = joined
            continue
        slug = re.sub(r"\W+", "-", heading.lower()).strip("-") or "top"
        numbers[slug] = numbers.get(slug, 0) + 1
        name = f"{page}/{slug}/{numbers[slug]}"
        rows.append({"id": name, "page": page, "heading": heading, "text": text})
    return rows


def plain(markdown: str) -> str:
    """A block without its marks: links keep their words, references their keys, all on one line."""
    text = re.sub(r"\{cite:?\w*\}`([^`]*)`", r"\1", markdown)
    text = re.sub(r"\{\w+\}`([^`<]*?)\s*(?:<[^>]*>)?`", r"\1", text)
    text = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\{[^}]*\})", r"\1", text)
    code_apart = re.split(r"`([^`]*)`", text)
    code_apart[::2] = [_unmarked(words) for words in code_apart[::2]]
    return " ".join("".join(code_apart).split())


def _unmarked(words: str) -> str:
    words = re.sub(r"</?[a-z][^>]*>", "", words)
    return re.sub(r"\*\*|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)", "", words)


def _without_code(markdown: str) -> str:
    text = re.sub(r"^```.*?^```\s*$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^<(small|p)\b.*</\1>\s*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\$\$.*?\$\$[^\n]*$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^\([\w-]+\)=\s*$|^:{3,}.*$|^:[\w-]+:.*$", "", text, flags=re.MULTILINE)
    return re.sub(r"^(Partner|\*\*Run it:\*\*).*$", "", text, flags=re.MULTILINE)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of each heading, row of a table, item of a list, paragraph."""
    for part in re.split(r"\n\s*\n", text):
        lines = part.strip("\n").splitlines()
        if lines and (found := re.match(r"#+ (.*)", lines[0])):
            yield "heading", found[1]
            lines = lines[1:]
        if lines and all(line.lstrip().startswith("|") for line in lines):
            for line in lines:
                if re.search(r"[^\s|:-]", line):
                    yield "row", "; ".join(c for c in map(str.strip, line.split("|")) if c) + "."
        else:
            item = re.compile(r"^\s*(?:[-*]|\d+\.) ", re.MULTILINE)
            yield from (("text", piece) for piece in item.split("\n".join(lines)) if piece.strip())


def frozen(rows: list[dict[str, str]], edition: str) -> tuple[bytes, bytes]:
    """The two files: the passages, a line each, and what they must be."""
    lines = (json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows)
    content = "".join(f"{line}\n" for line in lines).encode()
    about = {
        "edition": edition,
        "passages": len(rows),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return content, (json.dumps(about, indent=1) + "\n").encode()


def main(root: Path) -> None:
    """Write both files."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    rows = snapshot(root)
    folder = root / "llm_book" / "assets" / "prose"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(
        ("passages.jsonl", "snapshot.json"), frozen(rows, project["version"]), strict=True
    ):
        (folder / name).write_bytes(content)
    print(f"{len(rows)} passages of edition {project['version']} are frozen")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1])
