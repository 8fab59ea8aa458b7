"""What stands under a table: n and protocol, and the key to its marks and verdicts."""

from __future__ import annotations

import pandas as pd

from benchmark.evidence import LACKING, UNMARKED, decided, whole
from benchmark.tables.cells import LEARNT
from benchmark.tables.labels import Labels
from benchmark.tables.marks import ALPHA
from benchmark.terms import statistic

PROTOCOLS = 6  # at most so many are told apart under a table
#: Columns that tell cells apart for which methods or variants compete.
CELL = ("dataset", "train", "test", "group", "distortion", "level", "change", "target", "statistic")
STANDINGS = {
    "V": "read in the primary source",
    "S": "a second hand's transcription",
    "R": "recalled, unconfirmed",
}


def notes(
    frame: pd.DataFrame, labels: Labels, *, marked: bool = True, tested: bool = False
) -> tuple[str, ...]:
    """Return what stands under a table: n and protocol, and the key to its marks and verdicts."""
    none = "; none where the data are too few, or as said below" if frame["low"].isna().any() else ""
    lines = [f"In brackets the 95% interval{none}.", *_protocols(frame, labels)]
    if marked and any(statistic(name).direction for name in frame["statistic"].unique()):
        enough = [decided(row) for row in frame[frame["value"].notna()].to_dict("records")]
        tie = f"; underlined: not significantly worse (paired test of SRCC, Holm-adjusted p ≥ {ALPHA})"
        if any(enough):
            lines.append(
                "Bold: best" + (tie if tested else "; whether others are level with it was not tested") + "."
            )
        if not all(enough):
            lines.append(UNMARKED)
        if any(enough) and _lacking(frame):
            lines.append(LACKING)
    met_marks = set(frame["overlap"].astype(str)) if "overlap" in frame else set()
    lines += [f"{mark}: {key}" for value, (mark, key) in LEARNT.items() if value in met_marks]
    if frame["published"].notna().any():
        met = [s for s in STANDINGS if s in set(frame["standing"].dropna())]
        standings = ", ".join(f"({s}) {STANDINGS[s]}" for s in met)
        lines.append(
            "Verdict on ours: agrees where the published value lies within our interval, widened where it is "
            "of fewer pictures, else higher or lower; none where it is of another part of the data set"
            + (f". Standing of the published value: {standings}." if met else ".")
        )
    return tuple(lines)


def _lacking(frame: pd.DataFrame) -> bool:
    """Whether a row is of fewer pictures than another of the same cell by another method or variant."""
    keys = [name for name in CELL if name in frame]
    return any(not all(whole(part.to_dict("records"))) for _, part in frame.groupby(keys, dropna=False))


def _protocols(frame: pd.DataFrame, labels: Labels) -> list[str]:
    """Say what all rows share of their protocols (parts between semicolons), then what is particular."""
    parts = [[p.strip() for p in text.split(";")] for text in frame["protocol"].fillna("").astype(str)]
    shared = [part for part in parts[0] if all(part in others for others in parts)]
    rest = pd.Series(["; ".join(p for p in one if p not in shared) for one in parts], index=frame.index)
    lines = [f"{_span(frame['n'])}; {'; '.join(shared)}."] if any(shared) else [f"{_span(frame['n'])}."]
    if rest.nunique() > PROTOCOLS:
        return [*lines, f"Particulars ({rest.nunique()} protocols) stand in the CSV file, row by row."]
    for particular, part in frame.groupby(rest, sort=False):
        if particular:
            what = ", ".join(statistic(name).label for name in part["statistic"].unique())
            same = frame[frame["statistic"].isin(part["statistic"])]
            for column in ("method", "variant", "dataset"):
                if column in part and set(part[column]) != set(same[column]):
                    what += f" ({', '.join(labels.of(column, name) for name in part[column].unique())})"
            lines.append(f"{what}: {particular}.")
    return lines


def _span(n: pd.Series) -> str:
    known = n.dropna()
    if known.empty:
        return "n unknown"
    ends = dict.fromkeys(f"{value:,.0f}" for value in (known.min(), known.max()))
    return f"n = {' to '.join(ends)}"
