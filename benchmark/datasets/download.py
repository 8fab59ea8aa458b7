"""Bring a data set here: fetch its files from the first source that gives them all, then unpack them."""

from __future__ import annotations

import math
import os
import shutil
import sys
from pathlib import Path

from benchmark import files
from benchmark.datasets import layouts
from benchmark.datasets.catalogue import Entry, Source
from benchmark.datasets.prepared.linked import COMPLETE, DOWNLOADS
from benchmark.files import archives
from benchmark.files.fetching import PATIENCE, Patience, fetch


def download(
    entry: Entry,
    *,
    accept_terms: bool = False,
    downloads: Path = DOWNLOADS,
    placed: Path | None = None,
    patience: Patience = PATIENCE,
) -> Path:
    """Fetch and unpack a data set into ``<downloads>/<name>``; a call after a kill goes on from there.

    It is unpacked aside and then renamed: a folder that is there is never written into.

    Parameters
    ----------
    entry
        The data set's record.
    accept_terms
        Whether the user accepts its terms; needed for sets that ask.
    downloads
        Folder of all releases; the archives lie in ``.archives/<name>`` in it.
    placed
        Folder where it lies on this machine, if that is not in `downloads`.
    patience
        How long to try.

    Returns
    -------
    Path
        The folder, holding a release that its reader recognises.

    Raises
    ------
    ValueError
        If what is there is not whole, the terms are not accepted, no source gives the data set (with what
        each said and the steps by hand), or what came is not the data set.
    """
    folder = downloads / entry.name
    if placed is not None and placed != folder:
        return _placed(entry, placed)
    if os.path.lexists(folder):
        return folder if (folder / COMPLETE).is_file() else _placed(entry, folder)
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
    files.check_folder(shelf)
    shelf.mkdir(parents=True, exist_ok=True)
    # The lock ends with the process that holds it, and what it waits for has bounds of its own.
    with files.alone(shelf / ".lock", f"{entry.name}: another process is bringing it", patience=math.inf):
        if not folder.is_dir():
            _from_first(entry, folder, shelf, patience)
    return folder


def _placed(entry: Entry, folder: Path) -> Path:
    """Return a folder that somebody else filled, if the data set is whole there."""
    cure = (
        f"complete it (`iqa verify {entry.name}`), or move it away: `iqa download` never writes into a "
        "folder that it did not make"
    )
    if not folder.is_dir():
        raise ValueError(f"{entry.name}: {folder} is not a folder; bring it back, or {cure}")
    try:
        found = len(layouts.read(entry, folder).frame)
    except ValueError as error:
        raise ValueError(f"{entry.name}: is in {folder}, but cannot be read: {error}; {cure}") from error
    expected = entry.counts.get("images", found)
    if found != expected:
        raise ValueError(f"{entry.name}: {folder} holds {found} of {expected} images; {cure}")
    return folder


def _from_first(entry: Entry, folder: Path, shelf: Path, patience: Patience) -> None:
    """Bring it from the first source that gives it; each is unpacked into a folder of its own."""
    reasons = []
    beside = folder.parent / ".unpacking" / entry.name
    for place, source in enumerate(entry.sources):
        aside = beside / str(place)
        try:
            _bring(source, aside, shelf, patience)
            layouts.locate(entry, aside)
        except files.BusyError:  # somebody fetches this very file: no reason to fetch another as well
            raise
        except ValueError as error:
            reasons.append(f"{source.origin}: {error}".replace(str(aside), str(folder)))
            print(f"{entry.name}: not from {reasons[-1]}", file=sys.stderr)
            continue
        files.write_text(aside / COMPLETE, f"{source.origin}\n")
        os.replace(aside, folder)
        shutil.rmtree(beside, ignore_errors=True)
        return
    by_hand = f"\nBy hand: {entry.steps} Unpack into {folder} ({entry.page})" if entry.steps else ""
    raise ValueError(f"{entry.name}: no source gave it.\n" + "\n".join(reasons) + by_hand)


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
