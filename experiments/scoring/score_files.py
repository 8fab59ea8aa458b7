"""Anybody's files of scores and opinions: read as they are, matched by picture, their direction found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

import methods
from benchmark.datasets._spelling import match
from benchmark.datasets.prepared.manifest import LEAST, numbers
from benchmark.files.delimited import read_table, spelt

#: Columns that hold numbers, and those that hold names; the first are empty where they say one of `MISSING`.
NUMBERS = ("score", "mos", "mos_std", "level", "ratings")
NAMES = ("reference", "distortion")
#: Columns that mean something here, however they are spelt.
KNOWN = ("image", *NUMBERS, *NAMES, "direction", "method")
#: What programs write for a number that is not there.
MISSING = ("na", "nan", "n/a", "null", "none")
WORDS = {"higher": True, "lower": False}
#: Names that a message lists before it counts the rest.
LISTED = 10


class Stated(NamedTuple):
    """A direction and who says so."""

    higher: bool
    by: str


def read(path: Path, column: str) -> pd.DataFrame:
    """Read a table with the columns ``image`` and ``column``, names as they are written.

    Returns
    -------
    DataFrame
        ``image`` and all else as text, `NUMBERS` as float64 with NaN where there is none, `NAMES` with NaN
        where they are empty.

    Raises
    ------
    ValueError
        If the file is missing or no table, lacks a column, lists no image or one twice, or holds something
        else where a number belongs, or one that cannot be.
    """
    frame = spelt(read_table(path), KNOWN, str(path))
    for name in ("image", column):
        if name not in frame:
            raise ValueError(f"{path} lacks the column {name!r}: it has {', '.join(frame.columns)}")
    if frame.empty:
        raise ValueError(f"{path} lists no image")
    if (frame["image"] == "").any():
        raise ValueError(f"{path}: row {frame.index[frame['image'].eq('').argmax()]} names no image")
    for name in frame.columns.intersection(NUMBERS):
        text = frame[name].str.strip()
        text = text.mask(text.str.lower().isin(MISSING), "")
        frame[name] = numbers(text, str(path), LEAST.get(name))
    for name in frame.columns.intersection(NAMES):
        frame[name] = frame[name].mask(frame[name] == "")
    _one_method(frame, path)
    return frame


def direction(
    path: Path, frame: pd.DataFrame, told: bool | None, option: str, say: Callable[[str], None]
) -> bool:
    """Whether higher numbers of a file are better: all who know agree, and one that nobody knows is said.

    Parameters
    ----------
    path, frame
        The file; its column ``direction`` counts, the card of the method that its column ``method`` or its
        name states, the run that wrote it, and the record of a data set beside its manifest.
    told
        What the command line says, if anything.
    option
        The option for lower numbers, ``--a-lower``.
    say
        Takes what a reader should know.

    Raises
    ------
    ValueError
        If two of them contradict each other.
    """
    stated = list(_stated(path, frame))
    if told is not None:
        stated.insert(0, Stated(told, option if not told else option.replace("lower", "higher")))
    if not stated:
        say(f"{path}: takes higher numbers for better; {option} says that lower ones are")
        return True
    first = stated[0]
    for other in stated[1:]:
        if other.higher != first.higher:
            raise ValueError(
                f"{path}: {_word(first.higher)} is better by {first.by}, {_word(other.higher)} by "
                f"{other.by}; correct the one that is wrong"
            )
    if told is None:
        say(f"{path}: {_word(first.higher)} is better, by {first.by}")
    return first.higher


def aligned(
    frame: pd.DataFrame, path: Path, mos: pd.DataFrame, mos_path: Path, say: Callable[[str], None]
) -> pd.DataFrame:
    """Call the images of scores as the opinions do, and say what is matched, missing or over.

    Raises
    ------
    ValueError
        If an image could be several of the other file.
    """
    found = match(frame["image"].tolist(), mos["image"].tolist())
    if found.ambiguous:
        which = [f"{name!r} ({', '.join(map(repr, known))})" for name, known in found.ambiguous.items()]
        raise ValueError(
            f"{path}: {len(which)} images could be several of {mos_path}, or share one: {_some(which)}; "
            "write the same paths in both files"
        )
    if found.respelt:
        one, other = found.respelt[0]
        say(
            f"{path}: {len(found.respelt)} of {len(frame)} images are spelt otherwise than in {mos_path} and "
            f"matched, such as {one!r} with {other!r}"
        )
    for fault, names in (
        (f"are not in {mos_path} and left out", [n for n in frame["image"] if n not in found.found]),
        ("have no score and are left out", frame["image"][frame["score"].isna()].tolist()),
        (f"of {mos_path} are missing", sorted(set(mos["image"]) - set(found.found.values()))),
    ):
        if names:
            say(f"{path}: {len(names)} images {fault}: {_some(list(map(repr, names)))}")
    return frame.assign(image=[found.found.get(name, name) for name in frame["image"]])


def label(path: Path) -> str:
    """Return what to call a file's scores: the method, where they lie as a run lays them out, or its name."""
    return path.resolve().parent.name if _of_run(path) else path.stem


def _one_method(frame: pd.DataFrame, path: Path) -> None:
    names = [name for name in frame["method"].unique() if name] if "method" in frame else []
    if len(names) > 1:
        raise ValueError(
            f"{path}: holds the scores of {', '.join(names)}; give each method a file of its own"
        )


def _stated(path: Path, frame: pd.DataFrame) -> Iterator[Stated]:
    """All who know the direction of a file's numbers."""
    if "direction" in frame:
        words = frame["direction"].str.strip().str.lower()
        words = words[words != ""]
        if (strange := ~words.isin(list(WORDS))).any():
            raise ValueError(
                f"{path}: row {words.index[strange.argmax()]}, column 'direction': "
                f"{words[strange].iloc[0]!r}: write higher or lower"
            )
        if len(set(words)) > 1:
            raise ValueError(f"{path}: the column 'direction' says higher and lower; it must be one of them")
        if len(words):
            yield Stated(WORDS[words.iloc[0]], "its column 'direction'")
    record = path.with_name("record.json")
    if path.name == "manifest.csv" and record.is_file():
        yield Stated(bool(json.loads(record.read_text())["higher_is_better"]), str(record))
    elif "score" in frame:
        yield from _by_method(path, frame)


def _by_method(path: Path, frame: pd.DataFrame) -> Iterator[Stated]:
    about = path.resolve().parents[3] / "models" / label(path) / "method.json" if _of_run(path) else None
    if about and about.is_file():
        yield Stated(bool(json.loads(about.read_text())["higher_is_better"]), str(about))
        return
    column = [name for name in frame["method"].unique() if name] if "method" in frame else []
    # A folder that training left is called as its method, or by a name that nobody knows.
    name = Path(column[0] if column else label(path)).name.removeprefix("trained:").replace("-", "_")
    if name in methods.names() and not hasattr(methods.find(name), "VARIANT"):
        yield Stated(methods.card(name).higher_is_better, f"the card of {name}")


def _of_run(path: Path) -> bool:
    """Whether a file is ``results/scores/<method>/<dataset>.csv``."""
    return path.resolve().parts[-4:-2] == ("results", "scores")


def _word(higher: bool) -> str:
    return "higher" if higher else "lower"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
