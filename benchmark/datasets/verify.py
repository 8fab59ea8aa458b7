"""Is a release complete and sound: counts, scores, names and every single file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.datasets import layouts
from benchmark.datasets.catalogue import Entry
from benchmark.datasets.fingerprints import fingerprints, journal_of
from benchmark.datasets.prepared import contents, linked


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Parameters
    ----------
    images
        Number of pictures that the lists name.
    faults
        What is wrong, one line each, with the name of the picture.
    notes
        What is worth knowing and no fault: pictures that no list names, identical files.
    """

    images: int
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def verify(
    entry: Entry,
    folder: Path,
    *,
    decode: bool = True,
    prepared: Path | None = None,
    journals: Path | None = None,
    workers: int = 2,
) -> Verdict:
    """Check a release name by name.

    Parameters
    ----------
    entry
        The data set's record.
    folder
        Where the release was unpacked.
    decode
        Whether every picture is decoded; a second run reads only what changed.
    prepared
        Folder of the prepared data set, which says what the files were then.
    journals
        Where the results per picture are kept.
    workers
        Threads that decode.

    Raises
    ------
    ValueError
        If the release cannot be read at all.
    """
    rows = layouts.read(entry, folder)
    frame = rows.frame
    faults = list(_miscounts(entry, len(frame), {name: set(frame[name].dropna()) for name in frame.columns}))
    if "mos" in frame:
        outside = ~frame["mos"].between(rows.low, rows.high)
        faults += [
            f"{image}: score {mos:g} lies outside {rows.low:g} to {rows.high:g}"
            for image, mos in frame.loc[outside, ["image", "mos"]].itertuples(index=False)
        ]
    faults += rows.lacks
    if prepared is not None:
        other, _ = contents.changed(prepared, linked.journal_of(prepared))
        cure = f"`dvc repro prepare@{entry.name}` takes it anew"
        faults += [f"{prepared / image}: is not the file that was prepared; {cure}" for image in other]
    notes = [*rows.notes, *(f"{name}: no list names it" for name in rows.extra)]
    if decode:
        seen: dict[str, str] = {}
        for found in fingerprints(
            rows.root, frame["image"].tolist(), journal_of(entry.name, journals), workers=workers
        ):
            if found.reason:
                faults.append(f"{found.image}: {found.reason}")
            elif (first := seen.setdefault(found.sha256, found.image)) != found.image:
                notes.append(f"{found.image}: the same file as {first}")
    return Verdict(len(frame), tuple(faults), tuple(notes))


def _miscounts(entry: Entry, listed: int, values: Mapping[str, set[object]]) -> Iterable[str]:
    columns = {"references": "reference", "distortions": "distortion"}
    for what, expected in entry.counts.items():
        kinds = values.get(columns.get(what, ""), set())
        found = listed if what == "images" else len(kinds - {"pristine"})
        if what != "images" and not kinds:
            continue
        if found != expected:
            yield f"{found} {what} where the complete data set has {expected}"
