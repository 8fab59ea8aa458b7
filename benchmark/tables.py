"""Tidy results as tables to read: every number with its interval, its published figure and a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pandas as pd

from benchmark.evidence import UNMARKED, decided
from benchmark.provenance import published
from benchmark.terms import number, statistic, words

ALPHA = 0.05
PROTOCOLS = 6  # at most so many are told apart under a table
PROXY = "full-reference proxy, no human rated these"
STANDINGS = {
    "V": "read in the primary source",
    "S": "a second hand's transcription",
    "R": "recalled, unconfirmed",
}


MAIN = ("srcc", "krcc", "plcc", "rmse")
#: Columns of result files that hold keys of methods and of data sets.
METHODS = ("method", "method_a", "method_b", "defender", "attacker")
DATASETS = ("dataset", "train", "test")
#: Columns that hold names, whatever these look like: a method may be called "NA", a picture "007".
NAMES = (
    *(*METHODS, *DATASETS, "variant", "variant_a", "variant_b", "judge", "image", "low_image", "high_image"),
    *("distortion", "group", "change", "target", "map", "region", "statistic", "signature", "left_out"),
)


def read_results(source: Path | IO[bytes]) -> pd.DataFrame:
    """Read a table that a stage wrote: an empty cell is missing, names (`NAMES`) stay as they are.

    Raises
    ------
    ParserError, EmptyDataError, UnicodeDecodeError
        Of pandas, if it is no such table.
    """
    return pd.read_csv(source, dtype=dict.fromkeys(NAMES, str), keep_default_na=False, na_values=[""])


@dataclass(frozen=True)
class Labels:
    """Names as a reader sees them; the keys are those of the result files, in the order of display.

    Parameters
    ----------
    methods, datasets
        Key to title.
    proxies
        Keys of the data sets whose scores no human gave.
    """

    methods: Mapping[str, str] = field(default_factory=dict)
    datasets: Mapping[str, str] = field(default_factory=dict)
    proxies: frozenset[str] = frozenset()

    def of(self, column: str, value: object) -> str:
        """Return the label of ``value`` found in ``column`` of a tidy table."""
        if column in METHODS:
            return self.method(str(value))
        if column in DATASETS:
            return self.dataset(str(value))
        if column == "statistic":
            return statistic(str(value)).label
        return str(value) if column == "distortion" else words(value)

    def method(self, name: str) -> str:
        """Return the title of a method, as its card gives it."""
        known = name.removesuffix("_shuffled")
        if name != known:
            return f"{self.method(known)}, weights shuffled"
        return self.methods.get(name, words(name))

    def dataset(self, name: str) -> str:
        """Return the short title of a data set, marked where a proxy stands for people."""
        return self.datasets.get(name, name).split(" (")[0] + (" (proxy)" if name in self.proxies else "")

    def proxy_note(self, datasets: Iterable[str]) -> str:
        """Return what must be said of those of ``datasets`` that no human rated, or ""."""
        shown = [
            self.datasets.get(name, name).split(" (")[0] for name in sorted(self.proxies & set(datasets))
        ]
        return f"{', '.join(shown)}: {PROXY}." if shown else ""


def mentioned(frame: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return the methods and the data sets that a result file speaks of, as `Table` takes them."""
    return {
        what: frozenset(str(value) for name in columns if name in frame for value in frame[name].unique())
        for what, columns in (("methods", METHODS), ("datasets", DATASETS))
    }


@dataclass(frozen=True)
class Cell:
    """One cell: the text, smaller text after it, what it sorts by, and its mark ("best", "level" or "")."""

    text: str = ""
    small: str = ""
    value: float | str | None = None
    mark: str = ""


@dataclass(frozen=True)
class Column:
    """One column: its label, the label it shares with its neighbours, and whether it holds words."""

    label: str
    group: str = ""
    words: bool = False


@dataclass(frozen=True)
class Table:
    """A table ready for display; ``notes`` stand under it, it speaks of ``methods`` and ``datasets``."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    methods: frozenset[str] = frozenset()
    datasets: frozenset[str] = frozenset()


def estimate(row: Mapping[str, Any], mark: str = "") -> Cell:
    """Return the cell of one row of a tidy table: value, 95% interval."""
    decimals = statistic(str(row["statistic"])).decimals
    value, low, high = (float(row[name]) for name in ("value", "low", "high"))
    bounds = "" if pd.isna(low) else f"[{number(low, decimals)}, {number(high, decimals)}]"
    text = number(value, decimals) + LEARNT.get(str(row.get("overlap", "")), ("", ""))[0]
    return Cell(text, bounds, None if pd.isna(value) else value, mark)


#: Value of the column ``overlap`` -> its mark and the key to it. None of these is ever the best.
LEARNT = {
    "True": ("†", "it has learnt from pictures of its test set, so this is no evidence of generalisation."),
    "unknown": ("‡", "what it has learnt from is not known, and may be its test set: no evidence either."),
}


def _overlaps(row: Mapping[str, Any]) -> bool:
    """Whether the method has learnt from pictures that it is tested on, or may have."""
    return str(row.get("overlap", "")) in LEARNT


def verdict(row: Mapping[str, Any]) -> str:
    """Say where a published figure lies against ours: ``agrees``, ``higher``, ``lower`` or "".

    Only one of the same part of the data set judges, and its own error is allowed for (`published.allowed`).
    """
    part = row.get("published_part", "")
    if not decided(row) or not published.same_protocol(
        str(row.get("statistic", "")), "" if pd.isna(part) else str(part)
    ):
        return ""
    names = ("value", "low", "high", "n", "published_n", "published_splits")
    low, high = published.allowed(*(float(row.get(name, float("nan"))) for name in names))
    return published.verdict(float(row["published"]), low, high)


def marks(frame: pd.DataFrame, among: Sequence[str], differences: pd.DataFrame | None = None) -> pd.Series:
    """Mark the best row of each group and those not significantly worse than it.

    What rests on too few references or pictures (`benchmark.evidence`) takes no part.

    Parameters
    ----------
    frame
        Tidy table.
    among
        Columns within whose equal values rows compete; ``statistic`` is always one of them.
    differences
        Paired tests between methods (``dataset, statistic, method_a, method_b, p_holm``) or variants
        (``variant_a, variant_b``); without them only the best is marked.

    Returns
    -------
    Series
        ``"best"``, ``"level"`` or ``""``, on the index of ``frame``.
    """
    out = pd.Series("", index=frame.index)
    for _, group in frame.groupby([*among, "statistic"], sort=False, dropna=False):
        good = statistic(group["statistic"].iloc[0]).good
        fair = [
            decided(row) and not (_overlaps(row) or row.get("floor", False))
            for row in group.to_dict("records")
        ]
        worth = (group.loc[fair, "value"] * good).dropna()
        if good == 0 or len(worth) < 2:
            continue
        best = worth.index[worth == worth.max()]
        out[best] = "best"
        if differences is not None:
            equals = _not_worse(differences, group.loc[best[0]])
            names = group[_contender(differences)]
            out[[i for i in worth.index if i not in best and names[i] in equals]] = "level"
    return out


def _contender(differences: pd.DataFrame) -> str:
    """Return what a table of differences compares: ``method`` or ``variant``."""
    return "method" if "method_a" in differences else "variant"


def _not_worse(differences: pd.DataFrame, best: pd.Series) -> set[str]:
    """Return who was tested against the best one and is not significantly worse."""
    what = _contender(differences)
    name = best[what]
    same = differences["dataset"].eq(best["dataset"]) & differences["statistic"].eq(best["statistic"])
    rows = differences[same & (differences["p_holm"] >= ALPHA)]
    pairs = zip(rows[f"{what}_a"], rows[f"{what}_b"], strict=True)
    return {b if a == name else a for a, b in pairs if name in (a, b)}


def notes(
    frame: pd.DataFrame, labels: Labels, *, marked: bool = True, tested: bool = False
) -> tuple[str, ...]:
    """Return what stands under a table: n and protocol, and the key to its marks and verdicts."""
    none = "; none where the data are too few" if frame["low"].isna().any() else ""
    lines = [f"In brackets the 95% interval{none}.", *_protocols(frame, labels)]
    if marked and any(statistic(name).good for name in frame["statistic"].unique()):
        enough = [decided(row) for row in frame[frame["value"].notna()].to_dict("records")]
        tie = f"; underlined: not significantly worse (paired test of SRCC, Holm-adjusted p ≥ {ALPHA})"
        if any(enough):
            lines.append("Bold: best" + (tie if tested else "") + ".")
        if not all(enough):
            lines.append(UNMARKED)
    met_marks = set(frame["overlap"].astype(str)) if "overlap" in frame else set()
    lines += [f"{mark}: {said}" for value, (mark, said) in LEARNT.items() if value in met_marks]
    if frame["published"].notna().any():
        met = [s for s in STANDINGS if s in set(frame["standing"].dropna())]
        standings = ", ".join(f"({s}) {STANDINGS[s]}" for s in met)
        lines.append(
            "Verdict on ours: agrees where the published value lies within our interval, widened where it is "
            "of fewer pictures, else higher or lower; none where it is of another part of the data set"
            + (f". Standing of the published value: {standings}." if met else ".")
        )
    return tuple(lines)


def _protocols(frame: pd.DataFrame, labels: Labels) -> list[str]:
    """Say what all rows share of their protocols (parts between semicolons), then what is particular."""
    parts = [[p.strip() for p in text.split(";")] for text in frame["protocol"].fillna("").astype(str)]
    shared = [part for part in parts[0] if all(part in others for others in parts)]
    rest = pd.Series(["; ".join(p for p in own if p not in shared) for own in parts], index=frame.index)
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


def comparison(
    zero_shot: pd.DataFrame,
    differences: pd.DataFrame | None,
    labels: Labels,
    *,
    statistics: Sequence[str] = MAIN,
    caption: str = "every method against the scores of the data set.",
) -> list[Table]:
    """Return one table a data set: methods down, statistics across; published, ours and verdict of each."""
    chosen = zero_shot[zero_shot["statistic"].isin(statistics)]
    chosen = chosen.assign(mark=marks(chosen, ["dataset"], differences))
    return [
        _compared(f"{labels.dataset(str(dataset))}: {caption}", part, labels, _tested(part, differences))
        for dataset, part in chosen.groupby("dataset", sort=False)
    ]


def overview(
    zero_shot: pd.DataFrame, differences: pd.DataFrame | None, labels: Labels, *, statistic: str = "srcc"
) -> Table:
    """Return one statistic of every method on every data set, the published figure in the small print."""
    part = zero_shot[zero_shot["statistic"].eq(statistic)]
    caption = f"{_label(statistic)} of every method (down) on every data set (across)."
    options = {"among": ["dataset"], "differences": differences}
    return pivot(part, ["method"], ["dataset"], labels, caption=caption, **options)


def _tested(part: pd.DataFrame, differences: pd.DataFrame | None) -> bool:
    """Whether paired tests exist for one of the statistics of a table."""
    return differences is not None and bool(differences["statistic"].isin(part["statistic"]).any())


def _compared(caption: str, part: pd.DataFrame, labels: Labels, tested: bool) -> Table:
    columns = [Column("Method", words=True)]
    lines = {method: [_name("method", method, labels)] for method in part["method"]}
    for name, group in part.groupby("statistic", sort=False):
        rows = {row["method"]: row for row in group.to_dict("records")}
        known = bool(group["published"].notna().any())
        label = statistic(str(name)).label
        heads = ("Published", "Ours", "Verdict") if known else (label,)
        columns += [Column(head, label if known else "", head == "Verdict") for head in heads]
        for method, line in lines.items():
            line += _three(rows[method]) if known and method in rows else [_one(rows.get(method))]
            line += [Cell("–")] * (len(columns) - len(line))
    said = notes(part, labels, tested=tested)
    if part["published"].isna().all():
        said += ("No paper gives a figure for these images.",)
    return Table(caption, tuple(columns), tuple(map(tuple, lines.values())), said, **mentioned(part))


def _one(row: Mapping[str, Any] | None) -> Cell:
    return Cell("–") if row is None else estimate(row, str(row["mark"]))


def _three(row: Mapping[str, Any]) -> list[Cell]:
    return [_published(row), _one(row), Cell(verdict(row) or "–", value=verdict(row))]


def _published(row: Mapping[str, Any]) -> Cell:
    value = float(row["published"])
    if pd.isna(value):
        return Cell("–")
    decimals = statistic(str(row["statistic"])).decimals
    standing = "" if pd.isna(row["standing"]) else f" ({row['standing']})"
    part = row.get("published_part", "")
    said = [str(part)] if part and not pd.isna(part) else []
    low, high = (float(row.get(f"published_{end}", float("nan"))) for end in ("low", "high"))
    if low < high:
        said.append(f"sources: {number(low, decimals)} to {number(high, decimals)}")
    return Cell(number(value, decimals) + standing, "\n".join(said), value)


def _name(column: str, value: object, labels: Labels) -> Cell:
    label = labels.of(column, value)
    return Cell(label, value=value if isinstance(value, int | float) else label)


HEADS = {"dataset": "Data set", "train": "Trained on", "test": "Tested on"}


def pivot(
    frame: pd.DataFrame,
    rows: Sequence[str],
    columns: Sequence[str],
    labels: Labels,
    *,
    caption: str,
    among: Sequence[str] | None = None,
    differences: pd.DataFrame | None = None,
) -> Table:
    """Return a tidy table with ``rows`` down and ``columns`` across, each cell value and interval.

    Parameters
    ----------
    frame
        Tidy table.
    rows, columns
        Names of its key columns; one or two ``columns``, the first spans the second.
    labels
        Names as they are printed.
    caption
        What stands over the table.
    among
        Columns within whose equal values entries compete for the mark "best"; None for no marks.
    differences
        Paired tests, for the mark "not significantly worse".
    """
    mark = "" if among is None else marks(frame, among, differences)
    lines: dict[tuple[object, ...], dict[tuple[object, ...], Cell]] = {}
    heads: dict[tuple[object, ...], None] = {}
    for record in frame.assign(mark=mark).to_dict("records"):
        down, across = (tuple(record[name] for name in names) for names in (rows, columns))
        heads.setdefault(across)
        lines.setdefault(down, {})[across] = _stacked(record)
    firsts = list(dict.fromkeys(head[0] for head in heads))
    order = sorted(heads, key=lambda head: firsts.index(head[0]))
    shown = [[labels.of(c, v) for c, v in zip(columns, head, strict=True)] for head in order]
    table_columns = [Column(HEADS.get(name, name.capitalize()), words=True) for name in rows]
    table_columns += [Column(text[-1], text[0] if len(text) > 1 else "") for text in shown]
    body = tuple(
        tuple(_name(c, v, labels) for c, v in zip(rows, down, strict=True))
        + tuple(cells.get(head, Cell("–")) for head in order)
        for down, cells in lines.items()
    )
    said = notes(frame, labels, marked=among is not None, tested=_tested(frame, differences))
    return Table(caption, tuple(table_columns), body, said, **mentioned(frame))


def _stacked(record: Mapping[str, Any]) -> Cell:
    """Return ours with its interval, what else is said of it, and the published figure with its verdict."""
    cell, known = _one(record), _published(record)
    own = "\n".join(filter(None, (cell.small, record.get("said", ""))))
    if known.value is None:
        return Cell(cell.text, own, cell.value, cell.mark)
    said = ": ".join(filter(None, (known.text, verdict(record))))
    small = "\n".join(filter(None, (own, "published", said, known.small)))
    return Cell(cell.text, small, cell.value, cell.mark)


def distortions(frame: pd.DataFrame, labels: Labels, *, statistic: str = "srcc") -> Table:
    """Return one statistic distortion by distortion, methods across; the best method of each is bold."""
    part = frame[frame["statistic"].eq(statistic)]
    keys, caption = ["dataset", "distortion"], f"{_label(statistic)} within each distortion."
    return pivot(part, keys, ["method"], labels, caption=caption, among=keys)


def cross_dataset(frame: pd.DataFrame, labels: Labels, *, statistic: str = "srcc") -> Table:
    """Return probes trained on one data set and tested on another; bold: the best method of each pair."""
    part = frame[frame["statistic"].eq(statistic)]
    caption = f"{_label(statistic)} of a linear probe: methods and training sets down, test sets across."
    return pivot(part, ["method", "train"], ["test"], labels, caption=caption, among=["train", "test"])


def ablation(frame: pd.DataFrame, differences: pd.DataFrame | None, labels: Labels) -> Table:
    """Return every variant on every data set."""
    part = frame[frame["statistic"].isin(MAIN)]
    caption = "Agreement with the scores, one variant a row."
    options = {"among": ["dataset"], "differences": differences}
    return pivot(part, ["variant"], ["dataset", "statistic"], labels, caption=caption, **options)


def gradcam(frame: pd.DataFrame, labels: Labels) -> list[Table]:
    """Return how well each method's maps find the degraded region: over all distortions, and in each.

    Floors (maps that never looked, shuffled weights) are never the best: they are what a method must beat.
    """
    names = frame["method"].astype(str)
    frame = frame.assign(floor=names.isin(["centre_prior", "random_map"]) | names.str.endswith("_shuffled"))
    whole = frame["distortion"].eq("all")
    keys, marked = ["method", "target"], ["target", "distortion"]
    single = frame[~whole].sort_values("distortion", kind="stable")
    parts = [
        (frame[whole], keys, "All distortions together."),
        (single, ["distortion", *keys], "Distortion by distortion."),
    ]
    return [
        pivot(part, rows, ["statistic"], labels, caption=caption, among=marked)
        for part, rows, caption in parts
        if len(part)
    ]


def order(frame: pd.DataFrame, labels: Labels, *, where: str = "type by type") -> list[Table]:
    """Return how well scores follow rising intensity, type by type, one table a statistic."""
    keys = ["group", "distortion"]
    return [
        pivot(part, keys, ["method"], labels, caption=f"{_label(str(name))}, {where}.", among=keys)
        for name, part in frame.groupby("statistic", sort=False)
    ]


def _label(name: str) -> str:
    return statistic(name).label


def differences(frame: pd.DataFrame, labels: Labels, *, where: str = "on the same images") -> Table:
    """Return the paired differences between methods or variants: first minus second, interval and p."""
    what = _contender(frame)
    keys = ["dataset", f"{what}_a", f"{what}_b", "statistic"]
    rows = []
    for record in frame.to_dict("records"):
        names = tuple(_name(column, record[column], labels) for column in keys)
        tests = tuple(
            Cell(_p(record[p]), value=None if pd.isna(record[p]) else record[p]) for p in ("p", "p_holm")
        )
        clear = "–" if pd.isna(record["p_holm"]) else "yes" if record["p_holm"] < ALPHA else "no"
        shown = () if "resolvable" not in frame else _could_show(record)
        rows.append((*names, estimate(record), *tests, Cell(clear, value=clear), *shown))
    heads = [Column(name, words=True) for name in ("Data set", "First", "Second", "Statistic")]
    heads += [Column("First − second"), Column("p"), Column("p (Holm)"), Column("Clear at 5%", words=True)]
    if "resolvable" in frame:
        heads += [Column("Could show"), Column("As good", words=True)]
    caption = f"Differences between {what}s {where}."
    said = notes(frame, labels, marked=False)
    if "resolvable" in frame:
        said += (COULD_SHOW,)
    if frame["p_holm"].isna().any():
        said += (UNMARKED,)
    return Table(caption, tuple(heads), tuple(rows), said, **mentioned(frame))


#: Key to what stands beside a difference that is not clear.
COULD_SHOW = (
    "Could show: the least true difference that this test shows four times in five. No clear difference "
    "beside a large one says that the data are too few, not that the two are level. As good: yes where two "
    "one-sided tests at 5% put the difference within the margin that the protocol states, no where it is "
    "clear."
)


def _could_show(record: Mapping[str, Any]) -> tuple[Cell, Cell]:
    """Return the least difference that could have been shown, and whether two are as good as each other."""
    least, p = float(record["resolvable"]), float(record["p_equivalent"])
    apart = record["p_holm"] < ALPHA
    equal = "–" if pd.isna(p) else "yes" if p < ALPHA else "no" if apart else "not shown"
    return Cell(number(least), value=None if pd.isna(least) else least), Cell(equal, value=equal)


def _p(value: float) -> str:
    return "–" if pd.isna(value) else "< 0.001" if value < 0.001 else number(value)
