"""Stage ``evaluate``: agreement of every method with the scores of every data set, with intervals."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from benchmark import files
from benchmark.method import Trained
from benchmark.protocols.paired import resolvable_of
from benchmark.protocols.zero_shot import as_setting
from benchmark.provenance import published
from experiments import process
from experiments.analyses import over_sets
from experiments.analyses.agreement import agreement, calibration, ceiling_of
from experiments.analyses.compared import pairs_of
from experiments.analyses.leaks import Digests, leak, opinions_of
from experiments.analyses.over_sets import OneSet
from experiments.runs import available, results, signatures, stage
from experiments.runs.cells import Cells
from experiments.settings import Settings

KEYS = ["method", "dataset"]
PAIR = ["dataset", "method_a", "method_b"]
KEYS_OF = {
    "zero_shot": KEYS,
    "by_distortion": [*KEYS, "distortion"],
    "structure": KEYS,
    "differences": PAIR,
    "ranks": KEYS,
    "resolvable": ["dataset"],
    "ceiling": ["dataset"],
    "pairs_by_gap": [*KEYS, "gap"],
    "calibration": ["method", "train", "test"],
    "discrimination": KEYS,
    "discrimination_differences": PAIR,
}


def evaluate() -> None:
    """Write every table of agreement (``dvc.yaml`` lists them)."""
    settings = available.narrowed(stage.start(torch=False))
    methods = results.methods(settings.methods)
    frames: dict[str, list[pd.DataFrame]] = {name: [] for name in KEYS_OF}
    cells, digests = Cells(stage.RESULTS / "agreement"), Digests()
    joint_of: dict[str, OneSet] = {}
    for dataset in settings.score.datasets:
        tables, together = _one_set(dataset, methods, settings, cells, digests)
        if together is not None:
            joint_of[dataset] = together
        for name, parts in tables.items():
            frames[name] += parts
    for name, one in methods.items():
        frames["calibration"] += calibration(name, one.higher_is_better, frames, settings, cells)
    cells.close()
    for name, parts in frames.items():
        signatures.write_tidy(parts, KEYS_OF[name], stage.TABLES / f"{name}.csv", methods=methods)
    files.write_csv(published.of(settings.score.datasets), stage.TABLES / "published.csv")
    whole = pd.concat(frames["zero_shot"], ignore_index=True)
    files.write_json(metrics(whole, settings.ablation.method), stage.RESULTS / "metrics.json")
    pairs = pd.concat(frames["differences"], ignore_index=True) if frames["differences"] else None
    over_sets.write(whole, pairs, joint_of, settings.seed)


def metrics(whole: pd.DataFrame, method: str) -> dict[str, dict[str, float | None]]:
    """Return the SRCC of one method by data set: what ``dvc metrics show`` and ``dvc exp show`` print.

    DVC shows a column for each, so all methods are left to the tables.
    """
    rows = whole[whole["statistic"].eq("srcc") & whole["method"].eq(method)]
    values = zip(rows["dataset"], rows["value"], strict=True)
    return {"srcc": {name: None if pd.isna(v) else round(v, 4) for name, v in values}}  # JSON knows no NaN


def _one_set(
    dataset: str,
    methods: Mapping[str, Trained],
    settings: Settings,
    cells: Cells,
    digests: Digests,
) -> tuple[dict[str, list[pd.DataFrame]], OneSet | None]:
    """Every table of one data set, by the name of its file, and what is compared over data sets.

    Without what this data set cannot give.
    """
    data = results.pictured(dataset, settings.prepare)
    names = available.scored_by(list(methods), dataset)
    overlaps = {name: leak(methods[name], data, settings.train.dataset, digests) for name in names}
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in KEYS_OF}
    for name in names:
        better = methods[name].higher_is_better
        single = agreement(name, better, data, settings, cells)
        keys = {"method": name, "dataset": dataset}
        tables["zero_shot"].append(
            _compared(single["zero_shot"].assign(**keys), methods[name], overlaps[name])
        )
        if "by_distortion" in single:
            tables["by_distortion"].append(single["by_distortion"].assign(**keys, overlap=overlaps[name]))
        if "structure" in single:
            tables["structure"].append(single["structure"].assign(**keys))
        if "gaps" in single:
            tables["pairs_by_gap"].append(single["gaps"].assign(**keys, overlap=overlaps[name]))
    ceiling = ceiling_of(data, settings, cells)
    if len(ceiling):
        tables["ceiling"].append(ceiling.assign(dataset=dataset))
    direction = {name: methods[name].higher_is_better for name in names}
    pairs = pairs_of(direction, data, settings, cells)
    together = None
    if "differences" in pairs:
        tables["differences"].append(pairs["differences"].assign(dataset=dataset))
        tables["resolvable"].append(resolvable_of(pairs["differences"]).assign(dataset=dataset))
        if "draws" in pairs:
            fair = tuple(name for name, overlap in overlaps.items() if overlap is False)
            one = pairs["joint"].iloc[0]
            value = pairs["values"].set_index("method")["value"]
            about_set = (int(one["n"]), int(one["units"]), str(one["protocol"]), fair)
            together = OneSet(value, pairs["draws"], *about_set)
            tables["ranks"].append(together.ranks(pairs["differences"]).assign(dataset=dataset))
    if "areas" in pairs:
        areas = pairs["areas"].assign(dataset=dataset)
        tables["discrimination"].append(areas.assign(overlap=areas["method"].map(overlaps)))
        tables["discrimination_differences"].append(pairs["tested"].assign(dataset=dataset))
    return tables, together


def _compared(table: pd.DataFrame, method: Trained, overlap: bool | str) -> pd.DataFrame:
    """Add the published figure, and whether the method has learnt from these pictures, in words too."""
    table = as_setting(table, method.card.setting(overlap))
    table = published.attach(table, method=method.published_as, opinions_of=opinions_of(method))
    return table.assign(overlap=overlap)


if __name__ == "__main__":
    process.run(evaluate)
