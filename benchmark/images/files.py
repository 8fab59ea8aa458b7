"""Files of pictures, before any decoder is asked."""

from __future__ import annotations

import os
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath
from typing import BinaryIO

from benchmark.files import hidden
from benchmark.images.decoding import HEAD, is_picture
from benchmark.images.picture import ImageError, ImageNotice

#: File name endings taken for pictures when a folder is listed.
EXTENSIONS = frozenset(
    {".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jif", ".jp2"}
    | {".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".mpo", ".pbm", ".pgm", ".png", ".pnm", ".ppm"}
    | {".tif", ".tiff", ".webp"}
)


def walk(folder: Path) -> list[str]:
    """Paths of all files below a folder, with ``/``, folder by folder in the order of their names.

    Links to folders are followed. A folder that several of them lead to is listed once, by its own name where
    that lies below `folder`; links to `folder` and to what it lies in are not followed. Broken links count as
    files. Folders that may not be read are counted in a warning.
    """
    files, unread = [], []
    seen = {str(above) for above in folder.resolve().parents}
    plain, linked = [""], deque[str]()
    while plain or linked:
        below = plain.pop() if plain else linked.popleft()
        real = os.path.realpath(folder / below)
        if real in seen:
            continue
        seen.add(real)
        try:
            entries = list(os.scandir(folder / below))
        except PermissionError:
            unread.append(below or ".")
            continue
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            if not os.path.isdir(entry.path):  # no question to the entry, which fails on a loop of links
                files.append(path)
            else:
                (linked if entry.is_symlink() else plain).append(path)
    if unread := [path for path in unread if not hidden(path)]:
        warnings.warn(
            f"{folder}: {len(unread)} folders may not be read and are passed over, such as {min(unread)!r}; "
            "change their permissions",
            ImageNotice,
            stacklevel=2,
        )
    return sorted(files, key=_by_folder)


def _by_folder(path: str) -> list[tuple[bool, str]]:
    """Order the files of a folder before those of the folders in it."""
    *folders, name = path.split("/")
    return [*((True, folder) for folder in folders), (False, name)]


def among(names: Iterable[str], folder: Path) -> list[str]:
    """Pictures among the files below a folder: those of `visible` whose names end as pictures do.

    Others that begin as pictures do are counted in a warning.
    """
    names = list(names)
    found = [name for name in names if PurePath(name).suffix.lower() in EXTENSIONS]
    taken = set(found)
    others = [name for name in names if name not in taken and not hidden(name)]
    others = [name for name in others if _begins_as_picture(folder / name)]
    if others:
        warnings.warn(
            f"{folder}: files that begin as pictures do are passed over for what their names end in "
            f"({endings(others)}), such as {others[0]!r}; give them the endings of their formats or convert "
            "them to PNG",
            ImageNotice,
            stacklevel=2,
        )
    return visible(found, folder)


def endings(names: Iterable[str]) -> str:
    """Say how many of some files end how, as in ``2 .jfi, 1 without ending``."""
    return _counts(PurePath(name).suffix.lower() or "without ending" for name in names)


def _counts(kinds: Iterable[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(kinds).items()))


def _begins_as_picture(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return is_picture(file.read(HEAD))
    except OSError:
        return False


def visible(
    names: Iterable[str], where: object, below: Callable[[str], str | PurePath] = PurePath
) -> list[str]:
    """Pass over what systems and programs put beside pictures, as in ``__MACOSX/`` or ``._photo.jpg``.

    The one door of all that lists pictures. What is passed over is counted in a warning; a file that somebody
    names does not come by here.

    Parameters
    ----------
    names
        What was found.
    where
        The folder or pattern, for the warning.
    below
        The part of a name that nobody wrote.

    Returns
    -------
    list of str
        All others, in the order given.
    """
    kinds = [(name, hidden(below(name))) for name in names]
    if passed := [kind for _, kind in kinds if kind]:
        warnings.warn(
            f"{where}: files of systems and programs are passed over ({_counts(passed)}); name one to have "
            "it taken",
            ImageNotice,
            stacklevel=2,
        )
    return [name for name, kind in kinds if not kind]


def below(folder: Path) -> list[Path]:
    """Files in a folder and its subfolders whose names end as pictures do, sorted; see `among`.

    Raises
    ------
    ValueError
        If there is none.
    """
    there = walk(folder) if folder.is_dir() else []
    files = sorted(folder / name for name in among(there, folder) if (folder / name).is_file())
    if not files:
        raise ValueError(
            f"no pictures in the folder {folder}; see the endings in benchmark.images.EXTENSIONS"
        )
    return files


def opened(path: Path) -> BinaryIO:
    """Open a file; what is no regular, readable, non-empty one is refused before a decoder is asked."""
    try:
        if path.is_dir():
            raise ImageError(f"{path}: is a folder; name the files in it")
        # A named pipe would be waited on for ever, a device read without end.
        if path.exists() and not path.is_file():
            raise ImageError(f"{path}: is not a regular file")
        if path.stat().st_size == 0:
            raise ImageError(f"{path}: is empty (zero bytes); get the file again")
        if not os.access(path, os.R_OK):
            raise ImageError(f"{path}: may not be read; change its permissions")
        return path.open("rb")
    except FileNotFoundError as error:
        raise ImageError(f"{path}: does not exist; check the path or prepare its data set again") from error
    except (OSError, RuntimeError) as error:  # a loop of symbolic links, a name that is too long
        raise ImageError(f"{path}: cannot be opened ({error})") from error
