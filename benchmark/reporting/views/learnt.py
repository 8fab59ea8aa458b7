"""What was trained here, what it learnt from, and whether it learnt: for the first screen of a report."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from markupsafe import escape

from benchmark.evidence import behind, decided, too_few
from benchmark.method import Trained
from benchmark.reporting.html import Html
from benchmark.reporting.run import Run
from benchmark.terms import number, p_value, percent

#: Settings of a training and of a loading that give the same weights to start from.
NETWORK = ("architecture", "width", "pretrained", "seed")
#: Variant of an ablation that trains nothing, `experiments/ablation/untrained.yaml`.
UNTRAINED = "untrained"


def learnt(run: Run) -> Html:
    """Say of each method that was trained here what it learnt from, and how far it rose above its start."""
    return Html.of(f"<p>{escape(text)}</p>" for name in run.methods for text in _of(run, name))


def _of(run: Run, name: str) -> Iterator[str]:
    course, rated = run.methods[name].train, run.methods[name].rated
    if not course or run.source(f"models/{name}/curve.csv").content is None:
        return
    pictures = run.labels.dataset(run.settings.get("train", {}).get("dataset", "pictures"))
    long = [f"{course[unit]:,} {unit}" for unit in ("steps", "epochs") if unit in course]
    where = ", ".join([f"{run.labels.method(name)} was trained here on {pictures}", *long])
    scores = f"with the scores of {run.labels.dataset(rated)}" if rated else "without any score of quality"
    said = [f"{where}, {scores}.", *_held_out(run, name), *_risen(run, name), *_at_home(run, name)]
    yield " ".join(said)


def _held_out(run: Run, name: str) -> Iterator[str]:
    """Say how many pairs of levels are in order on pictures that were not learnt from."""
    validation = run.source(f"models/{name}/validation.csv")
    if validation.content is not None and len(validation.frame):
        share = float(validation.frame["all"].iloc[-1])
        yield f"Of two levels of one degradation it rates the milder better in {percent(share)} of the cases,"
        yield f"on {validated_on(run, name, validation.frame)}; a coin would in 50%."


def validated_on(run: Run, name: str, validation: pd.DataFrame) -> str:
    """Say which pictures a training was validated on, of the frame of ``validation.csv``."""
    most = (run.methods[name].train or {}).get("validate_on")
    left = int(validation.get("unchanged", pd.Series([0])).iloc[-1])
    without = f" ({left} that a degradation leaves as they are do not count for it)" if left else ""
    return f"{f'at most {most} ' if most else ''}pristine pictures that it did not learn from{without}"


def _risen(run: Run, name: str) -> Iterator[str]:
    """Compare with the same network before the training, where the run has it, data set by data set."""
    start = untrained_twin(run, run.methods[name])
    tests = run.source("results/tables/differences.csv")
    if start is None or tests.content is None:
        return
    frame = tests.frame[tests.frame["statistic"].eq("srcc")]
    for row in frame.to_dict("records"):
        if {row["method_a"], row["method_b"]} == {name, start}:
            sign = 1 if row["method_a"] == name else -1
            low, high = sorted((sign * row["low"], sign * row["high"]))
            sure = f"[{number(low)}, {number(high)}]" if decided(row) else f"({too_few(behind(row))})"
            change = number(sign * row["value"])
            change = f"+{change}" if sign * row["value"] > 0 and change[0].isdigit() else change
            p = row.get("p_holm", float("nan"))
            how = "(paired, Holm; the interval is not adjusted)"
            test = "" if pd.isna(p) else f", p = {p_value(p)} {how}".replace("= <", "< ")
            where = run.labels.dataset(row["dataset"])
            if run.methods[start].method == run.methods[name].method:
                yield f"On {where} training changed its SRCC by {change} {sure}{test}."
            else:  # what training did to a score of other prompts is another number
                yield f"On {where} its SRCC less that of {run.labels.method(start)}, the same network before"
                yield f"training but read by {run.methods[start].method}, is {change} {sure}{test}."
                yield from _before(run, name, row["dataset"])


def _before(run: Run, name: str, dataset: str) -> Iterator[str]:
    """Say the SRCC of the method before its training, where its ablation has a variant without one."""
    table = run.source("results/tables/ablation.csv")
    if (run.settings.get("ablation") or {}).get("method") != name or table.content is None:
        return
    keys = {"variant": UNTRAINED, "dataset": dataset, "statistic": "srcc"}
    for row in table.frame[(table.frame[[*keys]] == pd.Series(keys)).all(axis=1)].to_dict("records"):
        sure = f" [{number(row['low'])}, {number(row['high'])}]" if decided(row) else ""
        yield f"Before its training it has {number(row['value'])}{sure} there itself (page Ablations)."


def _at_home(run: Run, name: str) -> Iterator[str]:
    """Say where a method that learnt from degradations is tested on the same ones."""
    sets = [run.labels.dataset(dataset) for dataset in run.scored if dataset in run.labels.proxies]
    if sets and run.source(f"models/{name}/ladders.png").content is not None:
        yield f"The pictures of {' and '.join(sets)} are degraded by the types that it was trained on, which"
        yield "helps it against methods that never saw them."


def untrained_twin(run: Run, method: Trained) -> str | None:
    """Return the method of the run that is the network of a training before its first step, if one is."""
    course = {**(method.train or {}), "seed": method.seed}
    for name, other in run.methods.items():
        bare = "architecture" in other.load and not other.train and not other.load.get("weights")
        if bare and all(other.load.get(key) == course.get(key) for key in NETWORK):
            return name
    return None
