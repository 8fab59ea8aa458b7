"""Whether a method has learnt from the very pictures it is tested on: such a figure is no generalisation."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

#: Data sets whose references are the same photographs (both derive from Kodak's).
RELATED: tuple[tuple[str, str], ...] = (("live", "tid2013"),)


def shared(train: Collection[str], test: Iterable[str]) -> int:
    """Count the test pictures that are, byte for byte, a training picture, by the digests of their files."""
    learnt = set(train)
    return sum(digest in learnt for digest in test)


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
