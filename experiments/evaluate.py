"""Stage ``evaluate``: agreement of every method with the scores of every data set, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd

from benchmark import published
from benchmark.protocols import (
    Resampling,
    across_sets,
    by_distortion,
    differences,
    discrimination,
    facts,
    learnt_opinions,
    named_in,
    shared,
    structure,
    wins,
    zero_shot,
)
from experiments import present, results, signing, stage
from experiments.settings import Settings

KEYS = ["method", "dataset"]
PAIR = ["dataset", "method_a", "method_b"]
TESTS = ["method_a", "method_b", "median_difference", "n", "p", "p_holm", "smallest_p", "p_nemenyi"]
RANKS = ["method", "mean_rank", "n", "p", "critical_difference", "power", "left_out"]


def evaluate() -> None:
    """Write every table of agreement (``dvc.yaml`` lists them)."""
    settings = present.narrowed(stage.start(torch=False))
    about = results.abouts(settings.methods)
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in KEYS_OF}
    for dataset in settings.score.datasets:
        for name, tables in _one_set(dataset, about, settings).items():
            found[name] += tables
    for name, tables in found.items():
        signing.write_tidy(tables, KEYS_OF[name], stage.TABLES / f"{name}.csv", about=about)
    stage.write_csv(published.of(settings.score.datasets), stage.TABLES / "published.csv")
    whole = pd.concat(found["zero_shot"], ignore_index=True)
    stage.write_json(metrics(whole), stage.RESULTS / "metrics.json")
    _across(whole, pd.concat(found["differences"], ignore_index=True) if found["differences"] else None)


def metrics(whole: pd.DataFrame) -> dict[str, dict[str, dict[str, float | None]]]:
    """Return SRCC and PLCC by data set and method, which ``dvc metrics show`` and ``dvc exp show`` print."""
    rows = whole[whole["statistic"].isin(["srcc", "plcc"])]
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for dataset, method, name, value in rows[[*reversed(KEYS), "statistic", "value"]].itertuples(index=False):
        shown = None if pd.isna(value) else round(value, 4)  # JSON knows no NaN
        found.setdefault(dataset, {}).setdefault(method, {})[name] = shown
    return found


KEYS_OF = {
    "zero_shot": KEYS,
    "by_distortion": [*KEYS, "distortion"],
    "structure": KEYS,
    "differences": PAIR,
    "discrimination": KEYS,
    "discrimination_differences": PAIR,
}


def _one_set(
    dataset: str, about: Mapping[str, dict[str, Any]], settings: Settings
) -> dict[str, list[pd.DataFrame]]:
    """Every table of one data set, by the name of its file; without what this data set cannot give."""
    own, data = settings.evaluate, results.pictured(dataset, settings.prepare)
    manifest = data.manifest
    how = Resampling(own.resamples, settings.seed, own.interval)
    common: dict[str, Any] = {"mos_higher_is_better": data.record.higher_is_better}
    direction = {name: bool(one["higher_is_better"]) for name, one in about.items()}
    frames = {name: results.method_scores(name, dataset) for name in present.scored_by(list(about), dataset)}
    overlaps = {name: leak(about[name], data, settings.train.dataset) for name in frames}
    files = facts(data.root, manifest["image"].tolist())
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in KEYS_OF}
    for name, frame in frames.items():
        each = {"higher_is_better": direction[name], **common, "how": how}
        keys = {"method": name, "dataset": dataset}
        whole = zero_shot(frame, manifest, **each, mapping=own.mapping).assign(**keys)
        found["zero_shot"].append(_compared(whole, about[name], overlaps[name]))
        if manifest["distortion"].notna().any():
            part = by_distortion(frame, manifest, **each).assign(**keys)
            found["by_distortion"].append(part.assign(overlap=overlaps[name]))
        if manifest["mos"].notna().any():
            known = frame[frame["image"].isin(files["image"])]
            found["structure"].append(structure(known, manifest, files, **each).assign(**keys))
    # A method that scored nothing would leave no image that all have scored.
    frames = {name: frame for name, frame in frames.items() if frame["score"].notna().any()}
    direction = {name: direction[name] for name in frames}
    if len(frames) > 1:
        pairs = differences(frames, manifest, higher_is_better=direction, **common, how=how)
        found["differences"].append(pairs.assign(dataset=dataset))
    if frames and manifest["mos_std"].notna().any():
        ratings = own.ratings.get(dataset, 1)
        tables = discrimination(frames, manifest, higher_is_better=direction, **common, ratings=ratings)
        areas, tested = (table.assign(dataset=dataset) for table in tables)
        found["discrimination"].append(areas.assign(overlap=areas["method"].map(overlaps)))
        found["discrimination_differences"].append(tested)
    return found


def _compared(table: pd.DataFrame, about: dict[str, Any], overlap: bool | str) -> pd.DataFrame:
    """Add the published figure, and whether the method has learnt from these pictures."""
    table = published.attach(table, method=results.published_as(about), opinions_of=opinions_of(about))
    return table.assign(overlap=overlap)


def opinions_of(about: dict[str, Any]) -> str:
    """Return the data sets whose opinions a method learnt, here or before it was published; or ""."""
    return " ".join(dict.fromkeys(f"{about['rated']} {about['card'].get('opinions_of', '')}".split()))


def leak(about: dict[str, Any], data: results.Dataset, pristine: str) -> bool | Literal["unknown"]:
    """Whether a method has learnt from the pictures of a data set, or their opinions.

    Parameters
    ----------
    about
        Its ``method.json``.
    data
        What it is tested on.
    pristine
        Name of the data set of pictures that methods learn from here.
    """
    card = about["card"]
    learnt = learnt_opinions(opinions_of(about), bool(card.get("opinion_aware")), data.record.name)
    by_people = data.record.rated_by == "people"
    if learnt is True or (by_people and named_in(card["training_data"], data.record.title)):
        return True
    if about["weights_sha256"]:  # something was learnt here
        train = results.dataset(pristine)
        files = results.digests(train, results.split(train))
        if about["rated"]:
            files |= results.digests(results.dataset(about["rated"]))
        if shared(files, results.digests(data)) > 0:
            return True
    return learnt if by_people else False


def _across(whole: pd.DataFrame, pairs: pd.DataFrame | None) -> None:
    """Write ``wins.csv`` and, over data sets, ``across_sets.csv`` and ``mean_ranks.csv``.

    A method is compared on no data set that it has learnt from, or may have: what is unknown is not fair.
    """
    learnt_there = whole["overlap"].astype(str).ne("False")
    counted = pd.DataFrame(columns=["method_a", "method_b", "wins", "ties", "losses"])
    if pairs is not None:
        learnt = set(zip(whole["method"][learnt_there], whole["dataset"][learnt_there], strict=True))
        kept = [
            not {(row["method_a"], row["dataset"]), (row["method_b"], row["dataset"])} & learnt
            for row in pairs.to_dict("records")
        ]
        counted = wins(pairs[kept])
    stage.write_csv(counted, stage.TABLES / "wins.csv")
    fair = whole[~learnt_there]
    rated = fair[fair["statistic"].eq("srcc")]
    tests, ranks = pd.DataFrame(columns=TESTS), pd.DataFrame(columns=RANKS)
    if min(len(rated["dataset"].unique()), len(rated["method"].unique())) > 1:
        tests, mean = across_sets(fair)
        pairs_of = zip(tests["method_a"], tests["method_b"], strict=True)
        tests["p_nemenyi"] = [mean.nemenyi.loc[a, b] for a, b in pairs_of]
        ranks = mean.ranks.rename("mean_rank").rename_axis("method").reset_index()
        ranks = ranks.assign(n=mean.n, p=mean.p, critical_difference=mean.critical_difference)
        ranks = ranks.assign(power=mean.power, left_out=" ".join(mean.left_out))
    stage.write_csv(tests[TESTS], stage.TABLES / "across_sets.csv")
    stage.write_csv(ranks[RANKS], stage.TABLES / "mean_ranks.csv")


if __name__ == "__main__":
    stage.run(evaluate)
