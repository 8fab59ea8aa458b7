"""Whether pictures can be read: all are decoded before work begins that would stop at a bad one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from benchmark.datasets.prepared.contents import CHUNK, Known, placer, remember, remembered, stamp_of
from benchmark.images import ImageError, read

#: Threads: decoders let go of the interpreter's lock, and each holds a whole picture.
WORKERS = min(4, os.cpu_count() or 1)

Look = tuple[str, Known | None]


def check_readable(
    pictures: Sequence[Path],
    journal: Path,
    *,
    least: int = 0,
    short_side: int = 0,
    workers: int = WORKERS,
) -> None:
    """Decode every picture that is not known to be good.

    Parameters
    ----------
    pictures
        Files.
    journal
        CSV file of the pictures that were good earlier; it grows, where it can be written. One of the place,
        size and time that it had then is not read again.
    least
        Shortest side that will do, pixels.
    short_side
        Short side that pictures are scaled to before use; 0: none.
    workers
        Threads.

    Raises
    ------
    ValueError
        If some cannot be read or are too small: each is named in a line of its own, with the reason.
    """
    faults: list[str] = []
    look, once = _looker(remembered(journal), least, short_side), list(dict.fromkeys(pictures))
    with (
        ThreadPoolExecutor(workers) as pool,
        tqdm(total=len(once), desc="check pictures", disable=not sys.stderr.isatty()) as bar,
    ):
        for start in range(0, len(once), CHUNK):
            looked = list(pool.map(look, once[start : start + CHUNK]))
            faults += [fault for fault, _ in looked if fault]
            remember(journal, [fresh for _, fresh in looked if fresh])
            bar.update(len(looked))
    if faults:
        raise ValueError("\n".join([f"{len(faults)} of {len(once)} pictures cannot be used:", *faults]))


def _looker(known: Mapping[str, Known], least: int, short_side: int) -> Callable[[Path], Look]:
    """Return what looks at a picture: the fault, if any, and what is newly known of it."""
    place_of = placer()

    def look(path: Path) -> Look:
        now = (place_of(path), *stamp_of(path))
        kept, fresh = known.get(now[0]), None
        if kept is None or kept[:3] != now:
            try:
                _, height, width = read(path).shape
            except ImageError as error:
                return str(error), None
            kept = fresh = Known(*now, f"{width}x{height}")
        short = short_side or min(map(int, kept.found.split("x")))
        small = f"{path}: picture of {kept.found} is smaller than the crop of {least}; lower `crop`"
        return small if short < least else "", fresh

    return look
