"""A leaderboard of records of many people, as static pages: one of all data sets, and one of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from markupsafe import Markup

from benchmark.exchange import Record, learnt
from benchmark.exchange.record import Value
from benchmark.figures import against_cost, encode
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
    """A record with who sent it ("" for this checkout), how far it was checked, and its file on the site.

    ``made`` is the day on which it was written, as its sender says; "" where nobody does.
    """

    record: Record
    sender: str
    standing: Standing
    file: str
    made: str = ""


def pages(
    entries: Sequence[Entry],
    left_out: Sequence[str] = (),
    ranks: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, str]:
    """Make the pages of a leaderboard.

    Parameters
    ----------
    entries
        Records; their order does not matter.
    left_out
        What failed its checks, a line each.
    ranks
        By data set, `benchmark.exchange.ranked` of the records by their ``file``, where the data set is here.

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
        own = sorted((e for e in ordered if e.record.dataset.name == name), key=_best_first)
        made[f"set-{name}"] = _of_set(own, titles[name], (ranks or {}).get(name))
    if several := _several_versions(ordered):
        menu.append(MenuEntry("versions", "Versions", Html("<p>What became of a method.</p>")))
        made["versions"] = _versions(several)
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


def _of_set(entries: Sequence[Entry], title: str, ranks: pd.DataFrame | None) -> Html:
    """Show every record of one data set, its figures and where it lies."""
    values = [_value(entry.record, "srcc") for entry in entries]
    protocols = sorted({value.protocol for value in values if value})
    columns = (
        *HEAD,
        *((Column("Rank"),) if ranks is not None else ()),
        *(Column(name.upper()) for name in SHOWN),
        Column("Images"),
        Column("Multiply-adds"),
        Column("Parameters"),
        Column("Learnt from", words=True),
        *((Column("Protocol", words=True),) if len(protocols) > 1 else ()),
    )
    body = []
    for entry, value in zip(entries, values, strict=True):
        record = entry.record
        body.append(
            (
                *_who(entry, entry.sender),
                *((_rank(entry, ranks),) if ranks is not None else ()),
                *(_figure(entry, name) for name in SHOWN),
                _count(value.n if value else None),
                *(_count(getattr(record.cost, name, None)) for name in ("multiply_adds", "parameters")),
                Cell(record.method.card.training_data),
                *((Cell(value.protocol if value else ""),) if len(protocols) > 1 else ()),
            )
        )
    who = sorted({(e.record.dataset.rated_by, e.record.dataset.score_name) for e in entries})
    notes = [f"Opinions: {score or 'unnamed'}, by {by}." for by, score in who]
    notes += [f"Protocol: {protocols[0]}."] if len(protocols) == 1 else []
    notes += [RANKED] if ranks is not None else []
    table = Table(f"{title}: every record.", columns, tuple(body), tuple(notes))
    links = Markup().join(Markup('<li><a href="{0}">{0}</a></li>').format(entry.file) for entry in entries)
    listed = Html(Markup("<h2>Records</h2><ul>{}</ul>").format(links))
    return Html.of([_shown(table, entries), *_against_cost(entries, title), listed])


RANKED = (
    "Rank by SRCC on the same pictures, in brackets its 95% interval; methods that share a letter are not "
    "told apart (paired tests, Holm). Ranked are records whose figures were worked out anew here, that have "
    "a score for every rated picture and have learnt from no opinion of this data set."
)


def _rank(entry: Entry, ranks: pd.DataFrame) -> Cell:
    own = ranks[ranks["method"].eq(entry.file) & ranks["statistic"].eq("rank")]
    if own.empty:
        return Cell("–")
    row = own.iloc[0]
    bounds = "" if pd.isna(row["low"]) else f"[{row['low']:.0f}, {row['high']:.0f}]"
    return Cell(f"{row['value']:.0f} {row['letters']}".rstrip(), bounds, float(row["value"]))


def _count(number: int | None) -> Cell:
    return Cell("–") if number is None else Cell(f"{number:,}", value=number)


def _against_cost(entries: Sequence[Entry], title: str) -> list[Html]:
    """Draw SRCC against multiply-adds of records whose figures were worked out anew, where two have both.

    Those that have learnt from the data set are left out.
    """
    rows = []
    for entry in entries:
        value, cost = _value(entry.record, "srcc"), entry.record.cost
        if value and cost and entry.standing != "reported" and learnt(entry.record) is False:
            size = f"{cost.width} x {cost.height}"
            rows.append(
                {
                    "title": entry.record.method.card.title,
                    "from": entry.sender,
                    "size": size,
                    **cost.model_dump(include={"multiply_adds", "parameters"}),
                    **value.model_dump(include={"value", "low", "high"}),
                }
            )
    frame = pd.DataFrame(rows)
    if frame.empty or len(of := frame[frame["size"].eq(frame["size"].mode()[0])].dropna(subset="value")) < 2:
        return []
    drawing = against_cost(of, dataset=f"{title} (a picture of {of['size'].iloc[0]})")
    content = of.to_csv(index=False, lineterminator="\n").encode()
    return [blocks.figure(drawing, encode(drawing), [Source("records", "", content)])]


def _several_versions(entries: Sequence[Entry]) -> list[list[Entry]]:
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


def _versions(several: Sequence[Sequence[Entry]]) -> Html:
    """Show versions of one method beside each other, the oldest first."""
    columns = (
        Column("Method", words=True),
        Column("From", words=True),
        Column("Data set", words=True),
        Column("Made", words=True),
        Column("Version", words=True),
        Column("Package", words=True),
        Column("SRCC"),
    )
    body = [
        (
            Cell(entry.record.method.card.title, entry.record.method.name),
            Cell(entry.sender or "here"),
            Cell(entry.record.dataset.title.split(" (")[0]),
            Cell(entry.made or "not said"),
            Cell(entry.record.method.version[:12]),
            Cell(entry.record.packages.get("qualibench", "–")),
            _figure(entry, "srcc"),
        )
        for group in several
        for entry in group
    ]
    notes = ("The days are the senders'.",)
    table = Table("Versions of one method on one data set, the oldest first.", columns, tuple(body), notes)
    return _shown(table, [entry for group in several for entry in group])


def _best_first(entry: Entry) -> float:
    value = _value(entry.record, "srcc")
    return -value.value if value and value.value is not None else math.inf


def _value(record: Record, statistic: str) -> Value | None:
    return next((value for value in record.values if value.statistic == statistic), None)


def _figure(entry: Entry, statistic: str) -> Cell:
    value = _value(entry.record, statistic)
    if value is None or value.value is None:
        return Cell("–")
    bounds = {
        end: float("nan") if bound is None else bound
        for end, bound in (("low", value.low), ("high", value.high))
    }
    return estimate(
        {"statistic": statistic, "value": value.value, **bounds, "overlap": str(learnt(entry.record))}
    )


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
    return blocks.table(table, Source("records", "", content))
