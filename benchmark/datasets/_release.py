"""A published data set, prepared: its release is read where it was unpacked, the pictures are linked."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

from benchmark.datasets import layouts
from benchmark.datasets.catalogue import Entry
from benchmark.datasets.prepared.linked import folder_of, link, origin_of
from benchmark.datasets.prepared.manifest import COLUMNS, OPTIONAL, write_dataset


def prepare(
    target: Path,
    *,
    entry: Entry,
    source: str | Path | None = None,
    score: str | None = None,
    short_side: int | None = None,
) -> None:
    """Link the pictures of a release and write the manifest into `target`.

    Parameters
    ----------
    target
        Folder to fill.
    entry
        The data set's record.
    source
        Folder of the unpacked release, or one above it; default ``downloads/<name>``.
    score
        Name of another score of the same release, e.g. ``"alignment"`` of AGIQA-3K.
    short_side
        Scale pictures to this short side before anything looks at them; 0 leaves them as they are, by default
        the record says (512 for SPAQ).

    Raises
    ------
    ValueError
        If the release is not there (with the command that brings it), not complete, or at fault.
    """
    folder = folder_of(entry, source)
    if not folder.is_dir():
        raise ValueError(f"{folder}: is not a folder; {layouts.how_to_get(entry)}")
    rows = layouts.read(entry, folder, score)
    parent = os.path.commonpath([os.path.dirname(image) for image in rows.frame["image"]])
    link(target, rows.root / parent)
    images = [f"images/{os.path.relpath(image, parent or '.')}" for image in rows.frame["image"]]
    record = entry.record()
    below = os.path.relpath(rows.root / parent, folder)
    for what in (*rows.lacks, *rows.notes):
        print(f"{entry.name}: {what}", file=sys.stderr)
    missing = (f"Missing here: {what}." for what in rows.lacks)
    notes = (*missing, *(f"Here: {what}." for what in rows.notes), *record.notes)
    record = dataclasses.replace(
        record,
        score_name=score or record.score_name,
        low=rows.low,
        high=rows.high,
        linked=below,
        notes=notes,
        table=rows.table,
        origin=origin_of(folder),
    )
    if short_side is not None:
        record = dataclasses.replace(record, short_side=short_side)
    known = [*COLUMNS, *(name for name in OPTIONAL if name in rows.frame)]
    frame = rows.frame.assign(image=images).reindex(columns=known)
    write_dataset(target, record, frame)
