"""Files of pictures, before any decoder is asked."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath
from typing import BinaryIO

from benchmark.files import hidden
from benchmark.images.picture import ImageError, ImageNotice

#: File name endings taken for pictures when a folder is listed.
EXTENSIONS = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jp2", ".jpeg", ".jpg"}
    | {".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)


def among(names: Iterable[str], where: object) -> list[str]:
    """Pictures among the files below a folder: those of `visible` whose names end as pictures do."""
    return visible([name for name in names if PurePath(name).suffix.lower() in EXTENSIONS], where)


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
    passed = Counter(kind for _, kind in kinds if kind)
    if passed:
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(passed.items()))
        warnings.warn(
            f"{where}: files of systems and programs are passed over ({said}); name one to have it taken",
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
    there = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    files = sorted(folder / name for name in among(there, folder))
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
