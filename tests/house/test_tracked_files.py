"""What may not stand in the repository."""

import re

import pytest

from tests.house.tracked import ROOT, texts, tracked_files

LARGEST = 2_000_000  # bytes

# Written in two parts, so that this file does not hold what it looks for.
INDEXES = ["pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "download.pytorch" + ".org"]
CDNS = ["unpkg" + ".com", "cdn.jsdelivr" + ".net/npm", "cdnjs.cloudflare" + ".com"]
CDNS += ["fonts.googleapis" + ".com", "fonts.gstatic" + ".com"]
FOLDERS = [
    r"/home/\w",
    r"/root/\w",
    r"/Users/\w",
    r"C:\\+Users\\",
    r"\B/wo" + r"rk/\w",
    r"/tm" + r"p/\w",
]


@pytest.mark.parametrize("host", INDEXES + CDNS)
def test_no_file_names_a_package_index_or_a_cdn(host: str) -> None:
    assert [name for name, text in texts().items() if host in text] == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    pattern = re.compile("|".join(FOLDERS))
    # Tests may invent such a folder to see it refused; workflows run on machines of their own.
    files = {n: t for n, t in texts().items() if not n.startswith(("tests/", ".github/"))}
    found = {name: pattern.search(text) for name, text in files.items()}
    assert {name: hit[0] for name, hit in found.items() if hit} == {}


def test_no_file_is_over_two_megabytes() -> None:
    sizes = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in tracked_files()}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}


def test_text_files_end_their_lines_the_same_way() -> None:
    assert [name for name, text in texts().items() if "\r" in text] == []
