"""The table of data sets: every row says what it must."""

import json

import pytest

from llm_book.data.registry import DATASETS, DataFile, find

FILES = [file for row in DATASETS.values() for file in row.files]
HASH = "0" * 64


def test_every_set_names_its_licence_citation_and_what_to_use_instead():
    assert all(row.licence and row.citation and row.instead for row in DATASETS.values())
    assert all(name == row.name for name, row in DATASETS.items())


def test_no_file_stands_twice():
    assert len({file.name for file in FILES}) == len({file.sha256 for file in FILES}) == len(FILES)


def test_every_set_can_be_fetched_by_someone():
    assert all(any(file.urls for file in row.files) for row in DATASETS.values())


def test_every_address_is_encrypted():
    assert all(url.startswith("https://") for file in FILES for url in file.urls)


def test_a_set_and_each_of_its_files_are_found_by_name():
    for row in DATASETS.values():
        assert find(row.name) == (row, row.files)
        assert all(find(file.name) == (row, (file,)) for file in row.files)


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../up", "a\\b"])
def test_a_file_name_that_leaves_its_folder_is_refused(name):
    with pytest.raises(ValueError, match="relative and goes only down"):
        DataFile(name, 1, HASH)


@pytest.mark.parametrize(
    ("size", "digest", "message"),
    [(0, HASH, "needs its size"), (1, "abc", "64 hexadecimal"), (1, "G" * 64, "64 hexadecimal")],
)
def test_a_file_without_size_or_hash_is_refused(size, digest, message):
    with pytest.raises(ValueError, match=message):
        DataFile("a", size, digest)


@pytest.mark.needs_mirror
def test_the_table_agrees_with_the_mirror_folders_own_list(mirror):
    listed = {row["file"]: row for row in json.loads((mirror / "manifest.json").read_text("utf-8"))}
    both = [file for file in FILES if file.name in listed]
    assert len(both) >= 3
    for file in both:
        row = listed[file.name]
        assert (file.size, file.sha256) == (row["bytes"], row["sha256"])
        assert file.urls == tuple(row.get("urls", ()))
