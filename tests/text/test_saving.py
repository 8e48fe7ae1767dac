"""A file is written whole or not at all."""

import pytest

from llm_book.text.saving import write_whole


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "new folder" / "inside" / "file"
    write_whole(path, b"a\r\nb")
    assert path.read_bytes() == b"a\r\nb"
    write_whole(str(path), b"c")
    assert path.read_bytes() == b"c"

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space left"):
        write_whole(path, b"d")
    assert path.read_bytes() == b"c"
    assert [file.name for file in path.parent.iterdir()] == ["file"]
