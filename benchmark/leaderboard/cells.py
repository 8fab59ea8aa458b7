"""Columns and cells that pages of a leaderboard share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from urllib.parse import quote

import pandas as pd

from benchmark.exchange import in_setting, learnt
from benchmark.leaderboard.entries import Entry, value_of
from benchmark.method import setting
from benchmark.tables.cells import Cell, Column, billions, estimate
from benchmark.terms import amount

#: Who made a row, and how far it was checked.
HEAD = (
    Column("Method", words=True),
    Column("From", words=True, facet="choice"),
    Column("Standing", words=True, facet="choice"),
    Column("Opinions", words=True, facet="choice"),
)
#: Size and cost of what made it.
COST = (Column("Multiply-adds, billion", facet="most"), Column("Parameters, million", facet="most"))
SETTING = Column("Setting", words=True, facet="choice")
PROTOCOL = Column("Protocol", words=True, facet="choice")
RECORD = Column("Record", words=True)


def words(text: str, small: str = "", href: str = "") -> Cell:
    """Return a cell of words, which sorts by them."""
    return Cell(text, small, text, href=href)


def who(entry: Entry) -> tuple[Cell, ...]:
    """Return the cells of `HEAD`."""
    one = entry.record.method
    aware = "aware" if one.card.opinion_aware or one.rated else "unaware"
    title = words(one.card.title, one.name)
    return title, words(entry.sender or "here"), words(entry.standing), words(aware)


def cost(entry: Entry, sizes: Sequence[str]) -> tuple[Cell, ...]:
    """Return the cells of `COST`; the size of the picture beside, where it is not the same everywhere."""
    one = entry.record.cost
    if one is None:
        return Cell("–"), Cell("–")
    size = size_of(entry) if len(sizes) > 1 else ""
    millions = one.parameters / 1e6
    return billions(one.multiply_adds, one.parameters, size), Cell(amount(millions), value=millions)


def size_of(entry: Entry) -> str:
    """Return the size of the picture for which the cost of a record was counted; "" where it was not."""
    one = entry.record.cost
    return "" if one is None else f"{one.width} x {one.height}"


def met(entry: Entry) -> Cell:
    """Return in what way the method meets the data set: zero-shot only where that is true."""
    return words(setting(learnt(entry.record), entry.record.method.card.transductive))


def protocol(entry: Entry) -> Cell:
    """Return by which protocol the SRCC of a record was measured, and by which curve its PLCC."""
    value, one = value_of(entry.record, "srcc"), entry.record
    if value is None:
        return words("")
    said = in_setting(value.protocol, one.method, one.dataset)
    return words(f"{said}; PLCC after {one.protocol.mapping}")


def record(entry: Entry) -> Cell:
    """Return a link to the record, named by the version of its method."""
    return words(entry.record.method.version[:12], href=quote(entry.file))


def release(entry: Entry) -> str:
    """Return what tells one release of a data set from another: digits of its opinions and splits."""
    return entry.record.dataset.manifest_sha256[:8]


def figure(entry: Entry, statistic: str, parted: Collection[str] = ()) -> Cell:
    """Return one statistic of a record with its interval, marked where it has learnt from the data set.

    Where pictures have no score it says how many. ``parted`` are the data sets of which there are several
    releases: there it names its own.
    """
    value = value_of(entry.record, statistic)
    if value is None or value.value is None:
        return Cell("–")
    bounds = {
        end: float("nan") if bound is None else bound
        for end, bound in (("low", value.low), ("high", value.high))
    }
    cell = estimate(
        {"statistic": statistic, "value": value.value, **bounds, "overlap": str(learnt(entry.record))}
    )
    told = [cell.small, unscored(entry)]
    if entry.record.dataset.name in parted:
        told.append(f"release {release(entry)}")
    return replace(cell, small="\n".join(filter(None, told)))


def unscored(entry: Entry) -> str:
    """Return how many pictures of its data set a record leaves without a score; "" if none."""
    images, scores = entry.record.dataset.images, entry.record.scores
    count = images - (scores.rows - scores.missing)
    return f"{count:,} of {images:,} pictures without a score" if count > 0 else ""


def rank(entry: Entry, ranks: pd.DataFrame) -> Cell:
    """Return the rank of a record with its interval, and the letters of its group."""
    own = ranks[ranks["method"].eq(entry.file) & ranks["statistic"].eq("rank")]
    if own.empty:
        return Cell("–")
    row = own.iloc[0]
    bounds = "" if pd.isna(row["low"]) else f"[{row['low']:.0f}, {row['high']:.0f}]"
    return Cell(f"{row['value']:g} {row['letters']}".rstrip(), bounds, float(row["value"]))
