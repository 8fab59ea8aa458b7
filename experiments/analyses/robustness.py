"""Harmless changes, damage beyond training, the Waterloo tests, and what features hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.datasets.prepared import Pictures
from benchmark.degradations import GROUPS
from benchmark.robustness import FURTHER, UNSEEN, long_ladder, manifold, sensitivity, sweep, unseen_ladder
from benchmark.robustness import waterloo as waterloo_tests
from experiments.analyses.subject import Subject, references_of
from experiments.runs import available, results, stage
from experiments.runs.cells import Cells, code
from experiments.settings import Settings

#: The seven groups of KADID-10k (Lin, Hosu and Saupe, QoMEX 2019), by the names of ours.
KADID = {
    "blur": ("gaussian_blur", "lens_blur", "motion_blur"),
    "color_distortion": (
        *("color_diffusion", "color_shift", "color_quantization"),
        *("color_saturation_1", "color_saturation_2"),
    ),
    "jpeg": ("jpeg2000", "jpeg"),
    "noise": (
        *("white_noise", "white_noise_color_component", "impulse_noise"),
        *("multiplicative_noise", "denoise"),
    ),
    "brightness_change": ("brighten", "darken", "mean_shift"),
    "spatial_distortion": ("jitter", "non_eccentricity_patch", "pixelate", "quantization", "color_block"),
    "sharpness_contrast": ("high_sharpen", "contrast_change"),
}


def sensitivities(subject: Subject) -> None:
    """Measure what harmless changes do to scores: cell ``sensitivity``; see `sweep.curves` on endpoints."""
    settings, asked = subject.settings, subject.settings.robustness
    if asked.methods is not None and subject.name not in asked.methods:
        return
    data = results.pictured(asked.dataset, settings.prepare)
    pictures = Pictures(data, spread(data, asked.images))
    resamples = settings.evaluate.resamples
    named = asked.methods is not None
    about = subject.made_from("robustness", pictures, resamples=resamples, named=named)
    options: dict[str, Any] = {
        "resamples": resamples,
        "seed": settings.seed,
        "groups": references_of(pictures),
    }

    def make() -> dict[str, pd.DataFrame]:
        if not subject.asked("sensitivity", asked.methods):
            return {}
        return {"changes": sensitivity(subject.placed, pictures, **options)}

    subject.cells.tables("sensitivity", about, make)


def further(subject: Subject) -> None:
    """Score levels beyond the fifth, and unseen kinds: cell ``further``, tables ``curves`` and ``orders``."""
    settings, wanted = subject.settings, subject.settings.robustness
    if wanted.methods is not None and subject.name not in wanted.methods:
        return
    references = results.pristine(results.pictured(wanted.dataset, settings.prepare), wanted.references)
    asked = {group: [kind for kind in kinds if kind in wanted.kinds] for group, kinds in FURTHER.items()}
    beyond = {group: kinds for group, kinds in asked.items() if kinds}
    how: dict[str, Any] = {"levels": wanted.levels, "named": wanted.methods is not None}
    about = subject.made_from("robustness", references, kinds=beyond, **how)

    def make() -> dict[str, pd.DataFrame]:
        if not subject.asked("further", wanted.methods):
            return {}
        rounds, one = [], subject.placed
        same: dict[str, Any] = {"seed": settings.seed, "groups": references_of(references)}
        if beyond:
            options: dict[str, Any] = {"levels": wanted.levels, "ladder": long_ladder}
            rounds.append(sweep(one, references, beyond, **same, **options))
        unseen = {"unseen": list(UNSEEN)}
        rounds.append(sweep(one, references, unseen, **same, ladder=unseen_ladder))
        curves, orders = (pd.concat(tables, ignore_index=True) for tables in zip(*rounds, strict=True))
        return {"curves": curves, "orders": orders}

    subject.cells.tables("further", about, make)


def spread(data: results.Dataset, count: int) -> list[str]:
    """Pictures from the lowest opinion to the highest, or spread over the manifest where there is none."""
    rows = data.manifest
    if rows["mos"].notna().any():
        rows = rows.dropna(subset="mos").sort_values("mos", kind="stable")
    places = np.unique(np.linspace(0, len(rows) - 1, count).round().astype(int))
    return list(rows["image"].iloc[places])


def waterloo(settings: Settings, cells: Cells) -> list[pd.DataFrame]:
    """D, L and P test of every method; none where the data set has no pristine pictures or no levels."""
    name = settings.robustness.dataset
    data = results.dataset(name)
    rows = data.manifest
    steps = rows[rows["level"] > 0].groupby(["reference", "distortion"])["level"].nunique()
    if not (rows["level"] == 0).any() or steps.empty or steps.max() < 2:
        print(f"{name}: the D, L and P tests need pristine and degraded pictures at two levels; left out")
        return []
    worth = rows.set_index("image")["mos"].dropna()
    turned = worth if data.record.higher_is_better else -worth
    ranks = (turned.rank() - 1) * 100 / max(len(turned) - 1, 1)
    judges = ranks.to_frame("opinion") if len(ranks) > 1 else None
    tables = []
    scored = available.scored_by(list(settings.methods), name)
    for method, better in results.higher_is_better(scored).items():
        path = results.scores_of(method, name)
        about = made_from(settings, path, data, better=better, resamples=settings.evaluate.resamples)

        def make(method: str = method, better: bool = better) -> dict[str, pd.DataFrame]:
            scores = results.method_scores(method, name).set_index("image")["score"].dropna()
            frame = rows[rows["image"].isin(scores.index)][["image", "reference", "distortion", "level"]]
            frame = frame.assign(score=frame["image"].map(scores if better else -scores))
            seen = None if judges is None else judges[judges.index.isin(frame["image"])]
            how: dict[str, Any] = {"resamples": settings.evaluate.resamples, "seed": settings.seed}
            return {"tests": waterloo_tests(frame, seen, method=method, dataset=name, **how)}

        tables.append(cells.tables(f"waterloo-{method}", about, make)["tests"])
    return tables


def made_from(settings: Settings, path: Path, data: results.Dataset, **more: Any) -> dict[str, Any]:
    """What a result rests on that comes of a file of scores or features and the opinions of its data set."""
    return {
        "code": code("experiments.analyses.robustness"),
        "seed": settings.seed,
        "of": stage.sha256([path, *results.stated_in(data)]),
        **more,
    }


def groups(kinds: pd.Series, levels: pd.Series) -> pd.Series:
    """Group of each picture's kind of distortion; a kind of no known group is one of its own."""
    known = {kind: group for group, members in (*GROUPS.items(), *KADID.items()) for kind in members}
    named = kinds.map(known).fillna(kinds)
    return named.where(kinds.notna() & levels.ne(0), "pristine")


def layouts(settings: Settings, cells: Cells) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Places of pictures by the features of each method, and what is found by them.

    Empty where the data set has no references.

    Raises
    ------
    ValueError
        If the settings name a method that has no features.
    """
    name, named = settings.robustness.manifold, settings.robustness.features
    probed = [name for name in settings.methods if settings.cross_dataset.takes(name)]
    methods = probed if named is None else named
    for method in named or ():
        if (stage.RESULTS / "features" / method / results.NO_FEATURES).is_file():
            raise ValueError(f"robustness.features: {method!r} has no features(); remove it from the list")
    methods = [method for method in methods if available.described_by(method, [name])]
    data = results.dataset(name) if methods else None
    contents = data.manifest["reference"].dropna().unique() if data else ()
    places, tables = [], []
    for method in methods if len(contents) > 1 else ():
        assert data is not None  # there are methods
        path = results.features_of(method, name)

        def make(method: str = method, path: Path = path) -> dict[str, pd.DataFrame]:
            return _layout(method, path, data, settings.seed)

        kept = cells.tables(f"manifold-{method}", made_from(settings, path, data), make)
        places.append(kept["places"])
        tables.append(kept["retrieval"])
    columns = ["method", "dataset", "image", "group", "distortion", "level", "x", "y"]
    layout = pd.concat(places, ignore_index=True)[columns] if places else pd.DataFrame(columns=columns)
    return layout, tables


def _layout(method: str, path: Path, data: results.Dataset, seed: int) -> dict[str, pd.DataFrame]:
    name = data.root.name
    with np.load(path) as file:
        # One place a picture: the mean over its crops.
        crops = pd.DataFrame(file["features"]).groupby(file["image"].astype(str), sort=False).mean()
    known, vectors = pd.DataFrame({"image": crops.index}), crops.to_numpy(np.float32)
    frame = known.merge(data.manifest, on="image", how="left", validate="one_to_one")
    place, table = manifold(vectors, frame, method=method, dataset=name, seed=seed)
    place["group"] = groups(place["distortion"], place["level"])
    return {"places": place.assign(method=method, dataset=name), "retrieval": table}
