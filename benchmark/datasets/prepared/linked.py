"""Pictures that lie outside the prepared folder: where, and whether they are still those that were prepared.

``images`` of such a folder is a link, which DVC neither keeps nor follows: it is lost when a folder comes out
of DVC's cache. It is made anew on use, and what it leads to is compared with ``pictures.csv``.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.datasets import catalogue
from benchmark.datasets._spelling import absent
from benchmark.datasets.prepared import contents, places
from benchmark.datasets.prepared.record import Record
from benchmark.files import plain, whole

#: Where releases are unpacked, one folder a data set.
DOWNLOADS = Path("downloads")


def folder_of(entry: catalogue.Entry, source: str | Path | None = None) -> Path:
    """Folder of a release: as told, else as this machine's places or the record say, else in downloads."""
    told = source or places.place_of(entry.name, (entry.title, *entry.folders)) or entry.source
    return Path(told).expanduser() if told else DOWNLOADS / entry.name


def kind_of(name: str, settings: Mapping[str, Any]) -> str:
    """What a data set is made as: its own name, unless its settings say another."""
    return str(settings.get("kind") or name)


def source_of(name: str, settings: Mapping[str, Any]) -> Path | None:
    """Folder of the release of a data set with these settings; nothing where the suite makes the data set."""
    if settings.get("source"):
        return Path(settings["source"]).expanduser()
    kind = kind_of(name, settings)
    return folder_of(catalogue.entry(kind)) if kind in catalogue.names() else None


#: File below a release's folder that says which source it was fetched from; there once it is whole.
COMPLETE = Path(".unpacked/complete")


def origin_of(folder: Path) -> str:
    """Source that a release was fetched from; "" where it was placed by hand."""
    mark = folder / COMPLETE
    return mark.read_text(encoding="utf-8").strip() if mark.is_file() else ""


def link(target: Path, folder: Path) -> None:
    """Make ``target/images`` a link to `folder`; another process never sees it missing."""
    images = target / "images"
    with whole(images) as aside:
        aside.symlink_to(folder.resolve(), target_is_directory=True)


def relink(target: Path, record: Record, source: Path) -> None:
    """Make the link of the prepared folder `target` anew where it is lost or leads elsewhere.

    Raises
    ------
    ValueError
        If the folder of the pictures is not there.
    """
    folder = source if record.linked in (None, "", ".") else source / plain(record.linked)
    if not folder.is_dir():
        raise ValueError(
            f"{folder}: is not a folder; it should hold the pictures of {target.name!r}: bring them back "
            f"(`iqa datasets {target.name}` says how), or correct where they lie (`{places.FILE}`, "
            f"`{places.VARIABLE}` or `prepare.datasets.{target.name}.source`)"
        )
    with contextlib.suppress(OSError):
        if (target / "images").readlink() == folder.resolve():
            return
    link(target, folder)


def check(target: Path) -> None:
    """Make sure that the pictures of a prepared folder are the files that were prepared.

    Raises
    ------
    ValueError
        Naming the first that is another file, or that is gone, and how many there are.
    """
    other, gone = contents.changed(target, journal_of(target))
    cure = f"run `dvc repro prepare@{target.name}`, which takes them anew"
    if gone:
        first = target / gone[0]
        raise ValueError(
            f"{first}: {absent(first)} ({len(gone)} pictures of {target.name!r} are missing); "
            f"bring them back, or correct the list of pictures and {cure}"
        )
    if other:
        raise ValueError(
            f"{target / other[0]}: is not the file that was prepared ({len(other)} pictures of "
            f"{target.name!r} are other files now); {cure}"
        )


def journal_of(target: Path) -> Path:
    """Return the file of known digests of the data set `target`."""
    return contents.JOURNALS / f"{target.name}.sha256.csv"


def state(name: str, settings: Mapping[str, Any]) -> tuple[str, str | None]:
    """Digests of a data set's settings and record, and of the sizes and times of the files it is read from.

    No picture is read: cheap for a hundred thousand files. The second is empty
    where the suite makes the data set, and nothing where the release is not here.
    """
    asked = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    record = catalogue.HERE / f"{kind_of(name, settings)}.yaml"
    asked.update(record.read_bytes() if record.is_file() else b"")
    source = source_of(name, settings)
    if source is None:
        return asked.hexdigest(), ""
    if not source.is_dir():
        return asked.hexdigest(), None
    digest = hashlib.sha256()
    paths: Iterator[Path | str] = itertools.chain(_tables(name, settings), _walk(source))
    for path in paths:
        line = "\0".join((os.fspath(path), *contents.stamp_of(path)))
        digest.update(f"{line}\n".encode(errors="surrogateescape"))
    return asked.hexdigest(), digest.hexdigest()


def _tables(name: str, settings: Mapping[str, Any]) -> Iterator[Path]:
    """Files outside a release that say what it holds: the user's own record and scores."""
    named, kind = [settings.get("scores")], kind_of(name, settings)
    if kind in catalogue.names():
        named += [layout.get("file") for layout in catalogue.entry(kind).layout]
    yield catalogue.OWN / f"{kind}.yaml"
    yield from (Path(path).expanduser() for path in named if path)


def _walk(folder: Path) -> Iterator[str]:
    """Paths of all files below a folder, links followed, in the order of their names; each folder once."""
    seen: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link to a folder above
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        yield from (os.path.join(place, name) for name in sorted(files))
