"""A release read by its record: the first layout that it has, checked picture by picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.datasets._files import Pictures, files_of, matches
from benchmark.datasets._layout_keys import DEVIATIONS
from benchmark.datasets.catalogue import Entry
from benchmark.datasets.layouts.listing import listing
from benchmark.datasets.layouts.live import live
from benchmark.datasets.layouts.locating import locate
from benchmark.datasets.layouts.table import ERROR, table
from benchmark.datasets.prepared.manifest import SPLITS

READERS: dict[str, Callable[[Path, Mapping[str, Any]], tuple[pd.DataFrame, str]]] = {
    "table": table,
    "listing": listing,
    "live": live,
}


@dataclass(frozen=True)
class Rows:
    """What a reader returns.

    Parameters
    ----------
    root
        Folder that the paths start from.
    frame
        ``image`` and those of the manifest's other columns that the release has, in its own order.
    extra
        Pictures of the folder that the release's lists do not name.
    low, high
        Range of the opinion in the file that was read.
    table
        That file, from `root`; a pattern where the scores lie in many.
    lacks
        What this copy of the release should have and has not, in sentences; nothing where it is whole.
    notes
        What is worth knowing of this copy, and no fault.
    """

    root: Path
    frame: pd.DataFrame
    extra: tuple[str, ...]
    low: float
    high: float
    table: str = ""
    lacks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read(entry: Entry, folder: Path, score: str | None = None) -> Rows:
    """Read a release.

    Parameters
    ----------
    entry
        The data set's record.
    folder
        Where the release was unpacked; the files may lie some folders deeper.
    score
        Name of another score of the same release, for records that have one.

    Raises
    ------
    ValueError
        If no score file is there, a picture is missing, or a row is at fault: file, row and column named.
    """
    layout, root = locate(entry, folder)
    if score is not None and score not in ("", *layout.get("other", {})):
        raise ValueError(
            f"{entry.name}: has no score {score!r}, only {', '.join(layout.get('other', {})) or 'one'}"
        )
    if score:
        layout = _of_score(layout, layout["other"][score])
    frame, listed_in = READERS[layout["reader"]](root, layout)
    frame = _of_ratings(frame, entry)
    held, told = Pictures(root), frame["image"].tolist()
    left_out = frame["image"].map(lambda name: _ends_in(name, entry.left_out))
    frame = frame[~left_out].reset_index(drop=True)
    frame["image"] = held.find_all(frame["image"].tolist(), listed_in)
    if (twice := frame["image"].duplicated()).any():
        row = int(np.argmax(twice.to_numpy()))
        raise ValueError(
            f"{layout.get('file', root / listed_in)}: entry {row + 1}: {frame['image'].iloc[row]!r} stands "
            "earlier too"
        )
    known = set(frame["image"])
    also = (*entry.reference_images, *entry.ignore)
    extra = tuple(
        path
        for path in held.paths
        if not (path in known or matches(path, also) or _ends_in(path, entry.left_out))
    )
    default = (entry.score.low, entry.score.high) if entry.score else (-np.inf, np.inf)
    low, high = layout.get("range", default)
    lacks = tuple(_lacks(entry, layout, root, frame, listed_in))
    notes = (*_elsewhere(told, frame["image"]), *_unknown_ratings(entry, layout, frame, listed_in))
    return Rows(root, frame, extra, float(low), float(high), listed_in, lacks, notes)


def _elsewhere(told: Sequence[str], found: Sequence[str]) -> Iterator[str]:
    """Say where pictures were found, if none lies where the release has it; copies of other sizes do so."""
    released, here = ({os.path.dirname(path) or "." for path in paths} for paths in (told, found))
    if released != {"."} and not {path.lower() for path in released} & {path.lower() for path in here}:
        yield f"pictures are those in {_few(here)}; the release has them in {_few(released)}"


def _of_score(layout: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Layout of another score: in another column of one table, it has not the deviations of the first."""
    left = DEVIATIONS if "mos" in other and "scores" not in other else ()
    return {**{key: value for key, value in layout.items() if key not in left}, **other}


def _unknown_ratings(
    entry: Entry, layout: Mapping[str, Any], frame: pd.DataFrame, listed_in: str
) -> Iterator[str]:
    """Say that a release lacks what its record tells of the ratings: others of the data set have it."""
    told = any(key in layout for key in DEVIATIONS)
    known = frame["mos_std"].notna().any() if "mos_std" in frame else False
    if entry.score is not None and (entry.score.deviation or told) and not known:
        yield f"no deviations of the ratings beside {listed_in}, so there is no ceiling"
    if "ratings" in layout and "ratings" not in frame:
        yield f"no column {layout['ratings']!r} beside {listed_in}, so how many rated is not known"


def _few(names: Iterable[str]) -> str:
    """Join the first three names, and count the others."""
    first = sorted(names)
    return ", ".join(first[:3]) + (f" and {len(first) - 3} more" if len(first) > 3 else "")


def _lacks(
    entry: Entry, layout: Mapping[str, Any], root: Path, frame: pd.DataFrame, listed_in: str
) -> Iterator[str]:
    """Say what a layout is known to lack, and which file would tell an official split that is not told."""
    if "lacks" in layout:
        yield layout["lacks"]
    splitting = [one for one in entry.layout if _told(one)]
    if not splitting:
        return
    parts = _told(layout) or _told(splitting[0])
    if "split" in frame and parts <= set(frame["split"].dropna()):
        return
    if "official" in layout:
        files = [part["file"] for part in layout["official"].values() if isinstance(part, dict)]
        wanted = [" or ".join(names) for names in files if not any(files_of(root, name) for name in names)]
    else:
        first = splitting[0]["scores"]
        wanted = [] if _told(layout) else [first if isinstance(first, str) else " or ".join(first)]
    empty = " or ".join(", ".join(part for part in SPLITS if part in parts).rsplit(", ", 1))
    cure = f"get {', '.join(wanted)}" if wanted else f"{empty} has no picture, complete the release"
    yield f"no official split beside {listed_in}: {cure}"


def _told(layout: Mapping[str, Any]) -> set[str]:
    """Parts of the official split that a layout tells: by a column, by further lists, or by a table each."""
    if "split" in layout:
        return set(SPLITS)
    official = layout.get("official", {})
    listed = {name for name, part in official.items() if isinstance(part, dict)}
    tables = {part["part"] for part in layout.get("parts", ()) if "part" in part}
    return listed | tables | ({official["default"]} if official else set())


def _of_ratings(frame: pd.DataFrame, entry: Entry) -> pd.DataFrame:
    """Turn a standard error of the opinions into the deviation of the ratings that ``mos_std`` is."""
    if ERROR not in frame:
        return frame
    if entry.score is None or entry.score.ratings is None or entry.score.ratings.count is None:
        raise ValueError(
            f"{entry.name}: its record reads a standard error and does not say how many ratings stand "
            "behind an opinion; add score.ratings"
        )
    return frame.assign(mos_std=frame[ERROR] * entry.score.ratings.count**0.5).drop(columns=ERROR)


def _ends_in(path: str, names: Iterable[str]) -> bool:
    """Whether a path is one of the names, or one of them below further folders."""
    return any(f"/{path}".endswith(f"/{name}") for name in names)
