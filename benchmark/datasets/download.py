"""Bring a data set here: fetch its files from the first source that gives them all, then unpack them."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from benchmark import files
from benchmark.datasets import layouts
from benchmark.datasets.catalogue import Entry, Source
from benchmark.datasets.prepared.linked import DOWNLOADS
from benchmark.files import archives
from benchmark.files.fetching import PATIENCE, Patience, fetch


def download(
    entry: Entry, *, accept_terms: bool = False, downloads: Path = DOWNLOADS, patience: Patience = PATIENCE
) -> Path:
    """Fetch and unpack a data set into ``<downloads>/<name>``; a call after a kill goes on from there.

    Parameters
    ----------
    entry
        The data set's record.
    accept_terms
        Whether the user accepts its terms; needed for sets that ask.
    downloads
        Folder of all releases; the archives lie in ``.archives/<name>`` in it.
    patience
        How long to try.

    Returns
    -------
    Path
        The folder, holding a release that its reader recognises.

    Raises
    ------
    ValueError
        If the terms are not accepted, no source gives the data set (with what each said and the steps by
        hand), or what came is not the data set.
    """
    folder = downloads / entry.name
    complete = folder / ".unpacked" / "complete"
    if complete.is_file():
        return folder
    if not entry.sources:
        raise ValueError(
            f"{entry.name}: cannot be fetched by a program. {entry.steps} Unpack into {folder} ({entry.page})"
        )
    if entry.asks and not accept_terms:
        raise ValueError(
            f"{entry.name}: read its terms first ({entry.licence}; {entry.page}), then call again with "
            "--accept-terms"
        )
    shelf = downloads / ".archives" / entry.name
    shelf.mkdir(parents=True, exist_ok=True)
    busy = f"{entry.name}: another process is bringing it"
    # Of that process, what it has written says whether it gets on.
    with files.alone(shelf / ".lock", busy, patience=patience.others, sign=lambda: _newest(shelf, folder)):
        if complete.is_file():
            return folder
        return _from_first(entry, folder, shelf, patience)


def _from_first(entry: Entry, folder: Path, shelf: Path, patience: Patience) -> Path:
    """Bring it from the first source that gives it."""
    reasons = []
    for source in entry.sources:
        try:
            _bring(source, folder, shelf, patience)
            layouts.locate(entry, folder)
            files.write_text(folder / ".unpacked" / "complete", f"{source.origin}\n")
            return folder
        except ValueError as error:
            reasons.append(f"{source.origin}: {error}")
    by_hand = f"\nBy hand: {entry.steps} Unpack into {folder} ({entry.page})" if entry.steps else ""
    raise ValueError(f"{entry.name}: no source gave it.\n" + "\n".join(reasons) + by_hand)


def _newest(*folders: Path) -> list[float]:
    """Times of change of folders and of what lies directly in them."""
    paths = [path for folder in folders if folder.is_dir() for path in (folder, *folder.iterdir())]
    found = []
    for path in paths:
        with suppress(OSError):
            found.append(path.stat().st_mtime)
    return sorted(found)


def _unpack(path: Path, folder: Path, known: bool) -> None:
    """Unpack an archive; a damaged one whose digest was not `known` is deleted with what fetching noted.

    Its digest was recorded when it came, and would refuse the right file ever after.
    """
    try:
        archives.unpack(path, folder)
    except archives.DamagedError as error:
        if known:
            raise
        path.unlink()
        path.with_name(path.name + ".sha256").unlink(missing_ok=True)
        raise ValueError(
            f"{str(error).partition(';')[0]}; it is deleted, call again to fetch it anew"
        ) from error


def _bring(source: Source, folder: Path, shelf: Path, patience: Patience) -> None:
    for file in source.files:
        place = files.inside(shelf, file.name)
        path = fetch(file.urls, place, sha256=file.sha256, size=file.size, patience=patience)
        if archives.is_archive(path):
            _unpack(path, folder, known=file.sha256 is not None)
        elif not (kept := files.inside(folder, file.name)).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            with files.whole(kept) as aside:
                shutil.copyfile(path, aside)
    (folder / ".unpacked").mkdir(exist_ok=True)
