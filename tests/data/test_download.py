"""Fetching: the mirror folder first, then the cache, then each address; never a wrong byte."""

import hashlib
import subprocess
import sys
import time

import pytest
import requests

from llm_book.data.download import DataUnavailable, fetch
from tests.data.local_server import CONTENT, HALF

NAME = "tiny/tiny.bin"


def files_in(folder):
    """Everything but the locks, which are empty."""
    return {p.name for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"}


def get(name="tiny"):
    return fetch(name, progress=False)


def fetching_process(server, cache, behaviour):
    """Another Python process that fetches the same file."""
    code = f"""
import os
os.environ["LLM_BOOK_CACHE"] = {str(cache)!r}
from llm_book.data.download import fetch
from llm_book.data.registry import DATASETS, DataFile, DataSet
file = DataFile({NAME!r}, {len(CONTENT)}, {hashlib.sha256(CONTENT).hexdigest()!r},
                ({server.url(behaviour)!r},))
DATASETS["tiny"] = DataSet("tiny", (file,), "CC0", True, "nobody2000")
print(fetch("tiny", progress=False))
"""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    assert true()


def test_a_file_is_downloaded_once_and_then_found_in_the_cache(server, cache, publish):
    publish(server.url("good"))
    assert get().read_bytes() == CONTENT
    assert get() == cache / NAME == get(NAME)
    assert server.asked == ["good"]
    assert files_in(cache) == {"tiny.bin"}


def test_the_mirror_folder_is_asked_first_and_never_written(
    server, cache, publish, tmp_path, monkeypatch
):
    publish(server.url("good"))
    held = tmp_path / "mirror" / NAME
    held.parent.mkdir(parents=True)
    held.write_bytes(CONTENT)
    monkeypatch.setenv("LLM_BOOK_MIRROR", str(tmp_path / "mirror"))
    assert get() == held
    assert server.asked == []
    assert files_in(tmp_path / "mirror") == {"tiny.bin"}
    assert not cache.exists()


def test_a_wrong_file_in_the_mirror_folder_is_refused_and_left_there(
    server, cache, publish, tmp_path, monkeypatch
):
    publish(server.url("good"))
    held = tmp_path / "mirror" / NAME
    held.parent.mkdir(parents=True)
    held.write_bytes(CONTENT[:HALF])
    monkeypatch.setenv("LLM_BOOK_MIRROR", str(tmp_path / "mirror"))
    with pytest.warns(UserWarning, match="refused: 524,288 bytes where 1,048,576 were expected"):
        assert get() == cache / NAME
    assert held.read_bytes() == CONTENT[:HALF]


def test_a_mirror_folder_that_does_not_exist_is_named(cache, publish, monkeypatch):
    publish()
    monkeypatch.setenv("LLM_BOOK_MIRROR", "nowhere/at/all")
    with pytest.raises(DataUnavailable, match="'nowhere/at/all', which is no folder"):
        get()


@pytest.mark.parametrize("bad", ["short", "corrupt", "long", "page", "missing", "breaks"])
def test_a_bad_address_is_passed_over_and_the_next_one_asked(bad, server, cache, publish):
    publish(server.url(bad), server.url("good"))
    assert get().read_bytes() == CONTENT
    assert server.asked == [bad, "good"]
    assert files_in(cache) == {"tiny.bin"}


@pytest.mark.parametrize("bad", ["short", "corrupt", "long", "page", "missing"])
def test_a_wrong_file_is_not_kept_even_when_no_address_is_left(bad, server, cache, publish):
    publish(server.url(bad))
    with pytest.raises(DataUnavailable):
        get()
    assert files_in(cache) == set()


def test_a_download_that_broke_off_goes_on_where_it_stopped(server, cache, publish):
    publish(server.url("breaks"))
    with pytest.raises(DataUnavailable, match="it broke off"):
        get()
    assert (cache / "tiny/tiny.bin.part").stat().st_size == HALF
    publish(server.url("good"))
    assert get().read_bytes() == CONTENT
    assert server.requests == [("breaks", None), ("good", f"bytes={HALF}-")]


def test_an_address_that_never_stops_sending_is_left(server, cache, publish):
    publish(server.url("endless"), server.url("good"))
    assert get().read_bytes() == CONTENT
    assert server.n_sent < 64 * len(CONTENT)


def test_what_was_downloaded_whole_but_not_yet_checked_is_used_or_refused(server, cache, publish):
    publish(server.url("good"))
    part = cache / "tiny/tiny.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert get().read_bytes() == CONTENT
    assert server.asked == []
    get().rename(part)
    part.write_bytes(CONTENT[:-1] + b"?")
    assert get().read_bytes() == CONTENT
    assert server.requests == [("good", None)]


def test_no_compressed_answer_is_asked_for(server, cache, publish):
    publish(server.url("good"))
    get()
    assert server.encodings == {"identity"}


def test_a_server_that_cannot_go_on_sends_the_whole_file(server, cache, publish):
    publish(server.url("breaks"), server.url("no-range"))
    assert get().read_bytes() == CONTENT
    assert server.requests == [("breaks", None), ("no-range", f"bytes={HALF}-")]


def test_a_bad_first_half_does_not_spoil_a_good_address(server, cache, publish):
    publish(server.url("breaks-corrupt"), server.url("good"))
    assert get().read_bytes() == CONTENT
    assert server.requests[1:] == [("good", f"bytes={HALF}-"), ("good", None)]


def test_a_cached_file_that_was_damaged_is_fetched_again(server, cache, publish):
    publish(server.url("good"))
    get().write_bytes(CONTENT[:-1] + b"?")
    with pytest.warns(UserWarning, match="is refused: sha256"):
        assert get().read_bytes() == CONTENT
    assert server.asked == ["good", "good"]


def test_two_processes_at_once_download_once_and_both_get_the_file(server, cache, publish):
    running = [fetching_process(server, cache, "slow") for _ in range(2)]
    answers = [process.communicate(timeout=120)[0].strip() for process in running]
    assert answers == [str(cache / NAME)] * 2
    assert server.asked == ["slow"]
    assert (cache / NAME).read_bytes() == CONTENT


def test_a_killed_download_is_gone_on_with(server, cache, publish):
    part = cache / "tiny/tiny.bin.part"
    process = fetching_process(server, cache, "stalls")
    wait_until(lambda: part.exists() and part.stat().st_size > 0)
    process.kill()
    process.communicate()
    have = part.stat().st_size
    publish(server.url("good"))
    assert get().read_bytes() == CONTENT
    assert server.requests[-1] == ("good", f"bytes={have}-")


def test_without_network_and_mirror_one_sentence_says_what_to_do(cache, publish):
    publish("http://127.0.0.1:9/nobody")
    with pytest.raises(DataUnavailable) as refusal:
        get()
    assert "\n" not in str(refusal.value)
    assert str(refusal.value) == (
        f"tiny is neither in a mirror folder nor in {cache}, and could not be downloaded "
        "(127.0.0.1:9: no connection, or it broke off): connect to the network, or set "
        "LLM_BOOK_MIRROR to a folder that holds tiny/tiny.bin, or use something else"
    )


def test_imdb_without_network_points_to_the_embedded_reviews(cache, monkeypatch):
    def no_network(*_, **__):
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", no_network)
    with pytest.raises(DataUnavailable, match=r"use the embedded reviews \(preset \"small\"\)"):
        get("imdb")


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(KeyError, match="no data set or file is called 'imbd'; the sets are imdb"):
        get("imbd")


def test_progress_is_shown_unless_it_is_switched_off(server, cache, publish, capsys):
    publish(server.url("good"))
    get().unlink()
    assert capsys.readouterr().err == ""
    fetch("tiny")
    assert "tiny/tiny.bin: 100%" in capsys.readouterr().err


@pytest.mark.parametrize("bad", ["short", "corrupt", "long", "page", "missing", "breaks"])
def test_a_file_without_a_stated_size_is_known_by_its_hash(bad, server, cache, publish):
    publish(server.url(bad), server.url("good"), size=None)
    assert get().read_bytes() == CONTENT
    assert files_in(cache) == {"tiny.bin"}
    assert server.asked[-1] == "good"


def test_a_download_of_unstated_size_goes_on_where_it_stopped(server, cache, publish):
    publish(server.url("good"), size=None)
    part = cache / f"{NAME}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:HALF])
    assert get().read_bytes() == CONTENT
    assert server.requests == [("good", f"bytes={HALF}-")]


def test_a_whole_but_unchecked_download_of_unstated_size_is_not_asked_for_again(
    server, cache, publish
):
    publish(server.url("good"), size=None)
    part = cache / f"{NAME}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert get().read_bytes() == CONTENT
    assert server.asked == []


def test_an_endless_file_of_unstated_size_is_left_at_the_bound(server, cache, publish, monkeypatch):
    monkeypatch.setattr("llm_book.data.download.MOST", 2 * len(CONTENT))
    publish(server.url("endless"), size=None)
    with pytest.raises(DataUnavailable, match="sha256"):
        get()
    assert server.n_sent < 100 * len(CONTENT)
    assert files_in(cache) == set()


def test_a_set_that_lies_in_several_files_is_fetched_file_by_file(cache):
    with pytest.raises(KeyError, match=r"'banking77' lies in several files; ask for one of them"):
        get("banking77")
