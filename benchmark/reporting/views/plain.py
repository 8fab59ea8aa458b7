"""What the report says itself, in plain words and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import escape

from benchmark.reporting import blocks
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source
from benchmark.tables import Cell, Column, Table
from benchmark.terms import number


def listing(
    frame: pd.DataFrame, caption: str, source: Source, heads: Mapping[str, str] | None = None
) -> Html:
    """Show a plain table of words and numbers."""
    columns = tuple(
        Column((heads or {}).get(name, name), words=frame[name].dtype.kind not in "fiu") for name in frame
    )
    rows = tuple(
        tuple(Cell(_text(v), value=None if pd.isna(v) else v) for v in row)
        for row in frame.itertuples(index=False)
    )
    return blocks.table(Table(caption, columns, rows), source)


def measured_on(run: Run, study: str) -> Html:
    """Name the data set whose pictures a study was made of: the setting ``dataset`` of its section."""
    name = (run.settings.get(study) or {}).get("dataset")
    if not name:
        return Html("")
    title = escape(run.labels.dataset(name))
    return Html(f'<p class="note">Pictures of {title} (<code>{study}.dataset</code>).</p>')


def _text(value: Any) -> str:
    return (
        number(value) if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )


def made_here(name: str, frame: pd.DataFrame) -> Source:
    """Return a table that the report makes itself as the source that its page offers."""
    return Source(name, "report", frame.to_csv(index=False, lineterminator="\n").encode())
