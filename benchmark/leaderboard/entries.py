"""What a leaderboard is made of: records, who sent them, and how far they were checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.exchange import Record
from benchmark.exchange.record import Value

Standing = Literal["measured here", "verified", "reported"]

SITE = "Leaderboard"
#: Sender of records that lie in no folder of received ones, and whose scores are not those that lie here.
UNSAID = "not said"
#: What each standing means, in the words of the pages; the most checked first.
MEANS: dict[Standing, str] = {
    "measured here": "its scores are those that this checkout has, by the version of the method that it has",
    "verified": "every figure was worked out anew here from the scores that were sent",
    "reported": "as it was sent; what it would take to check it is not here",
}


@dataclass(frozen=True)
class Entry:
    """A record with who sent it ("" for this checkout), how far it was checked, and its file on the site.

    ``made`` is the day on which it was written, as its sender says; "" where nobody does.
    """

    record: Record
    sender: str
    standing: Standing
    file: str
    made: str = ""


def value_of(record: Record, statistic: str) -> Value | None:
    """Return one statistic of a record, None where it has none."""
    return next((value for value in record.values if value.statistic == statistic), None)


def best_first(entry: Entry) -> float:
    """Return what sorts entries by SRCC, those without one last."""
    value = value_of(entry.record, "srcc")
    return -value.value if value and value.value is not None else math.inf


def several_releases(entries: Sequence[Entry]) -> frozenset[str]:
    """Return the data sets of which records have several releases: other opinions, references or splits."""
    releases: dict[str, set[str]] = {}
    for entry in entries:
        releases.setdefault(entry.record.dataset.name, set()).add(entry.record.dataset.manifest_sha256)
    return frozenset(name for name, found in releases.items() if len(found) > 1)


def several_versions(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return the records of each method on each data set of which somebody sent several versions."""
    together: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        key = (entry.record.method.name, entry.sender, entry.record.dataset.name)
        together.setdefault(key, []).append(entry)
    return [
        sorted(group, key=lambda e: (e.made, e.file))
        for group in together.values()
        if len({e.record.method.version for e in group}) > 1
    ]
