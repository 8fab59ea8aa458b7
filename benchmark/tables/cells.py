"""A table ready for display, and cells of one row of a tidy table: ours, the published figure, a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from benchmark.evidence import decided
from benchmark.provenance import published
from benchmark.tables.labels import Labels
from benchmark.terms import amount, number, statistic


@dataclass(frozen=True)
class Cell:
    """One cell: the text, smaller text after it, what it sorts by, its mark ("best", "level", ""), a link."""

    text: str = ""
    small: str = ""
    value: float | str | None = None
    mark: str = ""
    href: str = ""


@dataclass(frozen=True)
class Column:
    """One column: its label, the label it shares with its neighbours, and whether it holds words.

    ``facet`` is how a reader may narrow the rows by it: ``"choice"`` of one of its texts, ``"most"`` that its
    values may be, or ``""``, not at all.
    """

    label: str
    group: str = ""
    words: bool = False
    facet: Literal["", "choice", "most"] = ""


@dataclass(frozen=True)
class Table:
    """A table ready for display; ``notes`` stand under it, it speaks of ``methods`` and ``datasets``."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    methods: frozenset[str] = frozenset()
    datasets: frozenset[str] = frozenset()


#: Value of the column ``overlap`` -> its mark and the key to it. None of these is ever the best.
LEARNT = {
    "True": ("†", "it has learnt from pictures of its test set, so this is no evidence of generalisation."),
    "unknown": ("‡", "what it has learnt from is not known, and may be its test set: no evidence either."),
}


def estimate(row: Mapping[str, Any], mark: str = "") -> Cell:
    """Return the cell of one row of a tidy table: value, 95% interval."""
    decimals = statistic(str(row["statistic"])).decimals
    value, low, high = (float(row[name]) for name in ("value", "low", "high"))
    bounds = "" if pd.isna(low) else f"[{number(low, decimals)}, {number(high, decimals)}]"
    text = number(value, decimals) + LEARNT.get(str(row.get("overlap", "")), ("", ""))[0]
    return Cell(text, bounds, None if pd.isna(value) else value, mark)


def ours(row: Mapping[str, Any] | None) -> Cell:
    """Return the cell of a row that `marks` has marked, a dash where there is no row."""
    return Cell("–") if row is None else estimate(row, str(row["mark"]))


def published_cell(row: Mapping[str, Any]) -> Cell:
    """Return the published figure of a row with its standing, a dash where no paper gives one."""
    value = float(row["published"])
    if pd.isna(value):
        return Cell("–")
    decimals = statistic(str(row["statistic"])).decimals
    standing = "" if pd.isna(row["standing"]) else f" ({row['standing']})"
    part = row.get("published_part", "")
    small = [str(part)] if part and not pd.isna(part) else []
    low, high = (float(row.get(f"published_{end}", float("nan"))) for end in ("low", "high"))
    if low < high:
        small.append(f"sources: {number(low, decimals)} to {number(high, decimals)}")
    return Cell(number(value, decimals) + standing, "\n".join(small), value)


def verdict(row: Mapping[str, Any]) -> str:
    """Say where a published figure lies against ours: ``agrees``, ``higher``, ``lower`` or "".

    Only one of the same part of the data set judges, and its own error is allowed for (`published.allowed`).
    """
    part = row.get("published_part", "")
    if not decided(row) or not published.same_protocol(
        str(row.get("statistic", "")), "" if pd.isna(part) else str(part)
    ):
        return ""
    names = ("value", "low", "high", "n", "published_n", "published_splits")
    low, high = published.allowed(*(float(row.get(name, float("nan"))) for name in names))
    return published.verdict(float(row["published"]), low, high)


#: What is said of a count of multiply-adds that says little of the work, and why.
IN_PART, NOT_COUNTED = "in part", "not counted"
COUNTED = (
    "Multiply-adds are those of convolutions and matrix products alone. Methods made of filters and "
    "statistics, which have no network, do most of their work in other operations, which are not counted: "
    f"theirs are said to be counted {IN_PART}, and none at all {NOT_COUNTED}."
)


def billions(count: float, parameters: float, small: str = "") -> Cell:
    """Return the cell of the multiply-adds of a picture, in billions; without a network they are a part."""
    if not count:
        return Cell(NOT_COUNTED, small, 0.0)
    told = [IN_PART] * (not parameters) + [small] * bool(small)
    return Cell(amount(count / 1e9), "\n".join(told), count / 1e9)


def name_cell(column: str, value: object, labels: Labels) -> Cell:
    """Return the cell of a key; numbers sort as numbers."""
    label = labels.of(column, value)
    return Cell(label, value=value if isinstance(value, int | float) else label)
