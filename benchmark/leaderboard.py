"""A leaderboard of records of many people, as static pages: one of all data sets, and one of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from markupsafe import Markup

from benchmark.exchange import Record
from benchmark.exchange.record import Value
from benchmark.protocols import learnt_opinions
from benchmark.reporting import blocks
from benchmark.reporting.html import Html
from benchmark.reporting.pages import MenuEntry, framed
from benchmark.reporting.source import Source
from benchmark.tables import Table
from benchmark.tables.cells import LEARNT, Cell, Column, estimate

Standing = Literal["measured here", "verified", "reported"]

SITE = "Leaderboard"
#: What a page of a data set shows of each record.
SHOWN = ("srcc", "krcc", "plcc")
#: What each standing means, in the words of the pages.
MEANS: dict[Standing, str] = {
    "measured here": "scored by this checkout",
    "verified": "every figure was worked out anew here from the scores that were sent",
    "reported": "as it was sent; what it would take to check it is not here",
}


@dataclass(frozen=True)
class Entry:
    """A record with who sent it ("" for this checkout), how far it was checked, and its file on the site."""

    record: Record
    sender: str
    standing: Standing
    file: str


def pages(entries: Sequence[Entry], left_out: Sequence[str] = ()) -> dict[str, str]:
    """Make the pages of a leaderboard.

    Parameters
    ----------
    entries
        Records; their order does not matter.
    left_out
        What failed its checks, a line each.

    Returns
    -------
    dict
        Name of each page -> HTML that asks no host for anything, the same for the same records.
    """
    ordered = sorted(entries, key=lambda e: (e.record.method.name, e.sender, e.record.method.version, e.file))
    titles = {e.record.dataset.name: e.record.dataset.title for e in ordered}
    menu = [MenuEntry("index", SITE, Html("<p>All methods on all data sets.</p>"))]
    menu += [
        MenuEntry(f"set-{name}", titles[name].split(" (")[0], Html("<p>Every record, with its checks.</p>"))
        for name in sorted(titles)
    ]
    made = {"index": _index(ordered, sorted(titles), titles, left_out)}
    for name in sorted(titles):
        made[f"set-{name}"] = _of_set([e for e in ordered if e.record.dataset.name == name], titles[name])
    heads = {entry.name: Markup("<h1>{}</h1>\n").format(entry.title) for entry in menu}
    return {entry.name: framed(heads[entry.name] + made[entry.name], entry, menu, SITE) for entry in menu}


def _index(
    entries: Sequence[Entry], names: Sequence[str], titles: dict[str, str], left: Sequence[str]
) -> Html:
    """Show the SRCC of each version of a method, a column a data set."""
    rows: dict[tuple[str, str, str], dict[str, Entry]] = {}
    for entry in entries:
        one = entry.record.method
        rows.setdefault((one.name, entry.sender, one.version), {})[entry.record.dataset.name] = entry
    body = []
    for (_, sender, _), cells in rows.items():
        first = next(iter(cells.values()))
        figures = [_figure(cells[name], "srcc") if name in cells else Cell("–") for name in names]
        body.append((*_who(first, sender), *figures))
    columns = (*HEAD, *(Column(titles[name].split(" (")[0]) for name in names))
    notes = [f"{standing}: {means}." for standing, means in MEANS.items()]
    notes.append("In brackets the 95% interval. A row is one version of a method from one sender.")
    notes += [f"{mark} {means}" for mark, means in LEARNT.values()]
    table = Table("SRCC of every method on every data set.", columns, tuple(body), tuple(notes))
    lost = Markup().join(Markup("<li>{}</li>").format(line) for line in left)
    missing = Markup("<h2>Left out</h2><p>These records fail their checks.</p><ul>{}</ul>").format(lost)
    return Html.of([_shown(table, entries), Html(missing) if left else Html("")])


HEAD = (
    Column("Method", words=True),
    Column("From", words=True),
    Column("Standing", words=True),
    Column("Opinions", words=True),
)


def _who(entry: Entry, sender: str) -> tuple[Cell, ...]:
    one = entry.record.method
    aware = "learnt from opinions" if one.card.opinion_aware or one.rated else "opinion-unaware"
    title = Cell(one.card.title, f"{one.name}, version {one.version[:12]}", one.card.title)
    return title, Cell(sender or "here"), Cell(entry.standing), Cell(aware)


def _of_set(entries: Sequence[Entry], title: str) -> Html:
    """Show every record of one data set, its figures and where it lies."""
    columns = (
        *HEAD,
        *(Column(name.upper()) for name in SHOWN),
        Column("Images"),
        Column("Learnt from", words=True),
        Column("Protocol", words=True),
    )
    body = []
    for entry in entries:
        record, value = entry.record, _value(entry.record, "srcc")
        body.append(
            (
                *_who(entry, entry.sender),
                *(_figure(entry, name) for name in SHOWN),
                Cell(f"{value.n:,}", value=value.n) if value else Cell("–"),
                Cell(record.method.card.training_data),
                Cell(value.protocol if value else ""),
            )
        )
    who = sorted({(e.record.dataset.rated_by, e.record.dataset.score_name) for e in entries})
    notes = tuple(f"Opinions: {score or 'unnamed'}, by {by}." for by, score in who)
    table = Table(f"{title}: every record.", columns, tuple(body), notes)
    links = Markup().join(Markup('<li><a href="{0}">{0}</a></li>').format(entry.file) for entry in entries)
    return Html.of([_shown(table, entries), Html(Markup("<h2>Records</h2><ul>{}</ul>").format(links))])


def _value(record: Record, statistic: str) -> Value | None:
    return next((value for value in record.values if value.statistic == statistic), None)


def _figure(entry: Entry, statistic: str) -> Cell:
    value = _value(entry.record, statistic)
    if value is None or value.value is None:
        return Cell("–")
    one, name = entry.record.method, entry.record.dataset.name
    learnt = learnt_opinions(f"{one.rated} {one.card.opinions_of}", one.card.opinion_aware, name)
    bounds = {
        end: float("nan") if bound is None else bound
        for end, bound in (("low", value.low), ("high", value.high))
    }
    return estimate({"statistic": statistic, "value": value.value, **bounds, "overlap": str(learnt)})


def _shown(table: Table, entries: Sequence[Entry]) -> Html:
    rows = [
        {
            "method": e.record.method.name,
            "version": e.record.method.version,
            "from": e.sender,
            "standing": e.standing,
            "dataset": e.record.dataset.name,
            **value.model_dump(),
        }
        for e in entries
        for value in e.record.values
        if value.statistic in SHOWN
    ]
    content = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n").encode()
    return blocks.table(table, Source("records", "records", content))
