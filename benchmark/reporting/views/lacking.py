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


def unprepared(run: Run) -> list[Source]:
    """Return the record of every data set of the run that is not prepared."""
    names = run.named
    return [run.source(f"data/{name}/record.json") for name in names if name not in run.records]


#: What a method lacks that takes no part -> how the stages say it: a file, and what it holds.
LACKS = {
    "features": ("results/features/{}/none", b""),
    "gradients": ("results/studies/{}/gradcam.json", b"{}"),
}


def apart(run: Run, source: Source, lacks: str) -> Html:
    """Say which methods of the run have no row in a table, and of which that is because they lack something.

    Parameters
    ----------
    run
        The run.
    source
        The table, with a column ``method``.
    lacks
        ``"features"`` or ``"gradients"``.
    """
    if source.content is None:
        return Html("")
    name, content = LACKS[lacks]
    gone = [method for method in run.methods if method not in set(source.frame["method"])]
    marks = {method: run.path(name.format(method)) for method in gone}
    without = [m for m, path in marks.items() if path.is_file() and path.read_bytes().strip() == content]
    reasons = {
        f"no {lacks}, so no part in this": without,
        "left out by the settings, or not there yet": [method for method in gone if method not in without],
    }
    return Html.of(
        Html(f'<p class="note">{escape(", ".join(map(run.labels.method, names)))}: {why}.</p>')
        for why, names in reasons.items()
        if names
    )
