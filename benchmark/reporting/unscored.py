"""Cells of the tables that are empty, or rest on fewer pictures: which, why, and what fills them."""

from __future__ import annotations

import pandas as pd
from markupsafe import escape

from benchmark.reporting import blocks, views
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source

COLUMNS = ["Method", "Data set", "Without a score", "Why", "To fill it"]


def cells(run: Run) -> pd.DataFrame:
    """Return every method on every data set that lacks scores: ``COLUMNS``, a row a cell."""
    rows = []
    for method, dataset in run.cells():
        said = _why(run, method, dataset)
        if said:
            rows.append((run.labels.method(method), run.labels.dataset(dataset), *said))
    return pd.DataFrame(rows, columns=COLUMNS)


def _why(run: Run, method: str, dataset: str) -> tuple[str, str, str] | None:
    """Say how many pictures have no score, why, and what to do; None where all have one."""
    scores = run.source(run.scores(method, dataset))
    if scores.content is None:
        needed = (
            (f"data/{dataset}/manifest.csv", "the data set is not there"),
            (f"models/{method}/method.json", "the method is not there"),
        )
        for name, reason in needed:
            source = run.source(name)
            if source.content is None:
                return "all", reason, source.command
        return "all", "not scored", scores.command
    lost = scores.frame["score"].isna()
    if not lost.any():
        return None
    reasons = scores.frame.loc[lost, "error"].fillna("no reason given").value_counts(sort=False)
    most = str(reasons.idxmax())
    others = int(lost.sum() - reasons.max())
    return (
        f"{lost.sum():,} of {len(lost):,}",
        most + (f"; {others:,} for other reasons" if others else ""),
        f"the pictures' rows in {scores.name} say more; {scores.command} --force once they are mended",
    )


def show(run: Run, *, otherwise: str = "") -> Html:
    """Show the cells that lack scores, or say ``otherwise``."""
    frame = cells(run)
    if frame.empty:
        return Html(f"<p>{otherwise}</p>" if otherwise else "")
    caption = "Cells without scores: the tables leave them out, or count fewer pictures."
    return views.listing(frame, caption, views.made_here("results/scores", frame))


def missing(run: Run) -> Html:
    """Show everything that the run lacks: result files with the commands that make them, and scores."""
    frame, gone, lacks = cells(run), views.absent(run), views.unstudied(run)
    if frame.empty and not gone and not lacks:
        return Html(
            "<p>Nothing is missing: every stage has left its files, every picture has its scores.</p>"
        )
    without = [
        Html(
            f'<p class="note">{escape(run.labels.method(method))} has no {", ".join(studies)}, and their '
            f"tables are without it: <code>dvc repro study@{escape(method)}</code>.</p>"
        )
        for method, studies in lacks.items()
    ]
    return Html.of([run.missing(*gone), *without, show(run)])


def summary(run: Run) -> Html:
    """Show what was run and what is missing, in a line: how many methods, data sets, raters, pictures."""
    scored = [name for name in run.scored if name in run.records]
    rated = sum(run.records[name].rated_by == "people" for name in scored)
    manifests: list[Source] = [run.source(f"data/{name}/manifest.csv") for name in scored]
    pictures = sum(len(source.frame) for source in manifests if source.content is not None)
    studies = sum(map(len, views.unstudied(run).values()))
    counts = {("file", "files"): len(views.absent(run)), ("cell", "cells"): len(cells(run))}
    counts["study of a method", "studies of methods"] = studies
    lacks = ", ".join(f"{count} {names[count > 1]}" for names, count in counts.items() if count)
    terms = {
        "Profile": str(run.settings.get("profile", "unknown")),
        "Methods": str(len(run.labels.methods)),
        "Data sets scored": f"{len(scored)}, {_share(rated, len(scored))} rated by people",
        "Pictures scored": f"{pictures:,}",
        "Missing": Html(f'<a href="#what-is-missing">{lacks}</a>' if lacks else "nothing"),
    }
    return blocks.facts(terms)


def _share(part: int, whole: int) -> str:
    return "none" if not part else "all" if part == whole else str(part)
