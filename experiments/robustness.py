"""Stage ``robustness``: harmless changes, damage beyond training, and what features hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmark.datasets.prepared import Pictures
from benchmark.degradations import GROUPS
from benchmark.method import Method
from benchmark.robustness import FURTHER, UNSEEN, long_ladder, manifold, sensitivity, sweep, unseen_ladder
from benchmark.robustness import waterloo as waterloo_tests
from experiments import present, results, signing, stage
from experiments.scoring_run import Placed
from experiments.settings import Settings
from experiments.trained import load_trained

ORDER = ["method", "group", "distortion"]

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


def robustness() -> None:
    """Write the tables of the studies and ``robustness/manifold.csv``."""
    settings = present.narrowed(stage.start())
    own = settings.robustness
    data = results.pictured(own.dataset, settings.prepare)
    loaded: list[Method] = [Placed(load_trained(name)) for name in settings.methods]
    write_further(loaded, data, settings)
    pictures = Pictures(data, spread(data, own.images))
    tables = [
        sensitivity(one, pictures, resamples=settings.evaluate.resamples, seed=settings.seed)
        for one in loaded
    ]
    made = signature(settings)
    signing.write_tidy(tables, ["method", "change"], stage.TABLES / "sensitivity.csv", **made)
    signing.write_tidy(waterloo(data, settings), ["method", "dataset"], stage.TABLES / "waterloo.csv", **made)
    write_manifold(settings)


def write_further(loaded: list[Method], data: results.Dataset, settings: Settings) -> None:
    """Write ``further.csv`` and ``further_order.csv``: levels beyond the fifth, and unseen kinds."""
    own = settings.robustness
    references = results.pristine(data, own.references)
    asked = {group: [kind for kind in kinds if kind in own.kinds] for group, kinds in FURTHER.items()}
    beyond = {group: kinds for group, kinds in asked.items() if kinds}
    rounds = []
    if beyond:
        how: dict[str, Any] = {"levels": own.levels, "ladder": long_ladder}
        rounds.append(sweep(loaded, references, beyond, seed=settings.seed, **how))
    unseen = {"unseen": list(UNSEEN)}
    rounds.append(sweep(loaded, references, unseen, seed=settings.seed, ladder=unseen_ladder))
    curves, orders = zip(*rounds, strict=True)
    made = signature(settings)
    signing.write_tidy(curves, [*ORDER, "level"], stage.TABLES / "further.csv", **made)
    signing.write_tidy(orders, ORDER, stage.TABLES / "further_order.csv", **made)


def signature(settings: Settings) -> dict[str, Any]:
    """What made the tables of this stage."""
    return {"about": results.abouts(settings.methods), "dataset": settings.robustness.dataset}


def spread(data: results.Dataset, count: int) -> list[str]:
    """Pictures from the lowest opinion to the highest, or spread over the manifest where there is none."""
    rows = data.manifest
    if rows["mos"].notna().any():
        rows = rows.dropna(subset="mos").sort_values("mos", kind="stable")
    places = np.unique(np.linspace(0, len(rows) - 1, count).round().astype(int))
    return list(rows["image"].iloc[places])


def waterloo(data: results.Dataset, settings: Settings) -> list[pd.DataFrame]:
    """D, L and P test of every method; none where the data set has no pristine pictures or no levels."""
    name, rows = settings.robustness.dataset, data.manifest
    if not ((rows["level"] == 0).any() and (rows["level"] > 0).any()):
        print(f"{name}: the D, L and P tests need pristine and degraded pictures; left out")
        return []
    worth = rows.set_index("image")["mos"].dropna()
    turned = worth if data.record.higher_is_better else -worth
    ranks = (turned.rank() - 1) * 100 / max(len(turned) - 1, 1)
    judges = ranks.to_frame("opinion") if len(ranks) > 1 else None
    found = []
    there = present.scored_by(list(settings.methods), name)
    for method, better in results.higher_is_better(there).items():
        scores = results.method_scores(method, name).set_index("image")["score"].dropna()
        frame = rows[rows["image"].isin(scores.index)][["image", "reference", "distortion", "level"]]
        frame = frame.assign(score=frame["image"].map(scores if better else -scores))
        seen = None if judges is None else judges[judges.index.isin(frame["image"])]
        found.append(waterloo_tests(frame, seen, method=method, dataset=name, seed=settings.seed))
    return found


def groups(kinds: pd.Series, levels: pd.Series) -> pd.Series:
    """Group of each picture's kind of distortion; a kind of no known group is one of its own."""
    known = {kind: group for group, members in (*GROUPS.items(), *KADID.items()) for kind in members}
    named = kinds.map(known).fillna(kinds)
    return named.where(kinds.notna() & levels.ne(0), "pristine")


def write_manifold(settings: Settings) -> None:
    """Write ``retrieval.csv`` and ``robustness/manifold.csv``; empty where the data set has no references."""
    name, methods = settings.robustness.manifold, settings.robustness.features
    methods = [method for method in methods if present.described_by(method, [name])]
    manifest = results.dataset(name).manifest if methods else pd.DataFrame({"reference": []})
    places, tables = [], []
    contents = manifest["reference"].dropna().unique()
    for method in methods if len(contents) > 1 else ():
        with np.load(stage.RESULTS / "features" / method / f"{name}.npz") as file:
            # One place a picture: the mean over its crops.
            crops = pd.DataFrame(file["features"]).groupby(file["image"].astype(str), sort=False).mean()
        known, vectors = pd.DataFrame({"image": crops.index}), crops.to_numpy(np.float32)
        frame = known.merge(manifest, on="image", how="left", validate="one_to_one")
        place, table = manifold(vectors, frame, method=method, dataset=name, seed=settings.seed)
        place["group"] = groups(place["distortion"], place["level"])
        places.append(place.assign(method=method, dataset=name))
        tables.append(table)
    columns = ["method", "dataset", "image", "group", "distortion", "level", "x", "y"]
    layout = pd.concat(places, ignore_index=True)[columns] if places else pd.DataFrame(columns=columns)
    stage.write_csv(layout, stage.RESULTS / "robustness" / "manifold.csv")
    keys = ["method", "dataset", "distortion"]
    signing.write_tidy(
        tables, keys, stage.TABLES / "retrieval.csv", **{**signature(settings), "dataset": name}
    )


if __name__ == "__main__":
    stage.run(robustness)
