"""Whether a method has learnt from the very pictures it is tested on: such a figure is no generalisation."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

#: Data sets whose references are the same photographs (both derive from Kodak's).
RELATED: tuple[tuple[str, str], ...] = (("live", "tid2013"),)


def shared_files(train: Iterable[Path], test: Sequence[Path]) -> int:
    """Count the test pictures that are, byte for byte, a training picture.

    Only files of equal size are read, so that a hundred thousand training pictures cost a look at their
    sizes. A missing file shares nothing.
    """
    sizes: dict[int, list[Path]] = {}
    for path in train:
        if path.is_file():
            sizes.setdefault(path.stat().st_size, []).append(path)
    alike = [path for path in test if path.is_file() and path.stat().st_size in sizes]
    learnt = {_digest(path) for size in {p.stat().st_size for p in alike} for path in sizes[size]}
    return sum(_digest(path) in learnt for path in alike)


def named_in(training_data: str, title: str) -> bool:
    """Whether the words on a method's card name a data set among what it learnt from.

    Parameters
    ----------
    training_data
        ``training_data`` of the card.
    title
        Title of the data set, as the literature prints it; what stands in brackets does not count.
    """
    parts = re.findall(r"[a-z]+|[0-9]+", title.split(" (")[0].lower())
    name = r"[^a-z0-9]*".join(parts)
    # "LIVE in the Wild" is another data set than LIVE.
    return bool(parts) and bool(
        re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9]| in the wild)", training_data.lower())
    )


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
