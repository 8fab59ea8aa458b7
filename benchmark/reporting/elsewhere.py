"""What is published for the data sets of a run, of methods that it has and of those that it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from benchmark.provenance.published import TITLES
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.tables import STANDINGS, Cell, Column, Labels, Table
from benchmark.terms import number, statistic

SOURCE = "results/tables/published.csv"
CAPTIONS = {
    "zero_shot": "Published: nothing learnt from the data set.",
    "same_set": "Published: trained and tested on parts of one data set.",
    "cross_set": "Published: trained on one data set, tested on another.",
}


def show(run: Run, setting: str) -> Html:
    """Show the published figures of a setting; where a run has no such data set, say so."""
    source = run.source(SOURCE)
    if source.content is not None and not source.frame["setting"].eq(setting).any():
        return Html(f"<p>{CAPTIONS[setting].rstrip('.')}: no figure for a data set of this run.</p>")
    return run.table(table, source, setting=setting)


def table(frame: pd.DataFrame, labels: Labels, *, setting: str) -> Table:
    """Return methods down, data sets across: SRCC, and in small what else is published there."""
    part = frame[frame["setting"].eq(setting)]
    across = [name for name in labels.datasets if part["dataset"].eq(name).any()]
    keys = ["method", "train"] if setting == "cross_set" else ["method"]
    rows = []
    for key, of_row in part.groupby(keys, sort=False):
        heads = [TITLES[key[0]], *(labels.dataset(str(train)) for train in key[1:])]
        cells = [_cell(of_row[of_row["dataset"].eq(name)].to_dict("records")) for name in across]
        rows.append((*(Cell(head, value=head) for head in heads), *cells))
    columns = [Column(name, words=True) for name in ("Method", "Trained on")[: len(keys)]]
    columns += [Column(labels.dataset(name)) for name in across]
    met = [name for name in STANDINGS if part["standing"].eq(name).any()]
    sources = [f"{source} ({version})" if version else source for source, version in _sources(part)]
    notes = (
        "SRCC; below it PLCC, and what other versions or sources say.",
        f"Standing: {', '.join(f'({name}) {STANDINGS[name]}' for name in met)}.",
        f"Sources: {'; '.join(sources)}.",
        *_of_others(part, labels),
    )
    return Table(
        CAPTIONS[setting], tuple(columns), tuple(rows), notes, datasets=frozenset(across), methods=frozenset()
    )


def _of_others(part: pd.DataFrame, labels: Labels) -> list[str]:
    """Say which figures are known to be of pictures of another size, or of a part of the data set."""
    if not {"scaled", "part"} <= set(part.columns):
        return []
    said = []
    for (version, dataset, scaled, piece), _ in part.fillna("").groupby(
        ["version", "dataset", "scaled", "part"], sort=False
    ):
        beside = [f"pictures of {scaled}, so it stands beside none of ours" if scaled else "", piece]
        if any(beside):
            said.append(f"{version} on {labels.dataset(str(dataset))}: {', '.join(filter(None, beside))}")
    return [f"Measured on: {'; '.join(said)}."] if said else []


def _sources(part: pd.DataFrame) -> list[tuple[str, str]]:
    named = part[["source", "version"]].fillna("").drop_duplicates()
    return [(row["source"], row["version"]) for row in named.to_dict("records")]


def _cell(rows: Sequence[Mapping[str, object]]) -> Cell:
    """Put the default SRCC first; every other figure after it with its name, and its version if another."""
    if not rows:
        return Cell("–")
    first = next((row for row in rows if row["statistic"] == "srcc"), None)
    said = []
    for row in rows:
        if row is not first:
            other = first is None or row["version"] != first["version"]
            name = f"{statistic(str(row['statistic'])).label} {_figure(row)}"
            said.append(f"{name}, {row['version']}" if other and not pd.isna(row["version"]) else name)
    values = [float(str(row["value"])) for row in rows if row["statistic"] == "srcc"]
    if len(set(values)) > 1:
        said.append(f"SRCC from {number(min(values))} to {number(max(values))}")
    if first is None:
        return Cell("–", "\n".join(said))
    return Cell(_figure(first), "\n".join(said), float(str(first["value"])))


def _figure(row: Mapping[str, object]) -> str:
    return f"{number(float(str(row['value'])))} ({row['standing']})"
