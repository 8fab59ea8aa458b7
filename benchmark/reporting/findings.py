"""What the tables say, in sentences computed from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from benchmark.evidence import ENOUGH, behind, decided, too_few, whole
from benchmark.provenance.published import OF_TEST
from benchmark.reporting.html import Html, render
from benchmark.reporting.run import Run
from benchmark.reporting.studies import JUDGE
from benchmark.tables import ALPHA, LEARNT, PROXY, Labels, verdict
from benchmark.terms import number

NAMED = 4  # as many methods are named in a sentence, more are counted


def findings(run: Run) -> Html:
    """Show the main findings, one a paragraph; a table that is missing is left to its own page."""
    return render("findings.html", findings=sentences(run))


def sentences(run: Run) -> list[str]:
    """Return the main findings as text, in the order of the page."""
    lines: list[str] = []
    for name, say in SAYERS.items():
        source = run.source(f"results/tables/{name}.csv")
        if source.content is not None:
            lines += list(say(source.frame, run))
    return lines


def _fair(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out what has learnt from the pictures that it is tested on, or may have."""
    return frame[~frame["overlap"].astype(str).isin(LEARNT)] if "overlap" in frame else frame


def _estimate(row: pd.Series) -> str:
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        same = "every value or resample is the same" in str(row.get("protocol"))
        why = "every resample is the same" if same else "too little data"
        return f"{number(row['value'])} (no interval: {why})"
    return f"{number(row['value'])} [{number(row['low'])}, {number(row['high'])}]"


def _zero_shot(frame: pd.DataFrame, run: Run) -> Iterator[str]:
    tests = run.source("results/tables/differences.csv")
    differences = None if tests.content is None else tests.frame
    part = frame[frame["statistic"].eq("srcc")]
    for dataset, group in part.groupby("dataset", sort=False):
        fair = _fair(group).dropna(subset="value").sort_values("value", ascending=False)
        order = fair[whole(fair.to_dict("records"))]
        if order.empty:
            continue
        best = order.iloc[0]
        whom = _score_of(str(dataset), run.labels)
        if not decided(best):
            where = run.labels.dataset(str(dataset))
            yield _undecided(order, where, f"which method agrees best with {whom}")
            continue
        sentence = f"{run.labels.method(best['method'])} agrees best with {whom}: SRCC {_estimate(best)}"
        sentence += f", n = {best['n']:,.0f}"
        if len(order) > 1:
            last = order.iloc[-1]
            sentence += f"; {run.labels.method(last['method'])} agrees least, {_estimate(last)}"
        if differences is not None and len(order) > 1:
            sentence += _tested(differences[differences["dataset"].eq(dataset)], order, run.labels)
        if lacking := [name for name in fair["method"] if name not in set(order["method"])]:
            names = _some([run.labels.method(name) for name in lacking])
            sentence += f"; lacking scores, and so not compared: {names}"
        yield sentence + "."
    yield from _published(frame[frame["statistic"].isin(["srcc", f"srcc{OF_TEST}"])])


def _undecided(order: pd.DataFrame, where: str, what: str) -> str:
    """Say that so few references or pictures cannot tell something, and what was measured."""
    least, most = number(order["value"].min()), number(order["value"].max())
    few = too_few(behind(order.iloc[0]))
    return f"{where} cannot tell {what}: {few}. SRCC runs from {least} to {most}."


def _tested(differences: pd.DataFrame, order: pd.DataFrame, labels: Labels) -> str:
    """Say which methods the paired tests set apart from the best, and which they do not."""
    best = order.iloc[0]["method"]
    worse, level, better, untested = (
        "significantly worse (paired, Holm)",
        "not significantly worse",
        "ahead on the pictures that all have scored (paired, Holm)",
        "not tested",
    )
    groups: dict[str, list[str]] = {worse: [], level: [], better: [], untested: []}
    for other in order["method"].iloc[1:]:
        both = [best, other]
        pair = differences[differences["method_a"].isin(both) & differences["method_b"].isin(both)]
        p = pair["p_holm"].min() if len(pair) else float("nan")
        if pd.isna(p):
            said = untested
        elif p >= ALPHA:
            said = level
        else:
            row = pair.iloc[0]
            said = worse if (row["value"] > 0) == (row["method_a"] == best) else better
        groups[said].append(labels.method(other))
    return "".join(f"; {what}: {_some(names)}" for what, names in groups.items() if names)


def _some(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= NAMED else f"{len(names)} others"


def _score_of(dataset: str, labels: Labels) -> str:
    title = labels.datasets.get(dataset, dataset).split(" (")[0]
    return f"the scores of {title} ({PROXY})" if dataset in labels.proxies else f"the human scores of {title}"


def _published(part: pd.DataFrame) -> Iterator[str]:
    verdicts = [v for v in map(verdict, part.to_dict("records")) if v]
    if verdicts:
        inside = verdicts.count("agrees")
        yield (
            f"Of {len(verdicts)} published SRCC values, {inside} lie within our 95% interval, widened where "
            "they are of fewer pictures."
        )
    elif part["published"].notna().any():
        yield (
            "No published SRCC value is judged: each is of other pictures than this run scored, or ours "
            "beside it has no interval or rests on too few pictures."
        )
    else:
        yield "No published figure exists for the data sets of this run, so none is compared."


def _ablation(frame: pd.DataFrame, run: Run) -> Iterator[str]:
    tests = run.source("results/tables/ablation_differences.csv")
    differences = None if tests.content is None else tests.frame[tests.frame["statistic"].eq("srcc")]
    part = frame[frame["statistic"].eq("srcc")].dropna(subset="value")
    for dataset, group in part.groupby("dataset", sort=False):
        order = group.sort_values("value")
        low, high = order.iloc[0], order.iloc[-1]
        if not decided(low):
            where = f"Ablation on {run.labels.dataset(str(dataset))}"
            yield _undecided(order, where, "one variant from another")
            continue
        yield (
            f"Ablation on {run.labels.dataset(str(dataset))}: SRCC runs from {_estimate(low)} "
            f"({_words(low['variant'])}) to {_estimate(high)} ({_words(high['variant'])})."
        )
        if differences is not None:
            own = differences[differences["dataset"].eq(dataset)]
            yield from _level_with_full(own, run.labels.dataset(str(dataset)))


def _level_with_full(differences: pd.DataFrame, where: str) -> Iterator[str]:
    """Name the variants that are not told apart from ``full``, and what difference would have been."""
    of_full = differences[differences["variant_a"].eq("full") | differences["variant_b"].eq("full")]
    level = of_full[of_full["p_holm"] >= ALPHA]
    if level.empty:
        return
    other = level["variant_a"].where(level["variant_b"].eq("full"), level["variant_b"])
    least = level["resolvable"].max()
    power = (
        "" if pd.isna(least) else f"; a difference of {number(least)} would have been, with a power of 80%"
    )
    yield f"On {where} full is not told apart from {', '.join(map(_words, other))} (paired, Holm){power}."


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _cross(frame: pd.DataFrame, run: Run) -> Iterator[str]:
    away = _fair(frame[frame["statistic"].eq("srcc") & frame["train"].ne(frame["test"])])
    away = away.dropna(subset="value")
    away = away[[decided(row) for row in away.to_dict("records")]]
    if not away.empty:
        best = away.loc[away["value"].idxmax()]
        train, test = (run.labels.dataset(best[name]) for name in ("train", "test"))
        method = run.labels.method(best["method"])
        yield (
            f"Across data sets, the best probe is {method}, trained on {train} and tested on {test}: "
            f"SRCC {_estimate(best)}, n = {best['n']:,.0f}."
        )


def _sweep(frame: pd.DataFrame, run: Run) -> Iterator[str]:
    part = frame[frame["statistic"].eq("srcc_level")].dropna(subset="value")
    means = part.groupby("method", sort=False)["value"].mean()
    if not means.empty:
        each = ", ".join(f"{run.labels.method(m)} {number(v)}" for m, v in means.items())
        few = _few(part.sort_values("n", ascending=False, kind="stable"))  # some types change fewer pictures
        where = _where(run, "sweep")
        words = f"Agreement of the score with rising intensity{where} (SRCC with level, mean over types)"
        yield f"{words}: {each}{few}."


def _where(run: Run, study: str) -> str:
    """Name the data set that a study was made of, where the settings say it."""
    dataset = run.settings.get(study, {}).get("dataset")
    return f" on {run.labels.dataset(str(dataset))}" if dataset else ""


def _few(frame: pd.DataFrame) -> str:
    """Add that a row of numbers decides nothing, where it rests on too little."""
    one = frame.iloc[0]
    return "" if decided(one) else f"; {too_few(behind(one))}"


def _gmad(frame: pd.DataFrame, run: Run) -> Iterator[str]:
    part = frame[frame["statistic"].eq("rank_score")].dropna(subset="value")
    by = {**JUDGE, "proxy": "the proxy"}
    for (dataset, judge), group in part.groupby(["dataset", "judge"], sort=False):
        where = f"gMAD on {run.labels.dataset(str(dataset))}, judged by {by.get(str(judge), judge)},"
        sure = [decided(row) for row in group.to_dict("records")]
        if sum(sure) < 2:
            most = max(group.to_dict("records"), key=behind)
            yield f"{where} ranks nobody: {too_few(behind(most))}."
            continue
        few, group = [run.labels.method(name) for name in group["method"][[not s for s in sure]]], group[sure]
        order = group.sort_values("value", ascending=False)
        names = [f"{run.labels.method(row['method'])} {_estimate(row)}" for _, row in order.iterrows()]
        apart = (
            f". Not ranked, on fewer than {ENOUGH} references or pictures: {', '.join(few)}" if few else ""
        )
        yield f"{where} ranks by rank score, the best first: {'; '.join(names)}{apart}."


def _gradcam(frame: pd.DataFrame, run: Run) -> Iterator[str]:
    part = frame[frame["statistic"].eq("pointing_game") & frame["distortion"].eq("all")]
    means = part.groupby("method", sort=False)["value"].mean()
    if not means.empty:
        values = ", ".join(f"{run.labels.method(m)} {number(v)}" for m, v in means.items())
        few = _few(part)
        where = _where(run, "gradcam")
        words = f"gradCAM points into the degraded region{where} (pointing game, mean over prompts)"
        yield f"{words}: {values}{few}."


SAYERS: dict[str, Callable[[pd.DataFrame, Run], Iterator[str]]] = {
    "zero_shot": _zero_shot,
    "ablation": _ablation,
    "cross_dataset": _cross,
    "sweep_order": _sweep,
    "gmad": _gmad,
    "gradcam": _gradcam,
}
