"""Tables of tests: wins and losses, ranks over data sets, areas, what else a score follows."""

from __future__ import annotations

import pandas as pd

from benchmark import evidence
from benchmark.figures import Drawing
from benchmark.figures.canvas import grid
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source
from benchmark.tables import ALPHA, Cell, Column, Labels, Table, mentioned, notes, pivot
from benchmark.terms import number, p_value, percent

FEWEST_SETS = 3
"""Data sets that a critical-difference diagram needs: with two, even full agreement decides nothing."""


def wins(frame: pd.DataFrame, whole: pd.DataFrame | None, labels: Labels) -> Table:
    """Return the matrix of wins, ties and losses: the method of the row against that of the column.

    ``whole`` is the table that they are counted from; it names the data sets.
    """
    names = list(dict.fromkeys(frame["method_a"]))
    names.sort(key=lambda name: list(labels.methods).index(name) if name in labels.methods else len(names))
    cells = {
        (row["method_a"], row["method_b"]): (row["wins"], row["ties"], row["losses"])
        for row in frame.to_dict("records")
    }
    body = []
    for a in names:
        won, _, lost = (sum(cells[a, b][k] for b in names if (a, b) in cells) for k in range(3))
        line = [Cell(labels.method(a), value=labels.method(a))]
        line += [_score(cells.get((a, b))) for b in names]
        body.append((*line, Cell(f"{won - lost:+d}".replace("-", "−"), value=float(won - lost))))
    heads = [
        Column("Method", words=True),
        *(Column(labels.method(b)) for b in names),
        Column("Wins − losses"),
    ]
    caption = "Wins – ties – losses over the data sets, the method of the row against that of the column."
    under = (
        f"A win: SRCC higher on a data set, paired test with Holm-adjusted p < {ALPHA}. A method is compared "
        "on no data set that it has learnt from, or may have.",
    )
    return Table(caption, tuple(heads), tuple(body), under, **_over(frame, whole))


def _score(counted: tuple[int, int, int] | None) -> Cell:
    if counted is None:
        return Cell("–")
    return Cell("–".join(map(str, counted)), value=float(counted[0] - counted[2]))


def _over(frame: pd.DataFrame, whole: pd.DataFrame | None) -> dict[str, frozenset[str]]:
    """Return the methods of ``frame`` with the data sets of the table that it sums up."""
    return mentioned(frame) | ({} if whole is None else {"datasets": mentioned(whole)["datasets"]})


def across(frame: pd.DataFrame, whole: pd.DataFrame | None, labels: Labels) -> Table:
    """Return Wilcoxon's signed ranks of every pair of methods over the data sets, those of ``whole``."""
    rows = []
    for row in frame.to_dict("records"):
        names = [labels.method(row[column]) for column in ("method_a", "method_b")]
        hopeless = row["smallest_p"] >= ALPHA  # no outcome of so few data sets could be significant
        p = [float("nan") if hopeless else row[name] for name in ("p", "p_holm")]
        numbers = [row["median_difference"], row["n"], *p, row["smallest_p"], row.get("chance", float("nan"))]
        texts = [number(numbers[0]), f"{numbers[1]:.0f}", *map(p_value, numbers[2:5]), percent(numbers[5])]
        cells = [Cell(text, value=value) for text, value in zip(texts, numbers, strict=True)]
        rows.append((*(Cell(name, value=name) for name in names), *cells))
    heads = [Column(name, words=True) for name in ("First", "Second")]
    heads += [Column("Median difference"), Column("Data sets that differ"), Column("p"), Column("p (Holm)")]
    under = (
        "Wilcoxon's signed ranks of SRCC, a data set being one observation.",
        "Smallest p: what as many wins in a row would give. Above 0.05, no outcome could be significant, and "
        "no p is shown.",
        "Ahead on a new set: the chance that the first is ahead on one more data set of the same kind, from "
        "a mixed model of the difference of Fisher's z with the data set as a random effect; it needs three.",
    )
    columns = (*heads, Column("Smallest p"), Column("Ahead on a new set"))
    return Table("Methods over all data sets.", columns, tuple(rows), under, **_over(frame, whole))


def ranks(run: Run, means: Source, tests: Source, whole: Source) -> Html:
    """Show mean ranks as a critical-difference diagram; with too few data sets, say so instead."""
    if means.content is None or tests.content is None:
        return run.missing(means, tests)
    count = 0 if means.frame.empty else int(means.frame["n"].iloc[0])
    if count < FEWEST_SETS:
        return Html(
            f"<p>Mean ranks need {FEWEST_SETS} data sets on which every method was scored; this run has "
            f"{count or 'fewer than two'}. Nothing is claimed over data sets.</p>"
        )
    drawing = critical_difference(means.frame, tests.frame, run.labels)
    return run.drawing(drawing, [means, tests], [] if whole.content is None else whole.frame["dataset"])


def critical_difference(means: pd.DataFrame, tests: pd.DataFrame, labels: Labels) -> Drawing:
    """Draw mean ranks; methods joined by a bar are not told apart by Nemenyi's test."""
    import scikit_posthocs  # here, since it brings statsmodels: seconds

    ranked = means.set_index(means["method"].map(labels.method))["mean_rank"]
    nemenyi = pd.DataFrame(1.0, index=ranked.index, columns=ranked.index)
    for row in tests.to_dict("records"):
        a, b = labels.method(row["method_a"]), labels.method(row["method_b"])
        if a in nemenyi and b in nemenyi and pd.notna(row["p_nemenyi"]):
            nemenyi.loc[a, b] = nemenyi.loc[b, a] = row["p_nemenyi"]
    figure, axes = grid(1, 1, 1.2 + 0.22 * len(ranked))
    scikit_posthocs.critical_difference_diagram(ranked, nemenyi, ax=axes[0, 0], text_h_margin=0.1)
    one = means.iloc[0]
    left = [] if pd.isna(one["left_out"]) else [labels.dataset(name) for name in one["left_out"].split()]
    without = f" Without {', '.join(left)}: a method may have learnt there, or has no score." if left else ""
    caption = (
        f"Mean rank by SRCC over {one['n']:.0f} data sets, 1 being best. Joined: not told apart (Nemenyi, "
        f"5%; critical difference {number(one['critical_difference'], 2)}). Friedman's p: "
        f"{p_value(one['p'])}; its power to notice a lead of one standard deviation is "
        f"{number(one['power'], 2)}.{without}"
    )
    alt = ", ".join(f"{name} {number(value, 2)}" for name, value in ranked.items())
    return Drawing(figure, caption, f"Mean ranks: {alt}.")


def areas(frame: pd.DataFrame, labels: Labels) -> Table:
    """Return Krasula's areas of every method."""
    caption = "Telling different pictures from similar ones, and the better from the worse."
    return pivot(frame, ["method"], ["dataset", "statistic"], labels, caption=caption, among=["dataset"])


def structure(frame: pd.DataFrame, labels: Labels) -> Table:
    """Return what else the scores, and the opinions, follow: size of the picture and of its file."""
    part = frame[frame["statistic"].isin(STRUCTURE) & frame["value"].notna()]
    caption = "Correlation (SRCC) of scores and opinions with the size of picture and file."
    if part.empty:
        note = ("Undefined: all pictures have one size, or the data are too few.",)
        return Table(caption, (Column("Method", words=True),), (), note)
    return pivot(part, ["method"], ["dataset", "statistic"], labels, caption=caption)


STRUCTURE = (
    *("srcc_pixels", "mos_pixels", "srcc_bytes_per_pixel", "mos_bytes_per_pixel"),
    "srcc_without_bytes_per_pixel",
)


def worst(frame: pd.DataFrame, labels: Labels) -> Table:
    """Return the distortion type that each method ranks worst on each data set."""
    part = frame[frame["statistic"].eq("srcc") & frame["value"].notna()]
    part = part[[evidence.decided(row) for row in part.to_dict("records")]]
    caption = "Worst distortion type of each method."
    if part.empty:
        few = (f"A type is named only where {evidence.ENOUGH} references or more stand behind its figure.",)
        return Table(caption, (Column("Method", words=True),), (), few)
    least = part.loc[part.groupby(["method", "dataset"], sort=False)["value"].idxmin()]
    kinds = part.groupby("dataset")["distortion"].nunique()
    rows = []
    for row in least.to_dict("records"):
        low, high = number(row["low"]), number(row["high"])
        bounds = "" if pd.isna(row["low"]) else f"[{low}, {high}]"
        rows.append(
            (
                Cell(labels.method(row["method"]), value=labels.method(row["method"])),
                Cell(labels.dataset(row["dataset"]), value=row["dataset"]),
                Cell(f"{row['distortion']} (of {kinds[row['dataset']]})", value=row["distortion"]),
                Cell(number(row["value"]), bounds, row["value"]),
            )
        )
    heads = [Column(name, words=True) for name in ("Method", "Data set", "Worst type")]
    under = notes(least, labels, marked=False)
    under += ("The worst of many types is low by chance too: read it beside its interval.",)
    columns = (*heads, Column("SRCC"))
    return Table(caption, columns, tuple(rows), under, **mentioned(least))
