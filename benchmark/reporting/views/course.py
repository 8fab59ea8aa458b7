"""What a published checkpoint says of the training that is to repeat its own."""

from __future__ import annotations

import json

import pandas as pd
from markupsafe import escape

from benchmark.method import COURSE
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.reporting.views.plain import listing

#: Heads of the table, by the comparison's own names.
HEADS = {
    "part": "Part", "kind": "Kind", "tensors": "Tensors", "equal": "Equal, bit for bit",
    "moved": "Moved at most, relative", "median": "Median move, relative", "largest": "Largest difference",
}  # fmt: skip
#: What stands above the tables.
INTRODUCTION = """<h2>What the published checkpoint says</h2>
<p>A checkpoint, beside the weights that its training started from, bounds the learning rate and shows whether
norms and text tower were held fixed. It was compared before the training began.</p>"""


def published(run: Run) -> Html:
    """Show how far the published checkpoint moved and what that implies, where a training compared it."""
    shown = []
    for name in run.methods:
        source = run.source(f"models/{name}/{COURSE}")
        if source.content is not None:
            said = json.loads(source.content)
            title = f"{run.labels.method(name)}: from {said['before']} to {said['after']}"
            shown.append(listing(_moves(said["moves"]), f"{title}, by part of the network.", source, HEADS))
            shown += [Html(f"<p>{escape(line)}</p>") for line in said["implied"]]
    return Html.of([INTRODUCTION, *shown]) if shown else Html()


def _moves(rows: list[dict[str, float | str]]) -> pd.DataFrame:
    """Moves as they are read: a millionth is no zero."""
    frame = pd.DataFrame(rows, columns=list(HEADS))
    for column in ("moved", "median", "largest"):
        frame[column] = frame[column].map("{:.2g}".format)
    return frame
