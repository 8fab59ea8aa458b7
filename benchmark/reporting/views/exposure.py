"""What each method has learnt from, and on which data sets of the run it is zero-shot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from benchmark.method import Card, Trained
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.tables import STANDINGS, Cell, Column, Labels, Table

#: Kinds of exposure, as the columns of the matrix name them.
COLUMNS = {
    "corpus": "Pre-training", "teacher": "Teacher", "pictures": "Pictures without opinions",
    "opinions": "Opinions",
}  # fmt: skip


def exposure(run: Run) -> Html:
    """Show a matrix: methods down; what they learnt from, and every data set of the run, across."""
    pictures = run.settings.get("train", {}).get("dataset", "")
    named = {name: _named(method, run.labels.dataset(pictures)) for name, method in run.methods.items()}
    return run.table(matrix, run.source("results/tables/zero_shot.csv"), methods=named)


def _named(method: Trained, pictures: str) -> Trained:
    """Put the data set in the place of the setting that names it: a reader knows no settings."""
    entries = method.card.exposure
    if entries is None or not pictures:
        return method
    known = tuple(replace(e, what=e.what.replace("`train.dataset`", pictures)) for e in entries)
    return replace(method, card=replace(method.card, exposure=known))


def matrix(met: pd.DataFrame, labels: Labels, *, methods: Mapping[str, Trained]) -> Table:
    """Return the matrix, with the sources below it."""
    sets = [name for name in labels.datasets if "overlap" in met and met["dataset"].eq(name).any()]
    columns = [Column("Method", words=True), *(Column(label, words=True) for label in COLUMNS.values())]
    columns += [Column(labels.dataset(name), words=True) for name in sets]
    rows: list[tuple[Cell, ...]] = []
    sources: dict[str, None] = {}
    for name, method in methods.items():
        heads = [Cell(labels.method(name)), *(_learnt(method, kind, labels) for kind in COLUMNS)]
        rows.append((*heads, *(_met(method.card, met, name, data) for data in sets)))
        for entry in method.card.exposure or ():
            sources[f"{entry.what}: {entry.source} ({entry.standing})"] = None
    standings = {entry.standing for one in methods.values() for entry in one.card.exposure or ()}
    keys = [f"({name}) {STANDINGS[name]}" for name in STANDINGS if name in standings]
    notes = (
        "Zero-shot: neither opinions nor pictures of the data set were learnt from, and the score of a "
        "picture depends on no other picture.",
        *([f"Sources: {'; '.join(sources)}. Standing: {', '.join(keys)}."] if sources else []),
    )
    spoken = {"methods": frozenset(methods), "datasets": frozenset(sets)}
    return Table("What each method has learnt from.", tuple(columns), tuple(rows), notes, **spoken)


def _learnt(method: Trained, kind: str, labels: Labels) -> Cell:
    card = method.card
    if card.exposure is None:
        if kind == "opinions":
            return Cell("none" if not card.opinion_aware else card.opinions_of or "not known")
        return Cell("not stated")
    named = [labels.dataset(e.what) for e in card.exposure if e.kind == kind]
    if kind == "opinions":
        named += [labels.dataset(method.rated)] if method.rated else []
        named += ["others, not known"] if "unknown" in card.opinions_of.split() else []
    return Cell(", ".join(dict.fromkeys(named)) or "none")


def _met(card: Card, met: pd.DataFrame, method: str, dataset: str) -> Cell:
    rows = met[met["method"].eq(method) & met["dataset"].eq(dataset)]
    return Cell(card.setting(rows["overlap"].iloc[0])) if len(rows) else Cell("–")
