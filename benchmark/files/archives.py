"""Unpack archives that come from elsewhere: nothing leaves the folder, a killed run goes on.

Every member is written aside and renamed, so a file that is there is whole; ``.unpacked/`` in the folder says
which archives are done.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, cast

from benchmark import files
from benchmark.files.fetching import RESERVE

#: An archive may hold so many times its own size, and what is small in any case, in bytes.
GROWTH, SMALL = 200, 1 << 30

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".rar")
#: Programs that unpack RAR, with their arguments before the archive and before the folder.
RAR = (
    ("unrar", ("x", "-o+", "-p-", "-idq"), ()),
    ("unar", ("-q", "-f", "-D"), ("-o",)),
    ("bsdtar", ("-x", "-f"), ("-C",)),
)


DAMAGE = (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError)


class ArchiveError(ValueError):
    """An archive that is damaged, unsafe or of a kind that cannot be unpacked here."""


class DamagedError(ArchiveError):
    """An archive whose bytes are not those of an archive."""


class _Member(NamedTuple):
    name: str
    size: int
    crc: int | None
    open: Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    """Whether the name says that `path` is an archive that this module knows."""
    return path.name.lower().endswith(SUFFIXES)


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack `archive` into `folder`; what an earlier run unpacked of a zip is checked and kept.

    Raises
    ------
    ArchiveError
        If the archive is damaged or of an unknown kind, a member's name leads out of the folder, a member
        is a link or device, or the disk is too small. What was unpacked before stays.
    """
    done = folder / ".unpacked" / f"{archive.name}.done"
    stamp = f"{archive.stat().st_size} {archive.stat().st_mtime_ns}\n"
    if done.is_file() and done.read_text() == stamp:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if archive.name.lower().endswith(".rar"):
            _unpack_rar(archive, folder)
        else:
            _write_all(_members(archive), archive, folder)
    except DAMAGE as error:
        broken_disk = isinstance(error, OSError) and error.errno is not None
        raise (ArchiveError if broken_disk else DamagedError)(
            f"{archive}: cannot be unpacked ({error}); delete it and fetch it again"
        ) from error
    except (RuntimeError, NotImplementedError, ValueError) as error:  # passwords, unknown compression
        if isinstance(error, ArchiveError):
            raise
        raise ArchiveError(f"{archive}: cannot be unpacked ({error}); unpack it yourself") from error
    files.write_text(done, stamp)
    return folder


def safe_path(name: str, archive: Path) -> PurePosixPath:
    """Return a member's path below the folder.

    Raises
    ------
    ArchiveError
        If `benchmark.files.plain` refuses it, or it is of the folder that says which archives are done.
    """
    try:
        path = files.plain(name)
    except ValueError as error:
        raise ArchiveError(f"{archive}: its member {error}; the archive is not to be trusted") from error
    if path.parts[0].lower() == ".unpacked":
        raise ArchiveError(f"{archive}: its member {name!r} leads out of the folder into its notes")
    return path


def _place(folder: Path, name: str, archive: Path) -> Path:
    """Return where a member is written; its folder is made."""
    safe_path(name, archive)
    try:
        target = files.inside(folder, name)
    except ValueError as error:
        raise ArchiveError(f"{archive}: {error}") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _members(archive: Path) -> Generator[_Member, None, None]:
    """Regular files of a zip or tar, in their order; anything but files and folders is refused."""
    if zipfile.is_zipfile(archive) and archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as opened:
            infos = opened.infolist()
            _check_disk(sum(info.file_size for info in infos), archive)
            for info in infos:
                mode = info.external_attr >> 16
                if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise _refused(info.filename, archive)
                if not info.is_dir():
                    yield _Member(info.filename, info.file_size, info.CRC, partial(opened.open, info))
                else:
                    safe_path(info.filename, archive)
    else:
        with _plain(archive) as file, tarfile.open(fileobj=file, mode="r|") as stream:
            for member in stream:
                if not (member.isreg() or member.isdir()):
                    raise _refused(member.name, archive)
                if member.isreg():
                    yield _Member(member.name, member.size, None, partial(_opened, stream, member))
                else:
                    safe_path(member.name, archive)
            while file.read(1 << 20):  # the checksum of the compressed stream stands at its end
                pass
            # A plain tar has none, and tarfile stops at what it cannot read.
            if isinstance(file, io.BufferedReader):
                file.seek(stream.offset)
                if file.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
                    raise tarfile.ReadError(f"cut short or damaged at byte {stream.offset}")


def _plain(archive: Path) -> IO[bytes]:
    """Open a tar, whatever it is compressed with."""
    with archive.open("rb") as file:
        start = file.read(6)
    for mark, opener in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open)):
        if start.startswith(mark):
            return cast(IO[bytes], opener(archive, "rb"))
    return archive.open("rb")


def _refused(name: str, archive: Path) -> ArchiveError:
    return ArchiveError(f"{archive}: its member {name!r} is a link or device; do not trust the archive")


def _opened(stream: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = stream.extractfile(member)
    if file is None:
        raise tarfile.ReadError(f"{member.name!r} holds no data")
    return file


def _write_all(members: Generator[_Member, None, None], archive: Path, folder: Path) -> None:
    from tqdm import tqdm

    bar = tqdm(desc=archive.name, unit=" files", disable=not sys.stderr.isatty())
    total, bound = 0, GROWTH * archive.stat().st_size + SMALL
    with closing(members), bar:
        for member in members:
            target = _place(folder, member.name, archive)
            bar.update()
            total += member.size
            if total > bound:
                raise ArchiveError(
                    f"{archive}: holds more than {GROWTH} times its own size; if you trust it, unpack it "
                    "yourself"
                )
            if _is_there(target, member):
                continue
            _check_disk(member.size, folder)
            with files.whole(target) as aside:
                with member.open() as source, aside.open("wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
                if aside.stat().st_size != member.size:
                    raise ArchiveError(
                        f"{archive}: {member.name!r} is cut short; delete the archive and fetch it again"
                    )


def _is_there(target: Path, member: _Member) -> bool:
    """Whether an earlier run wrote this file rightly; a tar has no checksums, its files are written anew."""
    if member.crc is None or target.is_symlink() or not target.is_file():
        return False
    crc = 0
    with target.open("rb") as file:
        while chunk := file.read(1 << 20):
            crc = zlib.crc32(chunk, crc)
    return target.stat().st_size == member.size and crc == member.crc


def _check_disk(size: int, beside: Path) -> None:
    free = shutil.disk_usage(beside if beside.is_dir() else beside.parent).free
    if size + RESERVE > free:
        raise ArchiveError(
            f"{beside}: unpacking needs {size / 1e9:.3g} GB and {free / 1e9:.3g} GB are free; make room"
        )


def _unpack_rar(archive: Path, folder: Path) -> None:
    """Let a program unpack into a folder of its own, look at what came out, then move it into place."""
    found = next((tool for tool in RAR if shutil.which(tool[0])), None)
    if found is None:
        raise ArchiveError(
            f"{archive}: no program that unpacks RAR is installed; install one of "
            f"{', '.join(name for name, *_ in RAR)}, or unpack it yourself into {folder}"
        )
    with tempfile.TemporaryDirectory(prefix=".rar-", dir=folder) as aside:
        program, before, between = found
        command = [program, *before, str(archive.resolve()), *between, f"{aside}/"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if ended.returncode:
            raise ArchiveError(f"{archive}: {program} failed ({ended.stderr.strip()[-200:]}); fetch it again")
        for parent, folders, names in os.walk(aside):
            for name in (*folders, *names):
                path = Path(parent, name)
                found_file = path.is_file() and path.lstat().st_nlink == 1
                if path.is_symlink() or not (found_file or path.is_dir()):
                    raise _refused(name, archive)
            for name in names:
                path = Path(parent, name)
                os.replace(path, _place(folder, str(path.relative_to(aside)), archive))
