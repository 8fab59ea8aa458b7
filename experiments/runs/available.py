"""Settings without what is not there, for stages that put together what many others have left.

The pipeline itself starts such a stage only when all before it have ended well, so that nothing is left out.
`iqa repro` starts it too where some could not: a table of the rest is better than none, and says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence

from benchmark.datasets.prepared.manifest import has_parts
from benchmark.datasets.prepared.record import read_record
from experiments.runs import results, stage
from experiments.settings import Settings


def all_of(works: Sequence[Callable[[], None]]) -> list[str]:
    """Do one work after the other; what is wrong with one does not stop the rest, and is returned."""
    faults = []
    for work in works:
        try:
            work()
        except (ValueError, FileNotFoundError) as error:
            faults.append(str(error))
    return faults


def narrowed(settings: Settings, method: str = "") -> Settings:
    """Leave out data sets that are not prepared and methods that are not trained; standard error says which.

    With ``method`` all other methods are left out without a word: the stage is about that one.

    Raises
    ------
    ValueError
        If no method, or no data set that is scored, is left.
    """
    sets = [name for name in settings.prepare.datasets if results.is_prepared(name)]
    asked = {name: own for name, own in settings.methods.items() if method in ("", name)}
    methods = {name: own for name, own in asked.items() if _trained(name)}
    for kind, wanted, there, make in (
        ("data set", list(settings.prepare.datasets), sets, "prepare"),
        ("method", list(asked), list(methods), "train"),
    ):
        for name in wanted:
            if name not in there:
                print(f"left out: {kind} {name} is not there; `dvc repro {make}@{name}`", file=sys.stderr)
    scored = _kept(settings.score.datasets, sets)
    if not scored or not methods:
        what = "data set is prepared" if methods else "method is trained"
        raise ValueError(f"no {what}; `iqa doctor` says how to bring them")
    whole = _comparable(sets, settings)
    probed, shown = settings.cross_dataset, settings.gradcam
    changes = {
        "methods": methods,
        "score": {"datasets": scored},
        "cross_dataset": {
            "methods": _kept(probed.methods, methods),
            "datasets": _kept(probed.datasets, whole),
        },
        "gmad": {"datasets": _kept(settings.gmad.datasets, whole)},
        "gradcam": {"methods": _kept(shown.methods, methods), "shuffled": _kept(shown.shuffled, methods)},
        "robustness": {
            "features": _kept(settings.robustness.features, methods)
            if settings.robustness.manifold in sets
            else []
        },
        "ablation": {
            "datasets": _kept(settings.ablation.datasets, whole),
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


def _comparable(sets: Sequence[str], settings: Settings) -> list[str]:
    """Data sets without those whose opinions hold within a reference alone; standard error says of which."""
    records = {name: stage.DATA / name / "record.json" for name in sets}
    apart = [name for name, path in records.items() if path.is_file() and read_record(path).within]
    asked = {
        "cross_dataset": settings.cross_dataset.datasets,
        "gmad": settings.gmad.datasets,
        "ablation": settings.ablation.datasets,
    }
    for name in apart:
        if studies := [study for study, names in asked.items() if name in names]:
            print(
                f"left out of {', '.join(studies)}: {name}, whose opinions hold within a reference alone",
                file=sys.stderr,
            )
    return [name for name in sets if name not in apart]


def scored_by(methods: list[str], dataset: str) -> list[str]:
    """Methods that have scored a data set; the others are said on standard error."""
    return [
        name
        for name in methods
        if _there(f"scores/{name}/{dataset}.csv", f"{name} has not scored {dataset}", f"score@{name}")
    ]


def studied(method: str, there: bool, study: str) -> bool:
    """Whether a study of a method is there; what lacks is said on standard error."""
    if not there:
        print(f"left out: {method} has no {study}; `dvc repro study@{method}`", file=sys.stderr)
    return there


def described_by(method: str, datasets: Sequence[str]) -> list[str]:
    """Data sets whose features by a method are there; the others are said on standard error.

    A method that has no features takes no part, which is no fault.
    """
    if (stage.RESULTS / "features" / method / results.NO_FEATURES).is_file():
        return []
    lacks = f"{method} has no features of"
    return [
        name
        for name in datasets
        if _there(f"features/{method}/{name}.npz", f"{lacks} {name}", f"score@{method}")
    ]


def with_official_split(datasets: Sequence[str]) -> list[str]:
    """Data sets without those that are tested on their official split alone and lack it, which is said."""
    kept = []
    for name in datasets:
        data = results.dataset(name)
        if data.record.official_split and not has_parts(data.manifest["split"]):
            print(
                f"left out: {name} is tested on its official split, and it is not in data/{name}; "
                f"`iqa verify {name}` says which file would tell it",
                file=sys.stderr,
            )
        else:
            kept.append(name)
    return kept


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


def _kept(wanted: Sequence[str] | None, there: Collection[str]) -> list[str] | None:
    """Those that are there; all where nothing narrows them."""
    return None if wanted is None else [name for name in wanted if name in there]


def _trained(name: str) -> bool:
    return (stage.MODELS / name / "method.json").is_file()


def _ablated(variant: str) -> bool:
    return (stage.RESULTS / "ablation" / variant / "method.json").is_file()
