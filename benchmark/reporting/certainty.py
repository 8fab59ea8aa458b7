"""How certain the comparison is: intervals of ranks, what could have been shown, what a new set says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from benchmark import evidence, tables
from benchmark.figures import Drawing
from benchmark.figures.canvas import FAINT, panels, style
from benchmark.figures.intervals import interval, rows_only
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source
from benchmark.tables import Cell, Column, Labels, Table, mentioned
from benchmark.terms import number, percent

KEY = (
    "Rank: 95% interval of the rank among the methods that have learnt nothing there; methods that share a "
    "letter are not told apart (Holm, 5%)."
)
ALL = "These data sets together"


def overview(
    zero_shot: pd.DataFrame,
    differences: pd.DataFrame | None,
    ranks: pd.DataFrame | None,
    overall: pd.DataFrame | None,
    labels: Labels,
) -> Table:
    """Return SRCC of every method on every data set with its rank, and the rank over all of them."""
    known = _ranks(ranks)
    in_words = {(row["method"], row["dataset"]): rank_in_words(row) for row in known.to_dict("records")}
    pairs = zip(zero_shot["method"], zero_shot["dataset"], strict=True)
    made = tables.overview(
        zero_shot.assign(said=[in_words.get(pair, "") for pair in pairs]), differences, labels
    )
    notes = (*made.notes, KEY) if in_words else made.notes
    together = {labels.method(row["method"]): row for row in _ranks(overall).to_dict("records")}
    if not together:
        return replace(made, notes=notes)
    body = tuple((*row, _together(together.get(row[0].text))) for row in made.rows)
    (protocol,) = {row["protocol"] for row in together.values()}
    columns = (*made.columns, Column(ALL))
    notes = (*notes, f"{ALL}: {_named(protocol, labels)}.")
    return replace(made, columns=columns, rows=body, notes=notes)


def _ranks(frame: pd.DataFrame | None) -> pd.DataFrame:
    """Rows of ranks that are certain enough to have an interval."""
    if frame is None:
        return pd.DataFrame(columns=["method", "dataset", "statistic", "low", "protocol"])
    return frame[frame["statistic"].eq("rank") & frame["low"].notna()]


def rank_in_words(row: Mapping[str, Any]) -> str:
    """Return a rank's interval and its letters: ``rank 1 to 3, ab``."""
    low, high = f"{row['low']:.0f}", f"{row['high']:.0f}"
    span = low if low == high else f"{low} to {high}"
    return f"rank {span}" + ("" if pd.isna(row["letters"]) else f", {row['letters']}")


def _together(row: Mapping[str, Any] | None) -> Cell:
    return Cell("–") if row is None else Cell(rank_in_words(row), value=float(row["value"]))


def _named(protocol: str, labels: Labels) -> str:
    """Return a protocol with the data sets called what readers call them."""
    words, _, sets = protocol.partition(": ")
    return f"{words} ({', '.join(labels.dataset(name) for name in sets.split())})"


def show_ranks(run: Run, ranks: Source, overall: Source) -> Html:
    """Show the intervals of ranks as a figure; where no data set decides anything, say so."""
    if ranks.content is None or overall.content is None:
        return run.missing(ranks, overall)
    if _ranks(ranks.frame).empty:
        return Html(
            f"<p>Ranks need two methods and a data set with {evidence.ENOUGH} references, or pictures where "
            "there are no references; this run has none. No method is said to be ahead of another.</p>"
        )
    drawing = ranked(ranks.frame, overall.frame, run.labels)
    return run.drawing(drawing, [ranks, overall], _ranks(ranks.frame)["dataset"])


def ranked(ranks: pd.DataFrame, overall: pd.DataFrame, labels: Labels) -> Drawing:
    """Draw each method's rank with its interval and, beside it, its chance of being first and its letters."""
    both = pd.concat([ranks, overall.assign(dataset=ALL)], ignore_index=True)
    part, first = _ranks(both), both[both["statistic"].eq("first")]
    chance = first.set_index(["method", "dataset"])["value"]
    datasets, names = list(part["dataset"].unique()), list(part["method"].unique())
    names.sort(key=lambda name: list(labels.methods).index(name) if name in labels.methods else len(names))
    figure, axes = panels(len(datasets), 0.9 + 0.3 * len(names), sharex=True, sharey=True)
    for axis, dataset in zip(axes, datasets, strict=True):
        of_set = part[part["dataset"].eq(dataset)].set_index("method")
        for place, name in enumerate(names):
            if name not in of_set.index:
                continue
            row = of_set.loc[[name]]
            interval(axis, row, place, *style(name, labels))
            letters = "" if pd.isna(row["letters"].iloc[0]) else row["letters"].iloc[0]
            text = f"{letters}  {percent(chance[name, dataset])}"
            axis.text(len(names) + 0.6, place, text, va="center", fontsize="small")
        title = ALL if dataset == ALL else labels.dataset(dataset)
        axis.set(title=title, xlabel="rank", xlim=(0.5, len(names) + 0.5), ylim=(len(names) - 0.5, -0.5))
        axis.set_xticks(range(1, len(names) + 1))
        axis.set_yticks(range(len(names)), [labels.method(name) for name in names])
        rows_only(axis)
    caption = (
        "Ranks by SRCC with 95% intervals, 1 being best. Beside them letters (methods that share one are not "
        "told apart; Holm, 5%) and the share of resamples of the pictures in which the method is first."
    )
    alt = "; ".join(
        f"{ALL if name == ALL else labels.dataset(str(name))}: "
        + ", ".join(f"{labels.method(row['method'])} {rank_in_words(row)}" for row in rows.to_dict("records"))
        for name, rows in part.groupby("dataset", sort=False)
    )
    return Drawing(figure, caption, f"Intervals of ranks. {alt}.")


def calibration(frame: pd.DataFrame, labels: Labels) -> Table:
    """Return how far a map from score to opinion, fitted on one data set, errs on another."""
    part = frame[frame["statistic"].eq("calibration_rmse")]
    caption = "Error of the map from score to opinion: fitted down, applied across."
    made = tables.pivot(part, ["method", "train"], ["test"], labels, caption=caption, among=["train", "test"])
    return replace(made, notes=(*made.notes, CALIBRATION))


#: Key to errors of maps.
CALIBRATION = (
    "Root mean square error in shares of the range of opinions: 0.1 is a tenth of the way from worst to "
    "best. Where both data sets are the same the map was fitted to those very pictures. People of different "
    "studies use their scales differently, so part of the error across is theirs and not the method's."
)


def gaps(frame: pd.DataFrame, labels: Labels) -> Drawing:
    """Draw the share of pairs ordered rightly against how far apart their opinions are."""
    part = frame[frame["value"].notna()]
    datasets, names = list(part["dataset"].unique()), list(part["method"].unique())
    figure, axes = panels(len(datasets), 2.6, sharex=True, sharey=True)
    ends = sorted(part["gap"].unique())
    for axis, dataset in zip(axes, datasets, strict=True):
        for name in names:
            curve = part[part["dataset"].eq(dataset) & part["method"].eq(name)].sort_values("gap")
            places, (colour, marker) = [ends.index(gap) for gap in curve["gap"]], style(name, labels)
            axis.plot(places, curve["value"], marker, ls="-", color=colour, ms=4, label=labels.method(name))
            axis.fill_between(places, curve["low"], curve["high"], color=colour, alpha=0.15, lw=0)
        axis.axhline(0.5, color=FAINT, lw=0.8)
        axis.set(title=labels.dataset(dataset), xlabel="opinions apart by up to (share of the range)")
        axis.set_xticks(range(len(ends)), [f"{end:g}" for end in ends])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    caption = (
        "Pairs of pictures whose order a score tells rightly, by how far apart their opinions are; 0.5 is "
        "chance. Bands: 95% intervals, images or references as the units."
    )
    far = part[part["gap"].eq(ends[-1])]
    alt = ", ".join(
        f"{labels.method(row['method'])} on {labels.dataset(row['dataset'])} {number(row['value'], 2)}"
        for row in far.to_dict("records")
    )
    return Drawing(figure, caption, f"Share of pairs ordered rightly, the furthest apart: {alt}.")


def ceiling(frame: pd.DataFrame, labels: Labels) -> Table:
    """Return how well a perfect method could agree."""
    names = ("reliability", "ceiling_srcc", "ceiling_plcc", "ceiling_lower_half", "ceiling_upper_half")
    part = frame[frame["statistic"].isin(names)]
    caption = "The ceiling: what a method that knew every true opinion would be expected to reach."
    made = tables.pivot(part, ["dataset"], ["statistic"], labels, caption=caption)
    return replace(made, notes=(*made.notes, CEILING))


def shares(zero_shot: pd.DataFrame, labels: Labels) -> list[Table]:
    """Return each method's share of the ceiling and SRCC in half of the range; nothing without a ceiling."""
    shown = ("srcc_of_ceiling", "srcc_lower_half", "srcc_upper_half")
    known = zero_shot.loc[zero_shot["statistic"].eq(shown[0]), "dataset"]
    rows = zero_shot[zero_shot["statistic"].isin(shown) & zero_shot["dataset"].isin(known)]
    if rows.empty:
        return []
    said = "SRCC as a share of the ceiling, and within the lower and the upper half of opinions."
    return [tables.pivot(rows, ["method"], ["dataset", "statistic"], labels, caption=said, among=["dataset"])]


#: Key to the ceiling.
CEILING = (
    "An opinion is the mean of a few ratings: other raters would give another, and no method can foretell "
    "that part. Reliability is the share of the opinions' variance that is not such error. Where the same "
    "people rate all pictures and use the scale differently, deviations hold more than error, and the true "
    "ceiling is a little higher. Within half of the range agreement is lower for a perfect method too. "
    "Of simulated data sets with five ratings a picture or more, 92 to 94 in 100 had their ceiling within "
    "its interval; of those with three ratings 86."
)


def resolvable(frame: pd.DataFrame, labels: Labels) -> Table:
    """Return the smallest difference that each data set could have shown."""
    names = ("resolvable_least", "resolvable_median", "resolvable_most")
    rows = []
    for dataset, part in frame.groupby("dataset", sort=False):
        by_name = part.set_index("statistic")
        values = [float(by_name["value"].get(name, float("nan"))) for name in names]
        name, one = labels.dataset(str(dataset)), part.iloc[0]
        cells = [Cell(number(value), value=None if pd.isna(value) else value) for value in values]
        counts = [Cell(f"{one[key]:,.0f}", value=float(one[key])) for key in ("n", "units")]
        rows.append((Cell(name, value=name), *counts, *cells))
    heads = [Column("Data set", words=True), Column("Pictures"), Column("References, or pictures")]
    heads += [Column(f"{which} pair") for which in ("Surest", "Median", "Least sure")]
    under = (
        "The least true difference of SRCC between two methods that the corrected test of the table above "
        "shows four times in five. A pair whose difference is smaller than this and not significant has not "
        "been shown to be level: the data could not have told.",
        *((evidence.UNMARKED,) if frame["value"].isna().any() else ()),
    )
    caption = "What each data set could have shown: smallest difference of SRCC with 80% power."
    return Table(caption, tuple(heads), tuple(rows), under, **mentioned(frame))


def new_sets(frame: pd.DataFrame, labels: Labels) -> Table:
    """Return mean and spread of each method over data sets, and what a new one would show."""
    rows = []
    part = frame[frame["statistic"].isin(["mean", "new_set", "spread"])]
    for method, own in part.groupby("method", sort=False):
        by = own.set_index("statistic")
        cells = [Cell(f"{by['n']['mean']:.0f}", value=float(by["n"]["mean"]))]
        for name in ("mean", "new_set"):
            bounds = f"[{number(by['low'][name])}, {number(by['high'][name])}]"
            shown = number(by["value"][name]) if name == "mean" else ""
            cells.append(Cell(shown, bounds, float(by["value"][name])))
        cells.append(Cell(number(by["value"]["spread"]), value=float(by["value"]["spread"])))
        name = labels.method(str(method))
        rows.append((Cell(name, value=name), *cells))
    caption = "SRCC in general: data sets as a sample of data sets."
    names = ("Data sets", "Mean SRCC", "SRCC on a new data set, 95%", "Spread between data sets (Fisher's z)")
    heads = (Column("Method", words=True), *map(Column, names))
    under = (
        "A linear mixed model of Fisher's z with the data set as a random effect and the error of each value "
        "known; mean with 95% interval (Hartung and Knapp), and where a further data set of the same kind "
        "would put the method. Data sets that a method has learnt from, or that are too small to decide "
        "anything, are left out.",
    )
    if not rows:
        under = ("Three data sets on which a method may be compared are needed; this run has fewer.",)
    return Table(caption, heads, tuple(rows), under, **mentioned(part))
