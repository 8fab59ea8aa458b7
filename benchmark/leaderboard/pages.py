"""Pages of a leaderboard: all methods on all data sets, every record, each data set, versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
from markupsafe import Markup

from benchmark.exchange import learnt
from benchmark.figures import against_cost, encode
from benchmark.leaderboard.cells import (
    COST,
    HEAD,
    PROTOCOL,
    RECORD,
    SETTING,
    cost,
    figure,
    met,
    protocol,
    rank,
    record,
    release,
    size_of,
    unscored,
    who,
    words,
)
from benchmark.leaderboard.entries import (
    MEANS,
    SITE,
    Entry,
    best_first,
    several_releases,
    several_versions,
    value_of,
)
from benchmark.reporting import blocks
from benchmark.reporting.html import Html
from benchmark.reporting.pages import MenuEntry, framed
from benchmark.reporting.source import Source
from benchmark.tables import Labels, Table
from benchmark.tables.cells import COUNTED, LEARNT, Cell, Column

#: What a page of a data set shows of each record.
SHOWN = ("srcc", "krcc", "plcc")
#: What stands under every table of records.
TOLD = (
    "Opinions: aware, if scores by people took part in the training. What a method learnt from and what it "
    "costs is its sender's word."
)


def pages(
    entries: Sequence[Entry],
    left_out: Sequence[str] = (),
    ranks: Mapping[str, pd.DataFrame] | None = None,
    titles: Mapping[str, str] | None = None,
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
    titles
        Titles of data sets that are known here; of others, what a record says stands.

    Returns
    -------
    dict
        Name of each page -> HTML that asks no host for anything, the same for the same records.
    """
    ordered = sorted(entries, key=lambda e: (e.record.method.name, e.sender, e.record.method.version, e.file))
    called = {e.record.dataset.name: e.record.dataset.title for e in reversed(ordered)} | dict(titles or {})
    names = sorted({e.record.dataset.name for e in ordered})
    proxies = frozenset(e.record.dataset.name for e in ordered if e.record.dataset.rated_by == "proxy")
    labels = Labels(datasets=called, proxies=proxies)
    several = several_versions(ordered)
    made = {"index": (SITE, "All methods on all data sets.", _index(ordered, labels, left_out))}
    made["records"] = ("Records", "Every record, to sort and narrow.", _records(ordered, labels))
    for name in names:
        own = sorted((e for e in ordered if e.record.dataset.name == name), key=best_first)
        body = _of_set(own, labels, (ranks or {}).get(name))
        made[f"set-{name}"] = (labels.dataset(name), "Every record, with its checks.", body)
    if several:
        made["versions"] = ("Versions", "What became of a method.", _versions(several, labels))
    menu = [
        MenuEntry(name, title, Html(Markup("<p>{}</p>").format(said)))
        for name, (title, said, _) in made.items()
    ]
    heads = {entry.name: Markup("<h1>{}</h1>\n").format(entry.title) for entry in menu}
    return {entry.name: framed(heads[entry.name] + made[entry.name][2], entry, menu, SITE) for entry in menu}


def _index(entries: Sequence[Entry], labels: Labels, left: Sequence[str]) -> Html:
    """Show the SRCC of each version of a method, a column a data set."""
    names = sorted({entry.record.dataset.name for entry in entries})
    rows: dict[tuple[str, str, str, int], dict[str, Entry]] = {}
    met: Counter[tuple[str, str, str, str]] = Counter()
    for entry in entries:
        who_made = entry.record.method.name, entry.sender, entry.record.method.version
        dataset = entry.record.dataset.name
        rows.setdefault((*who_made, met[*who_made, dataset]), {})[dataset] = entry
        met[*who_made, dataset] += 1
    sizes, parted, body = _sizes(entries), several_releases(entries), []
    for cells in rows.values():
        counted = next((e for e in cells.values() if e.record.cost), next(iter(cells.values())))
        figures = [figure(cells[name], "srcc", parted) if name in cells else Cell("–") for name in names]
        version = words(counted.record.method.version[:12])
        least = max((entry.standing for entry in cells.values()), key=list(MEANS).index)
        body.append((*who(replace(counted, standing=least)), version, *figures, *cost(counted, sizes)))
    columns = (*HEAD, Column("Version", words=True), *(Column(labels.dataset(name)) for name in names), *COST)
    notes = [f"{standing}: {means}." for standing, means in MEANS.items()]
    notes.append(ROW)
    notes += [f"{mark} {means}" for mark, means in LEARNT.values()]
    notes += [RELEASES] if parted else []
    table = Table(
        "SRCC of every method on every data set.", columns, tuple(body), (*notes, TOLD, *_of_size(sizes))
    )
    lost = Markup().join(Markup("<li>{}</li>").format(line) for line in left)
    missing = Markup("<h2>Left out</h2><p>These records fail their checks.</p><ul>{}</ul>").format(lost)
    return Html.of([_shown(table, entries, labels), Html(missing) if left else Html("")])


def _records(entries: Sequence[Entry], labels: Labels) -> Html:
    """Show a row a record, which every column that has few values narrows."""
    columns = (
        *HEAD,
        Column("Data set", words=True, facet="choice"),
        Column("SRCC"),
        *COST,
        SETTING,
        PROTOCOL,
        RECORD,
    )
    sizes, parted = _sizes(entries), several_releases(entries)
    body = tuple(
        (
            *who(entry),
            words(labels.dataset(entry.record.dataset.name)),
            figure(entry, "srcc", parted),
            *cost(entry, sizes),
            met(entry),
            protocol(entry),
            record(entry),
        )
        for entry in entries
    )
    notes = ("In brackets the 95% interval.", *((RELEASES,) if parted else ()), TOLD, *_of_size(sizes))
    return _shown(Table("Every record.", columns, body, notes), entries, labels)


def _of_set(entries: Sequence[Entry], labels: Labels, ranks: pd.DataFrame | None) -> Html:
    """Show every record of one data set, its figures and where it lies."""
    name = entries[0].record.dataset.name
    title = labels.datasets[name]
    protocols = sorted({cell.text for cell in map(protocol, entries) if cell.text})
    ranked, told, parted = ranks is not None, len(protocols) > 1, bool(several_releases(entries))
    columns = (
        *HEAD,
        *((Column("Rank"),) if ranked else ()),
        *(Column(name.upper()) for name in SHOWN),
        Column("Images"),
        *COST,
        SETTING,
        Column("Learnt from", words=True),
        *((PROTOCOL,) if told else ()),
        *((Column("Release", words=True, facet="choice"),) if parted else ()),
        RECORD,
    )
    sizes = _sizes(entries)
    body = tuple(
        (
            *who(entry),
            *((rank(entry, ranks),) if ranks is not None else ()),
            *(figure(entry, name) for name in SHOWN),
            _images(entry),
            *cost(entry, sizes),
            met(entry),
            words(entry.record.method.card.training_data),
            *((protocol(entry),) if told else ()),
            *((words(release(entry)),) if parted else ()),
            record(entry),
        )
        for entry in entries
    )
    by = sorted({(e.record.dataset.rated_by, e.record.dataset.score_name) for e in entries})
    notes = [f"Opinions: {score or 'unnamed'}, by {rated}." for rated, score in by]
    notes += [f"Protocol: {protocols[0]}."] if len(protocols) == 1 else []
    notes += [RELEASES] if parted else []
    notes += [RANKED] if ranked else []
    table = Table(f"{title}: every record.", columns, body, (*notes, TOLD, *_of_size(sizes)))
    return Html.of(
        [_shown(table, entries, labels), *_against_cost(entries, title, labels.proxy_note([name]))]
    )


ROW = (
    "In brackets the 95% interval. A row is one version of a method from one sender, with the standing of "
    "the least checked of its records; a further row holds further records of the same data sets."
)
RANKED = (
    "Rank by SRCC on the same pictures, in brackets its 95% interval; methods that share a letter are not "
    "told apart (paired tests, Holm). Ranked are records whose figures were worked out anew here, that have "
    "a score for every rated picture and have, by their cards, learnt nothing from this data set."
)
RELEASES = (
    "Releases are told apart by the digest of their opinions, references and splits: figures of different "
    "ones are of different pictures or opinions, and do not compare."
)


def _images(entry: Entry) -> Cell:
    value = value_of(entry.record, "srcc")
    return Cell("–") if value is None else Cell(f"{value.n:,}", value=value.n)


def _sizes(entries: Sequence[Entry]) -> list[str]:
    return sorted({size for entry in entries if (size := size_of(entry))})


def _of_size(sizes: Sequence[str]) -> tuple[str, ...]:
    size = (f"Multiply-adds of one picture of {sizes[0]}.",) if len(sizes) == 1 else ()
    return (*size, COUNTED) if sizes else ()


def _against_cost(entries: Sequence[Entry], title: str, note: str) -> list[Html]:
    """Draw SRCC against multiply-adds of records whose figures were worked out anew, where two have both.

    Those that have learnt from the data set are left out, and those that lack scores: they are of fewer
    pictures.
    """
    rows = []
    for entry in entries:
        value, one = value_of(entry.record, "srcc"), entry.record.cost
        fair = learnt(entry.record) is False and not unscored(entry)
        if value and one and entry.standing != "reported" and fair:
            rows.append(
                {
                    "title": entry.record.method.card.title,
                    "from": entry.sender,
                    "size": size_of(entry),
                    "multiply_adds": one.multiply_adds * bool(one.parameters),
                    "parameters": one.parameters,
                    **value.model_dump(include={"value", "low", "high"}),
                }
            )
    frame = pd.DataFrame(rows)
    if frame.empty or len(of := frame[frame["size"].eq(frame["size"].mode()[0])].dropna(subset="value")) < 2:
        return []
    drawing = against_cost(of, dataset=f"{title} (a picture of {of['size'].iloc[0]})")
    content = of.to_csv(index=False, lineterminator="\n").encode()
    return [blocks.figure(drawing, encode(drawing, note), [Source("records", "", content)], note)]


def _versions(several: Sequence[Sequence[Entry]], labels: Labels) -> Html:
    """Show versions of one method beside each other, the oldest first."""
    columns = (
        Column("Method", words=True),
        Column("From", words=True, facet="choice"),
        Column("Data set", words=True, facet="choice"),
        Column("Made", words=True),
        RECORD,
        Column("Package", words=True),
        Column("SRCC"),
    )
    entries = [entry for group in several for entry in group]
    parted = several_releases(entries)
    body = tuple(
        (
            words(entry.record.method.card.title, entry.record.method.name),
            words(entry.sender or "here"),
            words(labels.dataset(entry.record.dataset.name)),
            words(entry.made or "not said"),
            record(entry),
            words(entry.record.packages.get("qualibench", "–")),
            figure(entry, "srcc", parted),
        )
        for entry in entries
    )
    said = "A record is named by the version of its method. The days are the senders'."
    notes = (said, *((RELEASES,) if parted else ()))
    table = Table("Versions of one method on one data set, the oldest first.", columns, body, notes)
    return _shown(table, entries, labels)


def _shown(table: Table, entries: Sequence[Entry], labels: Labels) -> Html:
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
    note = labels.proxy_note(entry.record.dataset.name for entry in entries)
    return blocks.table(table, Source("records", "", content), note)
