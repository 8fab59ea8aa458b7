"""Agreement of one method with the opinions of a data set, kept cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.protocols import Resampling, by_distortion, ceilings, facts, structure, zero_shot
from benchmark.protocols.calibration import OnOneScale, pairs_by_gap, transferred
from benchmark.protocols.samples import join
from experiments.runs import results, stage
from experiments.runs.cells import Cells, Tables, code
from experiments.settings import Settings

CODE = __name__


def agreement(method: str, better: bool, data: results.Dataset, settings: Settings, cells: Cells) -> Tables:
    """Agreement of one method with the opinions of a data set: whole, by distortion and by structure."""
    name = data.root.name
    about = made_from({method: better}, data, settings)

    def make() -> Tables:
        frame, manifest = results.method_scores(method, name), rated(data, settings)
        each: dict[str, Any] = {
            "higher_is_better": better,
            **directions(data),
            "how": resampling_of(settings),
        }
        tables = {"zero_shot": zero_shot(frame, manifest, **each, mapping=settings.evaluate.mapping)}
        if manifest["distortion"].notna().any():
            tables["by_distortion"] = by_distortion(frame, manifest, **each)
        if manifest["mos"].notna().any():
            sizes = sizes_of(data, cells)
            known = frame[frame["image"].isin(sizes["image"])]
            tables["structure"] = structure(known, manifest, sizes, **each)
        if (scaled := on_one_scale(method, better, data, settings)) is not None:
            tables["gaps"] = pairs_by_gap(scaled)
        return tables

    return cells.tables(f"{name}/{method}", about, make)


def on_one_scale(method: str, better: bool, data: results.Dataset, settings: Settings) -> OnOneScale | None:
    """Scores of a method and opinions on [0, 1]; None where there are too few, or the range has no ends."""
    record = data.record
    frame = results.method_scores(method, data.root.name)
    samples = join({method: frame}, data.manifest, {method: better}, record.higher_is_better).rated()
    if len(samples.frame) < 2:
        return None
    return OnOneScale.of(samples, record.low, record.high, record.higher_is_better)


def calibration(
    method: str, better: bool, found: Mapping[str, list[pd.DataFrame]], settings: Settings, cells: Cells
) -> list[pd.DataFrame]:
    """Map a method's scores to opinions on each data set, and see how that map errs on the others."""
    whole = [frame for frame in found["zero_shot"] if frame["method"].iloc[0] == method]
    learnt = {frame["dataset"].iloc[0]: frame["overlap"].iloc[0] for frame in whole}
    sets = {name: results.dataset(name) for name in learnt}
    about = {name: made_from({method: better}, data, settings) for name, data in sets.items()}

    def make() -> Tables:
        scaled = {name: on_one_scale(method, better, data, settings) for name, data in sets.items()}
        known = {name: one for name, one in scaled.items() if one is not None}
        return {"maps": transferred(known, settings.evaluate.mapping)}

    table = cells.tables(f"calibration/{method}", about, make)["maps"]
    return [table.assign(method=method, overlap=table["test"].map(learnt))] if len(table) else []


def sizes_of(data: results.Dataset, cells: Cells) -> pd.DataFrame:
    """Size of each picture, in pixels and in bytes, from its header."""
    about = {"code": code(CODE), "of": stage.sha256(results.stated_in(data))}
    images = data.manifest["image"].tolist()
    return cells.tables(f"{data.root.name}.files", about, lambda: {"files": facts(data.root, images)})[
        "files"
    ]


def ceiling_of(data: results.Dataset, settings: Settings, cells: Cells) -> pd.DataFrame:
    """How well a perfect method would agree with the opinions of a data set; empty where nobody knows."""
    about = made_from({}, data, settings)

    def make() -> Tables:
        return {"ceiling": ceilings(rated(data, settings), **directions(data))}

    return cells.tables(f"{data.root.name}.ceiling", about, make)["ceiling"]


def rated(data: results.Dataset, settings: Settings) -> pd.DataFrame:
    """Manifest of a data set with the number of ratings behind each opinion, as the settings or it say."""
    return data.rated(settings.evaluate.ratings.get(data.root.name))


def made_from(direction: Mapping[str, bool], data: results.Dataset, settings: Settings) -> dict[str, Any]:
    """What tables of some methods on a data set rest on."""
    paths = [results.scores_of(method, data.root.name) for method in direction]
    return {
        "code": code(CODE),
        "of": [
            [method, better, stage.sha256([path])]
            for (method, better), path in zip(direction.items(), paths, strict=True)
        ],
        "dataset": stage.sha256(results.stated_in(data)),
        "how": [repr(resampling_of(settings)), settings.evaluate.mapping],
        "ratings": settings.evaluate.ratings.get(data.root.name),
    }


def resampling_of(settings: Settings) -> Resampling:
    """How the settings have intervals made."""
    asked = settings.evaluate
    return Resampling(asked.resamples, settings.seed, asked.interval)


def directions(data: results.Dataset) -> dict[str, Any]:
    """Whether more is better in the opinions of a data set, as the protocols ask for it."""
    return {"mos_higher_is_better": data.record.higher_is_better}
