"""Files of an official folder, found by name whatever their case and depth."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmark import naming
from benchmark.datasets._spelling import composed
from benchmark.files import hidden
from benchmark.images import among, walk

DEPTH = 4


def pictures(root: Path) -> list[str]:
    """Paths of all picture files below `root`, see `benchmark.images.among`."""
    return among(walk(root), root)


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether `path` matches one of the shell patterns; ``*`` does not cross a ``/``."""
    parts = path.split("/")
    for pattern in patterns:
        wanted = pattern.split("/")
        if len(wanted) == len(parts) and all(map(fnmatch.fnmatchcase, parts, wanted)):
            return True
    return False


def find_root(folder: Path, wanted: Sequence[str]) -> Path | None:
    """Return the folder at or below `folder` that holds one of the files `wanted` (patterns allowed)."""
    level = [folder]
    for _ in range(DEPTH):
        for candidate in level:
            if any(files_of(candidate, name) for name in wanted):
                return candidate
        level = [
            child
            for parent in level
            for child in sorted(parent.iterdir())
            if child.is_dir() and not hidden(child.name)
        ]  # archives often hold one more folder
    return None


def files_of(folder: Path, pattern: str) -> list[Path]:
    """Files that match a pattern, sorted, without those of systems and programs."""
    return sorted(path for path in folder.glob(pattern) if not hidden(path.relative_to(folder)))


class Pictures:
    """The pictures below a folder, to be asked for by the names that a score file uses."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths = pictures(root)
        self._exact = set(self.paths)
        self._composed: dict[str, list[str]] = {}
        self._lower: dict[str, list[str]] = {}
        self._names: dict[str, list[str]] = {}
        for path in self.paths:
            name = composed(path)
            self._composed.setdefault(name, []).append(path)
            self._lower.setdefault(name.lower(), []).append(path)
            self._names.setdefault(name.rsplit("/", 1)[-1].lower(), []).append(path)

    def find(self, name: str) -> str | None:
        """Path of the picture called `name`; None if there is none, or several and none as written.

        As written, else in another Unicode form, else in another case, else below further folders, else in
        another folder.
        """
        candidates = self._could_be(name)
        return candidates[0] if len(candidates) == 1 else None

    def absent(self, name: str) -> bool:
        """Whether no picture could be meant by `name`, however it is read."""
        return not self._could_be(name)

    def _could_be(self, name: str) -> list[str]:
        """Pictures that `name` may mean, by the first way of reading it that finds any."""
        if name in self._exact:
            return [name]
        name = composed(name)
        lower = name.lower()
        alike = self._names.get(lower.rsplit("/", 1)[-1], [])
        below = [path for path in alike if composed(path).lower().endswith(f"/{lower}")]
        return self._composed.get(name) or self._lower.get(lower) or below or alike

    def find_all(self, names: Sequence[str], listed_in: str) -> list[str]:
        """Path of every picture of `names`.

        Raises
        ------
        ValueError
            Naming the first that is missing, its row, how many others, and a name close to it.
        """
        paths = [self.find(name) for name in names]
        missing = [row for row, path in enumerate(paths) if path is None]
        if missing:
            name = names[missing[0]]
            several = self._could_be(name)
            base = composed(name).rsplit("/", 1)[-1].lower()
            near = naming.nearest(base, list(self._names)[:20_000])
            hint = f"; there is {self._names[near][0]!r}" if near else ""
            if several:
                hint = f"; it could be {' or '.join(map(repr, several[:3]))}"
            raise ValueError(
                f"{self.root}: {len(missing)} of the {len(names)} pictures of {listed_in} are missing, the "
                f"first is {name!r} (entry {missing[0] + 1}){hint}; complete the folder or correct the names"
            )
        return [path for path in paths if path is not None]
