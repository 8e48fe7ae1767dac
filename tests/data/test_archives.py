"""Archives from elsewhere: read whole where they are harmless, refused where they are not."""

import io
import stat
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_book.data import archives
from llm_book.data.archives import UnsafeArchive, open_member, read_members, unpack

FILES = {"set/a.txt": b"one", "set/deep/b.txt": b"", "set/文.txt": "好".encode()}
TARS = ["tar", "tar.gz", "tar.bz2", "tar.xz"]
ALL = [*TARS, "zip"]


def make_tar(path, members, mode="w:gz"):
    """A tar of (TarInfo, content) pairs, whatever they claim."""
    with tarfile.open(path, mode) as archive:
        for info, content in members:
            info.size = len(content) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(content))
    return path


def make(path, files):
    """An archive of the kind that the name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    compression = path.suffix.removeprefix(".")
    members = [(tarfile.TarInfo(name), content) for name, content in files.items()]
    return make_tar(path, members, "w" if compression == "tar" else f"w:{compression}")


def contents(path):
    return {name: content.read() for name, content in read_members(path)}


@pytest.mark.parametrize("kind", ALL)
def test_every_kind_of_archive_gives_back_its_files(kind, tmp_path):
    path = make(tmp_path / f"x.{kind}", FILES)
    assert contents(path) == FILES
    written = unpack(path, tmp_path / "out")
    assert {p.relative_to(tmp_path / "out").as_posix(): p.read_bytes() for p in written} == FILES


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "a/../../evil.txt", "/etc/evil.txt", "..\\evil.txt", "C:/evil.txt", "C:evil"],
)
def test_a_member_that_leaves_the_folder_is_refused_by_name(kind, name, tmp_path):
    path = make(tmp_path / f"x.{kind}", {"good.txt": b"", name: b"evil"})
    with pytest.raises(UnsafeArchive) as refusal:
        unpack(path, tmp_path / "out")
    assert str(refusal.value) == (
        f"x.{kind} is refused: its member {name!r} would be written outside the folder"
    )
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
)
@pytest.mark.parametrize("target", ["/etc/passwd", "../up", "good.txt"])
def test_a_link_or_device_in_a_tar_is_refused(kind, target, tmp_path):
    info = tarfile.TarInfo("odd")
    info.type, info.linkname = kind, target
    path = make_tar(tmp_path / "x.tar.gz", [(tarfile.TarInfo("good.txt"), b"1"), (info, b"")])
    with pytest.raises(UnsafeArchive, match="its member 'odd' is a link or a device"):
        contents(path)


def test_a_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("odd")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(UnsafeArchive, match="its member 'odd' is a link or a device"):
        contents(tmp_path / "x.zip")


@given(
    name=st.lists(st.sampled_from(["..", ".", "a", "/", "\\", "C:", "文", " "]), min_size=1).map(
        "/".join
    )
)
def test_what_pythons_own_data_filter_refuses_is_refused_here(name, tmp_path_factory):
    if not hasattr(tarfile, "data_filter"):
        pytest.skip("this Python's tarfile has no data filter to compare with")
    folder = tmp_path_factory.mktemp("archive")
    member = tarfile.TarInfo(name)
    try:
        safe = tarfile.data_filter(member, str(folder)).name == member.name
    except tarfile.FilterError:
        safe = False
    if not safe:
        path = make_tar(folder / "x.tar", [(tarfile.TarInfo(name), b"1")], "w")
        with pytest.raises(UnsafeArchive):
            contents(path)


@pytest.mark.parametrize("kind", ["tar.gz", "tar.bz2", "tar.xz", "zip"])
def test_a_bomb_is_refused_before_it_is_read_whole(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED", 1 << 16)
    path = make(tmp_path / f"x.{kind}", {"small.txt": b"1", "bomb.txt": bytes(10 << 20)})
    with pytest.raises(UnsafeArchive, match=r"with its member 'bomb\.txt' it expands beyond"):
        contents(path)


def test_a_bomb_hidden_in_a_headers_own_data_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED", 1 << 16)
    info = tarfile.TarInfo("x")
    info.pax_headers = {"comment": "a" * (10 << 20)}
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    with pytest.raises(UnsafeArchive, match="expands beyond"):
        contents(tmp_path / "x.tar.gz")


def test_a_file_that_is_mostly_holes_is_refused(tmp_path):
    info = tarfile.TarInfo("holes")
    info.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(10 << 30)}
    path = make_tar(tmp_path / "x.tar.gz", [(info, b"1")])
    with pytest.raises(UnsafeArchive, match="its member 'holes' it expands beyond 67,108,864"):
        for _, content in read_members(path):
            content.read(1)


def test_text_is_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED", 0)
    text = b"".join(b"%d bottles of beer on the wall\n" % (i * i) for i in range(20_000))
    assert contents(make(tmp_path / "x.tar.gz", {"song.txt": text})) == {"song.txt": text}


@pytest.mark.parametrize("kind", ALL)
def test_unpacking_overwrites_nothing(kind, tmp_path):
    path = make(tmp_path / f"x.{kind}", {"a.txt": b"new"})
    (tmp_path / "a.txt").write_bytes(b"old")
    with pytest.raises(UnsafeArchive, match=r"would overwrite 'a\.txt'"):
        unpack(path, tmp_path)
    assert (tmp_path / "a.txt").read_bytes() == b"old"


@pytest.mark.parametrize("kind", ALL)
def test_one_member_is_opened_by_its_name(kind, tmp_path):
    path = make(tmp_path / f"x.{kind}", FILES)
    with open_member(path, "set/a.txt") as content:
        assert content.read() == b"one"
    with (
        pytest.raises(KeyError, match=r"holds no file 'set/z\.txt'"),
        open_member(path, "set/z.txt"),
    ):
        pass
