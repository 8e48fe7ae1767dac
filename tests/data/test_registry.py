"""The table of data sets: every row says what it must."""

import json
import re

import pytest

from llm_book.data.registry import DATASETS, DataFile, find

FILES = {file.name: file for row in DATASETS.values() for file in (*row.files, *row.parts)}
HASH = "0" * 64


def test_every_set_names_its_licence_citation_and_what_to_use_instead():
    assert all(row.licence and row.instead for row in DATASETS.values())
    assert all(name == row.name for name, row in DATASETS.items())


def test_every_citation_has_the_form_of_a_key():
    keys = [row.citation for row in DATASETS.values()]
    assert [key for key in keys if not re.fullmatch(r"[a-z]+\d{4}[a-z0-9]+", key)] == []


def test_no_file_stands_twice():
    files = [file for row in DATASETS.values() for file in (*row.files, *row.parts)]
    novels = [file for file in files if file.name.startswith("novels/level1/")]
    others = [file for file in files if file not in novels]
    assert len({file.sha256 for file in others}) == len({f.name for f in others}) == len(others)
    assert len({file.sha256 for file in novels}) == len({f.name for f in novels}) == 94
    assert not {file.sha256 for file in novels} & {file.sha256 for file in others}


def test_every_file_can_be_fetched_or_says_what_it_was_made_from():
    assert [f.name for f in FILES.values() if bool(f.urls) == bool(f.made_from)] == []
    assert [row.name for row in DATASETS.values() if not row.files + row.parts] == []


def test_only_what_was_made_here_without_published_parts_cannot_be_fetched():
    rows = DATASETS.values()
    assert [r.name for r in rows if not any(f.urls for f in r.files + r.parts)] == ["sanguo"]


def test_every_address_is_encrypted():
    assert all(url.startswith("https://") for file in FILES.values() for url in file.urls)


def test_a_set_and_each_of_its_files_are_found_by_name():
    for row in DATASETS.values():
        if row.files:
            assert find(row.name) == (row, row.files)
        for file in (*row.files, *row.parts):
            found, files = find(file.name)
            assert files == (file,) and file in found.files + found.parts


def test_a_set_in_several_files_must_be_asked_for_one_of_them():
    with pytest.raises(
        KeyError, match=r"'gpt2' lies in several files; .* gpt2/encoder\.json, gpt2"
    ):
        find("gpt2")


def test_an_unknown_set_is_refused_with_the_names_of_all():
    with pytest.raises(
        KeyError, match=r"no data set or file is called 'imbd'; the sets are imdb, "
    ):
        find("imbd")


def test_the_small_novels_are_twelve_of_the_ninety_four():
    small, medium = (DATASETS[f"novels_{size}"].parts for size in ("small", "medium"))
    assert (len(small), len(medium)) == (12, 94)
    assert set(small) <= set(medium)
    assert small[0].urls[1].endswith("/level1/ENG18471_Bronte.xml")


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../up", "a\\b"])
def test_a_file_name_that_leaves_its_folder_is_refused(name):
    with pytest.raises(ValueError, match="relative and goes only down"):
        DataFile(name, 1, HASH)


@pytest.mark.parametrize(
    ("size", "digest", "message"),
    [
        (0, HASH, "needs its size"),
        (-1, HASH, "a needs its size in bytes, -1 came"),
        (1, "abc", "64 hexadecimal"),
        (1, "G" * 64, "64 hexadecimal"),
    ],
)
def test_a_file_without_size_or_hash_is_refused(size, digest, message):
    with pytest.raises(ValueError, match=message):
        DataFile("a", size, digest)


def test_a_file_of_one_byte_and_a_file_without_a_stated_size_are_files():
    assert DataFile("a", 1, HASH).size == 1
    assert DataFile("a", None, HASH).size is None


def listed(mirror):
    return {row["file"]: row for row in json.loads((mirror / "manifest.json").read_text("utf-8"))}


def test_every_file_of_the_mirror_folders_own_list_is_in_the_table_as_it_stands_there(mirror):
    assert len(listed(mirror)) >= 35
    for name, row in listed(mirror).items():
        file = FILES[name]
        assert (file.size, file.sha256) == (row["bytes"], row["sha256"])
        assert file.urls == tuple(row.get("urls", ()))
        assert bool(file.made_from) == ("derived_from" in row)


def test_no_set_is_called_redistributable_that_the_mirror_folder_does_not_call_so(mirror):
    rows = listed(mirror)
    for row in DATASETS.values():
        said = {
            rows[f.name].get("redistributable") for f in row.files + row.parts if f.name in rows
        }
        assert {word.startswith("yes") for word in said - {None}} <= {row.redistributable}


def test_canonical_files_have_the_hashes_and_addresses_of_the_mirror_folders_table(mirror):
    readme = (mirror / "README.md").read_text("utf-8").replace("{train,dev}-v1.1", "train-v1.1")
    readme += "https://rajpurkar.github.io/SQuAD-explorer/dataset/dev-v1.1.json"
    canonical = [f for f in FILES.values() if f.name not in listed(mirror) and f.urls]
    canonical = [f for f in canonical if not f.name.startswith("novels/")]
    assert len(canonical) == 7
    for file in canonical:
        assert file.sha256 in readme and file.urls[0] in readme, file.name
    assert {f.size for f in canonical} == {None, 84_125_825, 862_182_613}


def test_each_novel_is_as_the_mirror_folders_index_says(mirror):
    index = json.loads((mirror / "novels/index.json").read_text("utf-8"))
    novels = {row["file"]: row for row in index["files"]}
    for size in ("small", "medium"):
        parts = DATASETS[f"novels_{size}"].parts
        assert [p.name for p in parts] == [f"novels/level1/{title}.xml" for title in index[size]]
        for part in parts:
            row = novels[part.name.removeprefix("novels/")]
            assert (part.size, part.sha256, part.urls[0]) == (
                row["size"],
                row["sha256"],
                row["raw_url"],
            )
