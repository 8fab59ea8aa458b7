"""Whether a method has learnt from the very pictures it is tested on: such a figure is no generalisation."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Literal

#: Data sets of the same photographs: references that derive from Kodak's, the same pictures, crops of them.
RELATED: tuple[tuple[str, str], ...] = (
    *(("live", "tid2013"), ("live", "tid2008"), ("tid2008", "tid2013")),
    *(("koniq10k", "koniqpp"), ("flive", "flive_patches")),
)


def learnt_opinions(opinions_of: str, opinion_aware: bool, dataset: str) -> bool | Literal["unknown"]:
    """Whether a method has learnt opinions of a data set, or of one with the same photographs.

    Parameters
    ----------
    opinions_of, opinion_aware
        As on its card (`benchmark.method.Card`).
    dataset
        Name of the data set that it is tested on.
    """
    names = set(opinions_of.split())
    same = {dataset, *(other for pair in RELATED if dataset in pair for other in pair)}
    if names & same:
        return True
    return "unknown" if "unknown" in names or (opinion_aware and not names) else False


def learnt_from(
    opinions_of: str, opinion_aware: bool, training_data: str, *, dataset: str, title: str, by_people: bool
) -> bool | Literal["unknown"]:
    """Whether a method has learnt from a data set, its opinions or its pictures, by what its card says.

    Parameters
    ----------
    opinions_of, opinion_aware, training_data
        As on its card.
    dataset, title
        Name and title of the data set that it is tested on.
    by_people
        Whether people rated it: what is not known can have held no proxy made here.
    """
    learnt = learnt_opinions(opinions_of, opinion_aware, dataset)
    if learnt is True or (by_people and named_in(training_data, title)):
        return True
    return learnt if by_people else False


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
