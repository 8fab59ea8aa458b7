"""Cards of methods and data sets, and what to cite for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmark.datasets.prepared.record import Record
from benchmark.reporting import blocks
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source
from benchmark.reporting.views.lacking import unprepared
from benchmark.tables import PROXY

BIBTEX = "application/x-bibtex"
RATERS = {"people": "people", "proxy": PROXY, "none": "nobody: pictures without scores"}


def methods(run: Run) -> Html:
    """Show the card of each method."""
    entries = {}
    for name, method in run.methods.items():
        card = method.card
        entries[card.title] = {
            "Key": name,
            "Paper": card.paper or "none",
            "Human scores in training": "yes (opinion-aware)"
            if card.opinion_aware
            else "no (opinion-unaware)",
            "Training data": card.training_data,
            **({"Opinions of": card.opinions_of or "not known"} if card.opinion_aware else {}),
            "Training settings": settings(method.train or {}) or "none",
            "Range": _range(card.low, card.high),
            "Better": "higher" if method.higher_is_better else "lower",
            "Input": card.input,
            "Licence": card.licence,
            "Weights, SHA-256": method.weights_sha256 or "none beside the code",
            "Code, SHA-256": method.code_sha256 or "not known",
            "Cite": _entry(name, card.bibtex),
        }
    gone = [
        run.source(f"models/{name}/method.json") for name in run.labels.methods if name not in run.methods
    ]
    return Html.of([blocks.cards(entries), run.missing(*gone)])


def settings(train: Mapping[str, Any]) -> str:
    """Settings of a training in words: those not set are left out, but that nothing is pretrained is said."""
    return ", ".join(f"{name} {_value(name, value)}" for name, value in train.items() if _said(name, value))


def _said(name: str, value: Any) -> bool:
    return value is not None or name == "pretrained"


def _value(name: str, value: Any) -> str:
    if value is None:
        return "none (trained from scratch)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " ".join(_value(name, one) for one in value if one is not None) or "none"
    if isinstance(value, Mapping):
        return f"({settings(value)})"
    return str(value)


def datasets(run: Run) -> Html:
    """Show the card of each data set."""
    entries = {}
    for name, record in run.records.items():
        manifest = run.source(f"data/{name}/manifest.csv")
        rows, whole = counted(run, name)
        direction = "higher is better" if record.higher_is_better else "lower is better"
        span = _range(record.low, record.high)
        scored = record.rated_by != "none"
        entries[record.title] = {
            "Key": name,
            "Images": f"{rows:,} of {whole:,}" if whole > rows else f"{rows:,}",
            "Rated by": RATERS[record.rated_by],
            "Score": f"{record.score_name} ({span}; {direction})" if scored else "none",
            **_parts(manifest),
            **_learnt(run, name),
            "Source": record.citation,
            **_read_from(record),
            "Licence": record.licence,
            "Cite": _entry(name, record.bibtex),
            **({"Notes": " ".join(record.notes)} if record.notes else {}),
        }
    return Html.of([blocks.cards(entries), run.missing(*unprepared(run))])


def cite(run: Run) -> Html:
    """Offer the BibTeX entries of every method and data set of the run in one file."""
    library = run.cited(run.methods, run.records)
    if not library:
        return Html("")
    button = blocks.download("run.bib", library, BIBTEX, "BibTeX")
    return Html(f'<p class="note">What to cite for the methods and data sets of this run: {button}</p>')


def _entry(name: str, entry: str) -> str:
    return blocks.download(f"{name}.bib", entry + "\n", BIBTEX, "BibTeX") if entry else "no entry"


def _range(low: float | None, high: float | None) -> str:
    ends = [low is not None and np.isfinite(low), high is not None and np.isfinite(high)]
    return f"{low:g} to {high:g}" if all(ends) else f"from {low:g}, unbounded" if ends[0] else "unbounded"


def counted(run: Run, name: str) -> tuple[int, int]:
    """Count the pictures of a data set that are here, and in the whole of it (0 where that is not known)."""
    manifest = run.source(f"data/{name}/manifest.csv")
    here = len(manifest.frame) if manifest.content is not None else 0
    return here, run.records[name].whole


def _read_from(record: Record) -> dict[str, str]:
    """Say which table the scores come from, and where the release was fetched."""
    if not record.table:
        return {}
    return {"Read from": f"{record.table}; {record.origin or 'placed here by hand'}"}


def _parts(manifest: Source) -> dict[str, str]:
    """Say how many references, types and splits a manifest has, where it names them."""
    if manifest.content is None:
        return {}
    rows, counts = manifest.frame, {}
    degraded = rows[rows["level"].ne(0)]  # a pristine picture has no type, whatever stands there
    for of, column, term in (
        (rows, "reference", "References"),
        (degraded, "distortion", "Types of distortion"),
    ):
        if of[column].notna().any():
            counts[term] = f"{of[column].nunique():,}"
    splits = rows["split"].dropna().value_counts(sort=False)
    if len(splits):
        counts["Splits"] = ", ".join(f"{name} {count:,}" for name, count in splits.items())
    return counts


def _learnt(run: Run, name: str) -> dict[str, str]:
    """Say which methods have learnt from pictures of a data set that they are tested on, or may have."""
    tested = run.source("results/tables/zero_shot.csv")
    if tested.content is None or "overlap" not in tested.frame:
        return {}
    rows = tested.frame[tested.frame["dataset"].eq(name)]
    if rows.empty:
        return {}
    learners = {}
    for value, term in (("True", "Leaks into training"), ("unknown", "Leak not known")):
        methods = rows.loc[rows["overlap"].astype(str).eq(value), "method"].unique()
        learners[term] = ", ".join(map(run.labels.method, methods))
    return {"Leaks into training": learners["Leaks into training"] or "none known"} | {
        term: names for term, names in learners.items() if names
    }
