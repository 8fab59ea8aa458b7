"""What is not there: files that no stage has left, methods that have no row."""

from __future__ import annotations

from markupsafe import escape

from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source


def absent(run: Run) -> list[Source]:
    """Return every file that is missing, scores aside: `benchmark.reporting.unscored` says why they are."""
    frame, scores = run.digests(), {run.scores(*cell) for cell in run.cells()}
    return [run.source(name) for name in frame.loc[frame["sha256"].eq(""), "file"] if name not in scores]


#: Studies of a method, by the name of their file and of the table that joins them.
STUDIES = ("cost", "sweep", "sensitivity", "further", "gradcam")


def unstudied(run: Run) -> dict[str, list[str]]:
    """Return the studies that methods lack although other methods have them: a stage has failed."""
    there = {
        (method, study)
        for method in run.methods
        for study in STUDIES
        if run.path(f"results/studies/{method}/{study}.json").is_file()
    }
    made = [study for study in STUDIES if any(study == of for _, of in there)]
    lacks = {method: [study for study in made if (method, study) not in there] for method in run.methods}
    return {method: studies for method, studies in lacks.items() if studies}


def unprepared(run: Run) -> list[Source]:
    """Return the record of every data set of the run that is not prepared."""
    names = run.named
    return [run.source(f"data/{name}/record.json") for name in names if name not in run.records]


#: Why a method takes no part: what it lacks, or that it would ask an endpoint about every changed picture.
_LACKS = "no {}, so no part in this"
_ASKS = "asks an endpoint about each picture, about changed ones only where {}.methods names it"
#: What a page asks about -> why, and how the stages say it: a file, and what it holds.
LACKS = {
    "features": (_LACKS.format("features"), "results/features/{}/none", b""),
    "gradients": (_LACKS.format("gradients"), "results/studies/{}/gradcam.json", b"{}"),
    "sweep": (_ASKS.format("sweep"), "results/studies/{}/sweep.json", b"{}"),
    "further": (_ASKS.format("robustness"), "results/studies/{}/further.json", b"{}"),
    "sensitivity": (_ASKS.format("robustness"), "results/studies/{}/sensitivity.json", b"{}"),
}


def apart(run: Run, source: Source, lacks: str) -> Html:
    """Say which methods of the run have no row in a table, and of which that is because of what they are.

    Parameters
    ----------
    run
        The run.
    source
        The table, with a column ``method``.
    lacks
        One of `LACKS`.
    """
    if source.content is None:
        return Html("")
    why_not, name, content = LACKS[lacks]
    gone = [method for method in run.methods if method not in set(source.frame["method"])]
    marks = {method: run.path(name.format(method)) for method in gone}
    without = [m for m, path in marks.items() if path.is_file() and path.read_bytes().strip() == content]
    reasons = {
        why_not: without,
        "left out by the settings, or not there yet": [method for method in gone if method not in without],
    }
    return Html.of(
        Html(f'<p class="note">{escape(", ".join(map(run.labels.method, names)))}: {why}.</p>')
        for why, names in reasons.items()
        if names
    )
