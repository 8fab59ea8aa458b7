"""Settings without what is not there, for stages that put together what many others have left.

The pipeline itself starts such a stage only when all before it have ended well, so that nothing is left out.
`iqa repro` starts it too where some could not: a table of the rest is better than none, and says so.
"""

from __future__ import annotations

import sys

from experiments import stage
from experiments.settings import Settings


def narrowed(settings: Settings) -> Settings:
    """Leave out data sets that are not prepared and methods that are not trained; standard error says which.

    Raises
    ------
    ValueError
        If no method, or no data set that is scored, is left.
    """
    sets = [name for name in settings.prepare.datasets if _prepared(name)]
    methods = {name: own for name, own in settings.methods.items() if _trained(name)}
    for kind, wanted, there, make in (
        ("data set", settings.prepare.datasets, sets, "prepare"),
        ("method", list(settings.methods), list(methods), "train"),
    ):
        for name in wanted:
            if name not in there:
                print(f"left out: {kind} {name} is not there; `dvc repro {make}@{name}`", file=sys.stderr)
    scored = _kept(settings.score.datasets, sets)
    if not scored or not methods:
        what = "data set is prepared" if methods else "method is trained"
        raise ValueError(f"no {what}; `iqa doctor` says how to bring them")
    changes = {
        "methods": methods,
        "score": {"datasets": scored},
        "cross_dataset": {
            "methods": _kept(settings.cross_dataset.methods, methods),
            "datasets": _kept(settings.cross_dataset.datasets, sets),
        },
        "gmad": {"datasets": _kept(settings.gmad.datasets, sets)},
        "gradcam": {
            "methods": _kept(settings.gradcam.methods, methods),
            "shuffled": _kept(settings.gradcam.shuffled, methods),
        },
        "robustness": {
            "features": _kept(settings.robustness.features, methods)
            if settings.robustness.manifold in sets
            else []
        },
        "ablation": {
            "datasets": _kept(settings.ablation.datasets, sets),
            "variants": [name for name in settings.ablation.variants if _ablated(name)],
            "seeds": [seed for seed in settings.ablation.seeds if _ablated(f"seed_{seed}")],
        },
    }
    return settings.model_copy(
        update={
            key: getattr(settings, key).model_copy(update=change) if key != "methods" else change
            for key, change in changes.items()
        }
    )


def scored_by(methods: list[str], dataset: str) -> list[str]:
    """Methods that have scored a data set; the others are said on standard error."""
    return [
        name
        for name in methods
        if _there(
            f"scores/{name}/{dataset}.csv", f"{name} has not scored {dataset}", f"score@{name}-{dataset}"
        )
    ]


def described_by(method: str, datasets: list[str]) -> list[str]:
    """Data sets whose features by a method are there; the others are said on standard error."""
    lacks = f"{method} has no features of"
    return [
        name
        for name in datasets
        if _there(f"features/{method}/{name}.npz", f"{lacks} {name}", f"features@{method}-{name}")
    ]


def compared_on(datasets: list[str], variants: list[str]) -> list[str]:
    """Data sets that all these variants have scored; what lacks is said on standard error."""
    return [
        dataset
        for dataset in datasets
        if all(
            _there(
                f"variants/{dataset}/{name}.csv",
                f"variant {name} has not scored {dataset}",
                f"variants@{dataset}",
            )
            for name in variants
        )
    ]


def _there(result: str, otherwise: str, made_by: str) -> bool:
    found = (stage.RESULTS / result).is_file()
    if not found:
        print(f"left out: {otherwise}; `dvc repro {made_by}`", file=sys.stderr)
    return found


def _kept(wanted: list[str], there: object) -> list[str]:
    return [name for name in wanted if name in there]  # type: ignore[operator]


def _prepared(name: str) -> bool:
    return (stage.DATA / name / "manifest.csv").is_file()


def _trained(name: str) -> bool:
    return (stage.MODELS / name / "method.json").is_file()


def _ablated(variant: str) -> bool:
    return (stage.RESULTS / "ablation" / variant / "method.json").is_file()
