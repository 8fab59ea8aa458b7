"""Names in ``params.yaml``: that they serve, and that what is used is declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import methods
from benchmark import naming
from experiments.settings.sections import Settings

#: What tables of gradCAM call their floors, beside a method's own name with `SHUFFLED` after it.
FLOORS = ("centre_prior", "random_map")
SHUFFLED = "_shuffled"


def unfit(settings: Settings) -> Iterator[str]:
    """Names that no folder or stage can have, and those that two would share."""
    named = {
        "prepare.datasets": list(settings.prepare.datasets),
        "methods": list(settings.methods),
        "ablation.variants": settings.ablation.variants,
    }
    for key, names in named.items():
        yield from (f"{key}: {name!r} {why}" for name in names if (why := naming.fault(name)))
        for one, other in naming.twins(names):
            how = "stands twice; leave one out" if one == other else f"and {one!r} differ in case; rename one"
            yield f"{key}: {other!r} {how}"
    for name in settings.methods:
        if name in FLOORS or name.endswith(SHUFFLED):
            yield f"methods: {name!r} is what gradCAM's tables call a floor; choose another name"
    for name in settings.ablation.variants:
        if re.fullmatch(r"seed_\d+", name):
            yield f"ablation.variants: {name!r} is what a further seed is called; choose another name"


def undeclared(settings: Settings) -> list[str]:
    """Names of data sets and methods that are used but not declared."""
    prepared, every = list(settings.prepare.datasets), list(settings.methods)
    probed = [name for name in every if settings.cross_dataset.takes(name)]
    used: dict[str, tuple[list[str], list[str]]] = {
        "train.dataset": ([settings.train.dataset], prepared),
        "train.rated": ([settings.train.rated], prepared),
        "score.datasets": (settings.score.datasets, prepared),
        "cross_dataset.methods": (settings.cross_dataset.methods or [], every),
        "cross_dataset.without": (settings.cross_dataset.without, every),
        "cross_dataset.datasets": (settings.cross_dataset.datasets, settings.score.datasets),
        "evaluate.ratings": (list(settings.evaluate.ratings), settings.score.datasets),
        "sweep.methods": (settings.sweep.methods or [], every),
        "sweep.dataset": ([settings.sweep.dataset], prepared),
        "robustness.methods": (settings.robustness.methods or [], every),
        "robustness.dataset": ([settings.robustness.dataset], settings.score.datasets),
        "robustness.manifold": ([settings.robustness.manifold], settings.cross_dataset.datasets),
        "robustness.features": (settings.robustness.features or [], probed),
        "gmad.answers": (list(settings.gmad.answers), settings.gmad.datasets),
        "gmad.datasets": (settings.gmad.datasets, settings.score.datasets),
        "gradcam.dataset": ([settings.gradcam.dataset], prepared),
        "gradcam.methods": (settings.gradcam.methods or [], every),
        "gradcam.shuffled": (settings.gradcam.shuffled, settings.gradcam.methods or every),
        "ablation.method": ([settings.ablation.method], every),
        "ablation.datasets": (settings.ablation.datasets, prepared),
        "methods": ([own.module for own in settings.methods.values()], methods.names()),
    }
    problems = [
        f"{key}: {name!r} is not declared; {naming.hint(name, known)}"
        for key, (names, known) in used.items()
        for name in names
        if name not in known
    ]
    problems += [
        f"{key}: {name!r} stands twice; leave one out"
        for key, (names, _) in used.items()
        for place, name in enumerate(names)
        if key != "methods" and name in names[:place]  # two rows may show one method
    ]
    listed: dict[str, list[Any]] = {
        "sweep.kinds": [] if settings.sweep.kinds == "all" else list(settings.sweep.kinds),
        "robustness.kinds": settings.robustness.kinds,
        "gradcam.kinds": settings.gradcam.kinds,
        "gradcam.levels": settings.gradcam.levels,
        "report.pages": settings.report.pages,
    }
    problems += [
        f"{key}: {name!r} stands twice; leave one out"
        for key, names in listed.items()
        for place, name in enumerate(names)
        if name in names[:place]
    ]
    problems += [
        f"cross_dataset.without: {name!r} stands in cross_dataset.methods too; leave one out"
        for name in settings.cross_dataset.without
        if name in (settings.cross_dataset.methods or ())
    ]
    return problems
