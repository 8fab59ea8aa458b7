"""What identifies the bytes of a data set's pictures, and whether they are still those.

Pictures of a release lie behind a link, which DVC does not follow. ``pictures.csv`` beside the manifest holds
their sizes and digests instead, so that whatever depends on the prepared folder follows the pictures. A file
is read again only when its size or time changed; which digests are known is kept outside what DVC tracks.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import hashlib
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from benchmark import files

#: The file beside the manifest.
FILE = "pictures.csv"
#: Where what is known of pictures is kept, outside what DVC tracks.
JOURNALS = Path("downloads/.fingerprints")
#: Pictures whose digests are written down together.
CHUNK = 256


class Content(NamedTuple):
    """A row of ``pictures.csv``; `size` (bytes, as text) and `sha256` are empty where there is no file."""

    image: str
    size: str
    sha256: str


class Known(NamedTuple):
    """A row of a journal: a file's place (absolute), its size and time, and what was found: its digest."""

    place: str
    size: str
    time: str
    found: str


def journal_of(root: Path, journals: Path | None = None) -> Path:
    """Journal of a folder, told by its place."""
    place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return (journals or JOURNALS) / f"{root.resolve().name}-{place}.csv"


def stamp_of(path: Path | str) -> tuple[str, str]:
    """Size and time of a file as text; empty where it is not there.

    The time is the later of the contents' and the entry's: a copy that keeps the old time differs too.
    """
    try:
        status = os.stat(path)
    except OSError:
        return "", ""
    return str(status.st_size), str(max(status.st_mtime_ns, status.st_ctime_ns))


def contents(
    root: Path, names: Sequence[str], journal: Path | None = None, *, workers: int = 4
) -> list[Content]:
    """Size and SHA-256 of every picture, in the order of `names`.

    Parameters
    ----------
    root
        Folder that `names` start from.
    names
        Paths of the pictures.
    journal
        CSV file of what is known from earlier; it grows. A file with the place, size and time that it had
        then is not read.
    workers
        Threads that read.
    """
    known = remembered(journal) if journal else {}
    listed: list[Content] = []
    with (
        ThreadPoolExecutor(workers) as pool,
        tqdm(total=len(names), desc="digests", disable=not sys.stderr.isatty()) as bar,
    ):
        for start in range(0, len(names), CHUNK):
            looked = list(pool.map(_look(root, known), names[start : start + CHUNK]))
            listed += [content for content, _ in looked]
            if journal:
                remember(journal, [fresh for _, fresh in looked if fresh])
            bar.update(len(looked))
    return listed


def write(target: Path, names: Sequence[str], journal: Path | None = None) -> None:
    """Write ``pictures.csv`` into the prepared folder `target`, whose pictures are `names`.

    Raises
    ------
    ValueError
        If one of them is not there.
    """
    rows = contents(target, names, journal)
    if gone := [row.image for row in rows if not row.sha256]:
        raise ValueError(
            f"{target / gone[0]}: does not exist ({len(gone)} of {len(names)} pictures are missing)"
        )
    with files.whole(target / FILE) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Content._fields)
        writer.writerows(rows)


def read(target: Path) -> list[Content]:
    """Read ``pictures.csv`` of a prepared folder.

    Raises
    ------
    ValueError
        If it is not there or not such a table.
    """
    path = target / FILE
    if not path.is_file():
        raise ValueError(f"{path}: is missing; run `dvc repro -f prepare@{target.name}`")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    if not rows or tuple(rows[0]) != Content._fields or any(len(row) != len(rows[0]) for row in rows):
        raise ValueError(f"{path}: must have the columns {', '.join(Content._fields)}; prepare it again")
    return [Content(*row) for row in rows[1:]]


def changed(target: Path, journal: Path) -> tuple[list[str], list[str]]:
    """Pictures of a prepared folder that are other files than were prepared, and those that are gone."""
    prepared = read(target)
    there = contents(target, [row.image for row in prepared], journal)
    gone = [now.image for now in there if not now.sha256]
    other = [now.image for now, then in zip(there, prepared, strict=True) if now.sha256 and now != then]
    return other, gone


def digest_of(target: Path) -> str:
    """SHA-256 of what ``pictures.csv`` says, whatever the order of its rows."""
    rows = sorted("\x1f".join(row) for row in read(target))
    return hashlib.sha256("\x1e".join(rows).encode()).hexdigest()


def remember(journal: Path, rows: Sequence[Known]) -> None:
    """Add rows to a journal, all at once: other processes may write there too.

    Where it cannot be written nothing is remembered: the files are looked at again another time.
    """
    if not rows:
        return
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    with contextlib.suppress(OSError):
        journal.parent.mkdir(parents=True, exist_ok=True)
        with journal.open("ab", buffering=0) as file:
            file.write(text.getvalue().encode(errors="surrogateescape"))


def remembered(journal: Path) -> dict[str, Known]:
    """Rows of a journal by place; the last row of a place counts, one that a kill cut off is left out."""
    if not journal.is_file():
        return {}
    whole = journal.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
    rows = csv.reader(line for line in whole if line.endswith("\n"))
    return {row[0]: Known(*row) for row in rows if len(row) == len(Known._fields)}


def placer() -> Callable[[Path], str]:
    """Return what says the absolute place of a file, its folder without links.

    A folder is resolved once, for links must not hide that a file is another one.
    """
    resolved = functools.cache(os.path.realpath)
    return lambda path: os.path.join(resolved(os.path.dirname(path)), os.path.basename(path))


def _look(root: Path, known: Mapping[str, Known]) -> Callable[[str], tuple[Content, Known | None]]:
    place_of = placer()

    def look(name: str) -> tuple[Content, Known | None]:
        path = root / name
        size, time = stamp_of(path)
        if not size:
            return Content(name, "", ""), None
        place = place_of(path)
        kept = known.get(place)
        if kept is not None and (kept.size, kept.time) == (size, time):
            return Content(name, size, kept.found), None
        digest = files.sha256_of(path)
        return Content(name, size, digest), Known(place, size, time, digest)

    return look
