"""Files of pictures, before any decoder is asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from benchmark.images.picture import ImageError

#: File name endings taken for pictures when a folder is listed.
EXTENSIONS = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jp2", ".jpeg", ".jpg"}
    | {".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)


def below(folder: Path) -> list[Path]:
    """Files in a folder and its subfolders whose names end as pictures do, sorted.

    Raises
    ------
    ValueError
        If there is none.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())
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
