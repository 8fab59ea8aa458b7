"""Two runs side by side: settings that changed, and cells of result tables that moved."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.evidence import ENOUGH, decided
from benchmark.reporting import blocks, pipeline, views
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source
from benchmark.tables import Cell, Column, Table, mentioned
from benchmark.terms import number, statistic

BOUNDS = ["value", "low", "high"]
#: What says how many references or pictures stand behind a cell.
BEHIND = ["n", "units"]
#: What may have become of a cell, in the words of the page.
STATES = ("same", "within", "beyond", "too few", "no interval", "only here", "only there")


def compared(here: Run, there: Run, name: str, stated: Mapping[str, Any] | None = None) -> Html:
    """Show what differs between a run and another one, which is called ``name``.

    Parameters
    ----------
    here, there
        The two runs.
    name
        What the other one is called.
    stated
        Where the other side is records: what they state, ``there``, and the same of this run, ``here``.
    """
    parts = {table: changes(here.source(table), there.source(table)) for table in tables()}
    return Html.of(
        [
            blocks.facts(
                {"Here": here.commit or "this checkout", "There": name, "Profile here": _profile(here)}
                | {"Profile there": _profile(there)}
            ),
            Html("<h2>Settings</h2>"),
            _settings(here, there) if stated is None else _stated(stated),
            Html("<h2>Tables</h2>"),
            _files(here, there, parts),
            Html("<h2>Cells beyond their intervals</h2>"),
            _beyond(here, parts),
            Html("<h2>Cells of too few to judge</h2>"),
            _too_few(here, parts),
        ]
    )


def tables() -> list[str]:
    """Return the tables that are compared: every CSV file below ``results/tables``."""
    return pipeline.tables()


def _profile(run: Run) -> str:
    return str(run.settings.get("profile", "unknown"))


def settings(here: Mapping[str, object], there: Mapping[str, object]) -> pd.DataFrame:
    """Return every setting whose value differs: ``setting,there,here``."""
    before, after = dict(views.flat(there)), dict(views.flat(here))
    rows = [
        (key, before.get(key, "not set"), after.get(key, "not set"))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]
    return pd.DataFrame(rows, columns=["setting", "there", "here"])


def changes(here: Source, there: Source) -> pd.DataFrame | None:
    """Compare two versions of a tidy table cell by cell.

    Returns
    -------
    DataFrame or None
        The keys of each cell, ``value``, ``low``, ``high`` of both runs (``_there``, ``_here``) and its
        ``state``: ``same``; ``within``, where a value lies in the other run's interval; ``beyond``, where
        neither does; ``too few``, where the values differ and either rests on too few references or pictures
        to decide anything (`benchmark.evidence`); ``no interval``, where they differ and one has none;
        ``only here`` or ``only there``. None where a file is missing, is not tidy, or the shared keys do not
        tell its rows apart.
    """
    if here.content is None or there.content is None:
        return None
    try:
        new, old = (
            pd.read_csv(io.BytesIO(c), dtype=str, keep_default_na=False)
            for c in (here.content, there.content)
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        return None
    if not all({"statistic", *BOUNDS}.issubset(frame.columns) for frame in (new, old)):
        return None
    keys = [key for key in _keys(new) if key in _keys(old)]
    if new.duplicated(keys).any() or old.duplicated(keys).any():
        return None
    sides = [_numbers(frame, keys) for frame in (old, new)]
    both = sides[0].merge(
        sides[1], on=keys, how="outer", suffixes=("_there", "_here"), indicator=True, sort=False
    )
    return both.assign(state=[_state(row) for row in both.to_dict("records")]).drop(columns="_merge")


def _keys(frame: pd.DataFrame) -> list[str]:
    return list(frame.columns[: frame.columns.get_loc("statistic") + 1])


def _numbers(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return frame[keys].join(frame.reindex(columns=[*BOUNDS, *BEHIND]).apply(pd.to_numeric))


def _state(row: Mapping[str, object]) -> str:
    if row["_merge"] != "both":
        return "only here" if row["_merge"] == "right_only" else "only there"
    old, new = ([float(str(row[f"{name}_{side}"])) for name in BOUNDS] for side in ("there", "here"))
    if old == new or pd.isna([old[0], new[0]]).all():
        return "same"
    if pd.isna(old + new).any():
        return "same" if old[0] == new[0] else "no interval"
    if not all(decided({name: row[f"{name}_{side}"] for name in BEHIND}) for side in ("there", "here")):
        return "too few"
    inside = old[1] <= new[0] <= old[2] or new[1] <= old[0] <= new[2]
    return "within" if inside else "beyond"


def _settings(here: Run, there: Run) -> Html:
    frame = settings(here.settings, there.settings)
    if frame.empty:
        return Html("<p>Every setting has the same value in both runs.</p>")
    return views.listing(frame, "Settings whose value differs.", views.made_here("params.yaml", frame))


def _stated(stated: Mapping[str, Any]) -> Html:
    frame = settings(stated["here"], stated["there"])
    if frame.empty:
        return Html("<p>All that the records state of methods, protocol and packages is the same here.</p>")
    caption = "What the records state otherwise than this run; their other settings are not known."
    return views.listing(frame, caption, views.made_here("the records and this run", frame))


def _files(here: Run, there: Run, parts: Mapping[str, pd.DataFrame | None]) -> Html:
    rows = []
    for name, part in parts.items():
        new, old = here.source(name), there.source(name)
        if new.content is None and old.content is None:
            continue
        counts = {} if part is None else part["state"].value_counts().to_dict()
        rows.append(
            {"table": _short(name), "bytes": _bytes(new, old)}
            | {state: counts.get(state, 0) for state in STATES}
        )
        if part is None:
            rows[-1] |= dict.fromkeys(STATES, pd.NA)
    if not rows:
        return Html("<p>Neither run has a table.</p>")
    frame = pd.DataFrame(rows)
    columns = tuple(Column(name.capitalize(), words=name in ("table", "bytes")) for name in frame)
    body = tuple(tuple(_count(value) for value in row) for row in frame.itertuples(index=False))
    notes = (
        "Cells by what became of them. Within: a run's value lies in the other's 95% interval. Beyond: "
        f"neither does. Too few: they differ, and fewer than {ENOUGH} references or pictures stand behind "
        "one, which decide nothing. No interval: the values differ and nothing says by how much they may.",
        "A dash: the file is in one run only, is no table of single statistics, or names its rows in another "
        "way.",
    )
    table = Table("Result tables of both runs.", columns, body, notes)
    return blocks.table(table, views.made_here("results/tables of both runs", frame))


def _short(name: str) -> str:
    return name.removeprefix("results/tables/").removesuffix(".csv")


def _bytes(new: Source, old: Source) -> str:
    if new.content is None:
        return "only there"
    return "only here" if old.content is None else "equal" if new.content == old.content else "differ"


def _count(value: object) -> Cell:
    if isinstance(value, int):
        return Cell(f"{value:,}", value=value)
    return Cell("–") if value is pd.NA else Cell(str(value), value=str(value))


def _beyond(here: Run, parts: Mapping[str, pd.DataFrame | None]) -> Html:
    """Show every cell that moved beyond the intervals."""
    if (frame := _of_state("beyond", parts)).empty:
        return Html("<p>No cell that both runs have moved beyond the intervals.</p>")
    note = (
        "In brackets the 95% interval of each run. Runs that score the same pictures err together, so this "
        "is a sign of change and no test: a cell within its interval can have changed too, and of very many "
        "cells some move this far by chance."
    )
    return _cells(frame, here, "Cells whose value lies outside the other run's interval, both ways.", note)


def _too_few(here: Run, parts: Mapping[str, pd.DataFrame | None]) -> Html:
    """Show every cell that differs and rests on too few references or pictures to be judged."""
    if (frame := _of_state("too few", parts)).empty:
        return Html("<p>No cell that differs is of too few references or pictures.</p>")
    note = f"Shown and not judged: fewer than {ENOUGH} references or pictures decide nothing."
    return _cells(frame, here, "Cells that differ, of too few references or pictures.", note)


def _of_state(state: str, parts: Mapping[str, pd.DataFrame | None]) -> pd.DataFrame:
    """Return the cells of which one thing became, of all files."""
    found = [
        part[part["state"].eq(state)].assign(file=name) for name, part in parts.items() if part is not None
    ]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _cells(frame: pd.DataFrame, here: Run, caption: str, note: str) -> Html:
    rows = [_row(record, here) for record in frame.to_dict("records")]
    heads = (("Table", True), ("Cell", True), ("Statistic", True), ("There", False), ("Here", False))
    columns = tuple(Column(head, words=words) for head, words in (*heads, ("Here − there", False)))
    table = Table(caption, columns, tuple(rows), (note,))
    proxy = here.labels.proxy_note(mentioned(frame)["datasets"])
    return blocks.table(table, views.made_here("results/tables of both runs", frame), proxy)


def _row(record: Mapping[str, object], run: Run) -> tuple[Cell, ...]:
    fixed = {"file", "state", "statistic"}
    fixed |= {f"{name}_{side}" for name in (*BOUNDS, *BEHIND) for side in ("there", "here")}
    keys = {k: v for k, v in record.items() if k not in fixed and not pd.isna(v) and v != ""}
    cell = ", ".join(run.labels.of(key, value) for key, value in keys.items())
    kind = statistic(str(record["statistic"]))
    step = float(str(record["value_here"])) - float(str(record["value_there"]))
    table = _short(str(record["file"]))
    sides = [_interval(record, side, kind.decimals) for side in ("there", "here")]
    words = [Cell(text, value=text) for text in (table, cell, kind.label)]
    return (*words, *sides, Cell(number(step, kind.decimals), value=step))


def _interval(record: Mapping[str, object], side: str, decimals: int) -> Cell:
    value, low, high = (float(str(record[f"{name}_{side}"])) for name in BOUNDS)
    return Cell(number(value, decimals), f"[{number(low, decimals)}, {number(high, decimals)}]", value)
