"""Names of pictures in two lists that may spell them differently: other folders, case or Unicode form."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

Parts = tuple[str, ...]


class Matches(NamedTuple):
    """Names of one list found in another.

    Parameters
    ----------
    found
        Name -> the other list's name for it, for all that are in both, each at most once.
    ambiguous
        Name -> the names that it could be; none of them is in `found`.
    """

    found: dict[str, str]
    ambiguous: dict[str, list[str]]

    @property
    def respelt(self) -> list[tuple[str, str]]:
        """Pairs that are spelt differently."""
        return [(name, other) for name, other in self.found.items() if name != other]


def composed(name: str) -> str:
    """Return a name in Unicode's form NFC: ``é`` is one character, where macOS may write two."""
    return unicodedata.normalize("NFC", name)


def match(names: Sequence[str], known: Sequence[str]) -> Matches:
    r"""Match names of pictures with those of another list.

    As written; else, where it leaves no choice, in another Unicode form, with ``\`` for ``/`` or below other
    folders (one path ends in the other, once the folder that all of a list have in common is taken off); else
    so in another case. What one list holds twice under such a reading is ambiguous.
    """
    exact = set(known)
    matched = {name: name for name in names if name in exact}
    ambiguous: dict[str, list[str]] = {}
    if len(matched) == len(names):
        return Matches(matched, ambiguous)
    for spelt in (str, str.lower):
        one, two = _parts(names, spelt), _parts(known, spelt)
        taken = set(matched.values())
        left = {name: one[name] for name in one if name not in matched and name not in ambiguous}
        forth, back = _candidates(left, {name: two[name] for name in two if name not in taken})
        for name, others in forth.items():
            if len(others) == 1 and len(back[others[0]]) == 1:
                matched[name] = others[0]
            elif others:
                ambiguous[name] = others
    return Matches(matched, ambiguous)


def on_disk(path: Path) -> Path:
    """Return a path as the disk spells it, where it is there in another Unicode form; else as it is.

    Raises
    ------
    ValueError
        If a folder holds the name in several forms, none of them as written.
    """
    if str(path).isascii() or os.path.lexists(path):
        return path
    parent = on_disk(path.parent)
    if not parent.is_dir():
        return path
    same = [entry for entry in os.listdir(parent) if composed(entry) == composed(path.name)]
    if len(same) > 1:
        raise ValueError(f"{path}: the folder has {len(same)} files of this name in other Unicode forms")
    return parent / same[0] if same else path


def absent(path: Path) -> str:
    """Say that a file does not exist, or does in another Unicode form, as copies by way of macOS do."""
    spelt = on_disk(path)
    if spelt == path:
        return "does not exist"
    return f"does not exist in this Unicode form, {spelt.name!r} does"


def _candidates(
    left: Mapping[str, Parts], right: Mapping[str, Parts]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """For each name of either list those of the other that end in it, or that it ends in."""
    whole: dict[Parts, list[str]] = {}
    ends: dict[Parts, list[str]] = {}
    for name, parts in right.items():
        whole.setdefault(parts, []).append(name)
        for start in range(1, len(parts)):
            ends.setdefault(parts[start:], []).append(name)
    forth: dict[str, list[str]] = {}
    back: dict[str, list[str]] = {name: [] for name in right}
    for name, parts in left.items():
        mine = [other for start in range(len(parts)) for other in whole.get(parts[start:], ())]
        forth[name] = mine + ends.get(parts, [])
        for other in forth[name]:
            back[other].append(name)
    return forth, back


def _parts(names: Iterable[str], spelt: Callable[[str], str]) -> dict[str, Parts]:
    """Folders and file of each name, without the folders that all of them begin with."""
    parts = {
        name: tuple(p for p in spelt(composed(name)).replace("\\", "/").split("/") if p not in ("", "."))
        for name in names
    }
    folders = [whole[:-1] for whole in parts.values()]
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*folders, strict=False))
    shared = sum(1 for _ in columns)
    return {name: whole[shared:] for name, whole in parts.items()}
