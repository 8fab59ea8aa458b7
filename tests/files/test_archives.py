"""Unpacking what comes from elsewhere: whole and inside the folder, or refused with the member's name."""

import io
import random
import signal
import stat
import subprocess
import sys
import tarfile
import time
import zipfile

import pytest

from benchmark.files import archives
from benchmark.files.archives import ArchiveError, unpack

FILES = {"set/a.txt": b"one", "set/deep/b.bin": bytes(range(256)) * 50, "set/empty": b""}


def make(path, files, kind):
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, content in files.items():
                opened.writestr(name, content)
    else:
        with tarfile.open(path, {"tar": "w", "tgz": "w:gz"}[kind]) as opened:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                opened.addfile(member, io.BytesIO(content))
    return path


def held(folder):
    paths = [path for path in folder.rglob("*") if path.is_file() and ".unpacked" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize("kind", ["zip", "tar", "tgz"])
def test_every_file_comes_out_once(tmp_path, kind):
    path = make(tmp_path / f"a.{kind}", FILES, kind)
    assert held(unpack(path, tmp_path / "out")) == FILES
    (tmp_path / "out/set/a.txt").write_bytes(b"mine now")
    unpack(path, tmp_path / "out")
    assert (tmp_path / "out/set/a.txt").read_bytes() == b"mine now"


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/tmp/evil", "..\\evil", "C:evil", "C:\\evil", "a/..", ".unpacked/x.done"],
)
def test_no_path_leaves_the_folder(tmp_path, kind, name):
    path = make(tmp_path / f"a.{kind}", {"good": b"1", name: b"evil"}, kind)
    with pytest.raises(ArchiveError, match="leads out of the folder"):
        unpack(path, tmp_path / "in/out")
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {path.name, "good"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as opened:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = kind, "../outside"
        opened.addfile(member)
        inside = tarfile.TarInfo("link/evil")
        inside.size = 4
        opened.addfile(inside, io.BytesIO(b"evil"))
    with pytest.raises(ArchiveError, match="'link' is a link or device"):
        unpack(path, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_links_in_a_zip_are_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as opened:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(link, "../outside")
    with pytest.raises(ArchiveError, match="'link' is a link or device"):
        unpack(path, tmp_path / "out")


def test_a_link_that_lay_in_the_folder_is_not_followed_out(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/set").symlink_to(tmp_path / "outside")
    with pytest.raises(ArchiveError, match=r"follow.* a link out of"):
        unpack(make(tmp_path / "a.zip", FILES, "zip"), tmp_path / "out")
    assert not list((tmp_path / "outside").iterdir())


@pytest.mark.parametrize("kind", ["zip", "tar", "tgz"])
@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_archive_gives_whole_files_or_an_error(tmp_path, kind, seed):
    draw = random.Random(seed)
    path = make(tmp_path / f"a.{kind}", FILES, kind)
    content = bytearray(path.read_bytes())
    if seed % 2:
        content = content[: draw.randrange(len(content) // 2)]
    else:
        content[draw.randrange(len(content) - 100)] ^= 255
    path.write_bytes(content)
    said = ""
    try:
        unpack(path, tmp_path / "out")
    except ArchiveError as error:
        said = str(error)
    finished = list((tmp_path / "out").rglob("*.done"))
    assert bool(said) != bool(finished)
    assert not said or str(path) in said
    if said:  # the next call, with the archive fetched again, mends what the damaged one left
        make(path, FILES, kind)
        unpack(path, tmp_path / "out")
    if said or kind != "tar":  # a plain tar has no checksum of its files
        now = held(tmp_path / "out")
        assert {name: now[name] for name in FILES} == FILES


@pytest.mark.parametrize("cut", [1024, 1024 + 100, 1024 + 512, None])
def test_a_plain_tar_that_breaks_off_is_not_whole(tmp_path, cut):
    """Each member takes a block of 512 bytes for its header and one for what it holds."""
    path = make(tmp_path / "a.tar", {f"{k}.txt": b"held" for k in range(4)}, "tar")
    content = bytearray(path.read_bytes())
    content[1024 + 10] ^= cut is None  # the name in the second header, whose sum is then wrong
    path.write_bytes(content[:cut])
    with pytest.raises(ArchiveError, match=r"a\.tar: cannot be unpacked .*fetch it again"):
        unpack(path, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.done"))


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10}))
    with pytest.raises(ArchiveError, match=r"needs [1-9]\S* GB and 1e-08 GB are free; make room"):
        unpack(make(tmp_path / "a.zip", FILES, "zip"), tmp_path / "out")


def test_without_a_program_rar_names_those_that_would_do(tmp_path, monkeypatch):
    monkeypatch.setattr(archives.shutil, "which", lambda name: None)
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    with pytest.raises(ArchiveError, match="install one of unrar, unar, bsdtar, or unpack it yourself"):
        unpack(tmp_path / "a.rar", tmp_path / "out")


@pytest.mark.parametrize("evil", [False, True])
def test_rar_is_left_to_a_program_and_looked_at_before_it_counts(tmp_path, monkeypatch, evil):
    tool = tmp_path / "bin/unrar"
    tool.parent.mkdir()
    work = 'ln -s /etc "$out/set/link"' if evil else "true"
    body = f'for out; do :; done; mkdir -p "$out/set"; echo one > "$out/set/a.txt"; {work}'
    tool.write_text(f"#!/bin/sh\n{body}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    if evil:
        with pytest.raises(ArchiveError, match="'link' is a link"):
            unpack(tmp_path / "a.rar", tmp_path / "out")
        assert held(tmp_path / "out") == {}
    else:
        assert held(unpack(tmp_path / "a.rar", tmp_path / "out")) == {"set/a.txt": b"one\n"}


@pytest.mark.parametrize("kind", ["zip", "tgz"])
def test_a_killed_run_goes_on_and_ends_right(tmp_path, kind):
    files = {f"{i:04d}.bin": random.Random(i).randbytes(20_000) for i in range(600)}
    path = make(tmp_path / f"a.{kind}", files, kind)
    code = "import pathlib as p, benchmark.files.archives as a; "
    code += f"a.unpack(p.Path('{path}'), p.Path('{tmp_path}/out'))"
    process = subprocess.Popen([sys.executable, "-c", code])
    waited = time.monotonic() + 120
    while time.monotonic() < waited and not (tmp_path / "out/0040.bin").exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out/.unpacked").exists()
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").glob("*.bin")}
    now = held(unpack(path, tmp_path / "out"))
    assert {name: now[name] for name in files} == files
    kept = sum(path.stat().st_mtime_ns == changed for path, changed in before.items())
    assert len(before) >= 40
    assert kept == (len(before) if kind == "zip" else 0)


def test_an_archive_that_swells_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "SMALL", 1000)
    path = make(tmp_path / "a.tgz", {"zeros": bytes(10_000_000)}, "tgz")
    with pytest.raises(ArchiveError, match="holds more than 200 times its own size"):
        unpack(path, tmp_path / "out")
    assert held(tmp_path / "out") == {}


@pytest.mark.parametrize("trick", ["mkdir -p $out/.unpacked; echo x > $out/.unpacked/a", "ln KEPT $out/a"])
def test_what_a_program_unpacked_from_rar_goes_through_the_same_door(tmp_path, monkeypatch, trick):
    tool = tmp_path / "bin/unrar"
    tool.parent.mkdir()
    (tmp_path / "kept").write_text("mine")
    trick = trick.replace("KEPT", str(tmp_path / "kept"))
    tool.write_text(f"#!/bin/sh\nfor out; do :; done\n{trick}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    with pytest.raises(ArchiveError, match=r"leads out of the folder|link or device"):
        unpack(tmp_path / "a.rar", tmp_path / "out")
    assert held(tmp_path / "out") == {}


def test_rar_does_not_write_through_a_link_that_lay_there(tmp_path, monkeypatch):
    tool = tmp_path / "bin/unrar"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\nfor out; do :; done\nmkdir "$out/set"; echo x > "$out/set/a"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    (tmp_path / "outside").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/set").symlink_to(tmp_path / "outside")
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    with pytest.raises(ArchiveError, match="would follow a link out of"):
        unpack(tmp_path / "a.rar", tmp_path / "out")
    assert not list((tmp_path / "outside").iterdir())
