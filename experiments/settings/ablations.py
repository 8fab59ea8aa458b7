"""Which ablation a run is: its settings against those of its profile and of ``experiments/ablation/``."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from benchmark import files, naming
from experiments.settings import BASE, Settings, parse
from experiments.settings.compose import profile_settings

VARIANTS = Path("experiments/ablation")

#: A setting's place in ``params.yaml``, key by key.
Place = tuple[str, ...]


def ablation_of(settings: Settings) -> list[str]:
    """Names of the ablations that the main run is; none where it is as its profile states it.

    One counts where all that it changes is so in the settings and not all is in the profile; one that another
    of them goes beyond is left out.
    """
    mine, stated = settings.model_dump(), _stated(settings)
    every = _ablations()
    found = {name: set(places) for name, places in every.items() if _in_effect(places, mine, stated)}
    return [name for name, places in found.items() if not any(places < other for other in found.values())]


def unablated(settings: Settings) -> Settings:
    """Return the settings without the ablation that the main run is; other changes by hand stay.

    `ablation.changes` may have followed an ablated setting, and goes back with it.
    """
    names = ablation_of(settings)
    if not names:
        return settings
    raw, stated = copy.deepcopy(settings.model_dump()), _stated(settings)
    every = _ablations()
    for place, value in ((place, value) for name in names for place, value in every[name].items()):
        put(raw, place, get(stated, place))
        also = ("ablation", "changes", place[-1])
        if place[:2] == ("methods", settings.ablation.method) and get(raw, also) == value:
            put(raw, also, get(stated, also))
    return parse(raw)


def variant_settings(name: str, settings: Settings) -> Settings:
    """Return settings with the changes that all variants share and those of the variant's own file.

    An ablation of the main run is undone before: variants differ from the method as its profile states it.

    Raises
    ------
    ValueError
        If there is no such variant, what comes out are no valid settings, or its training would be that of
        `BASE` once more.
    """
    path = VARIANTS / f"{name}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in VARIANTS.glob("*.yaml"))
        raise ValueError(f"ablation.variants: there is no {path}; {naming.hint(name, known)}")
    base = unablated(settings)
    method = base.ablation.method
    shared = OmegaConf.merge(base.model_dump(), {"methods": {method: {"train": base.ablation.changes}}})
    change = files.read_yaml(path.read_text()) or {}
    varied = _settings_of(OmegaConf.merge(shared, change), path)
    if name != BASE and _trained_by(varied) == _trained_by(_settings_of(shared, path)):
        changed = ", ".join(".".join(place) for place, _ in leaves(change)) or "nothing"
        raise ValueError(
            f"ablation.variants: {path} changes {changed}, and with it nothing of the training of {method!r} "
            f"(ablation.method): it would be {BASE!r} once more; leave it out, or let its file change "
            f"methods.{method}"
        )
    return varied


def _settings_of(merged: Any, path: Path) -> Settings:
    return parse(OmegaConf.to_container(merged), where=str(path))  # type: ignore[arg-type]


def _trained_by(settings: Settings) -> Any:
    """What the training of a variant rests on."""
    own = settings.methods[settings.ablation.method]
    return own, settings.seed, settings.train.dataset, settings.train.rated, settings.prepare


def ablations_of(method: str, settings: Settings) -> str:
    """Names of the ablations that the settings of one method are, joined by ``+``; "" where there is none."""
    every = _ablations()
    own = [n for n in ablation_of(settings) if any(place[:2] == ("methods", method) for place in every[n])]
    return "+".join(own)


class _Missing:
    """Stands for a setting that is not there."""


MISSING = _Missing()


def _stated(settings: Settings) -> dict[str, Any]:
    """Settings as the profile states them."""
    return profile_settings(settings.profile).model_dump()


def _ablations() -> dict[str, dict[Place, Any]]:
    """What every file in ``experiments/ablation/`` changes, by its name."""
    read = {path.stem: files.read_yaml(path.read_text()) or {} for path in sorted(VARIANTS.glob("*.yaml"))}
    return {name: dict(leaves(content)) for name, content in read.items() if content}


def _in_effect(changes: Mapping[Place, Any], mine: dict[str, Any], stated: dict[str, Any]) -> bool:
    return all(get(mine, place) == value for place, value in changes.items()) and any(
        get(stated, place) != value for place, value in changes.items()
    )


def leaves(tree: Mapping[str, Any], above: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield every setting with its place; a mapping that holds nothing is one."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*above, str(key)))
        else:
            yield (*above, str(key)), value


def get(tree: Any, place: Place) -> Any:
    """Return what stands at a place, `MISSING` where nothing does."""
    for key in place:
        if not isinstance(tree, Mapping) or key not in tree:
            return MISSING
        tree = tree[key]
    return tree


def put(tree: dict[str, Any], place: Place, value: Any) -> None:
    """Set a value in place, or take it out where it is `MISSING`."""
    for key in place[:-1]:
        tree = tree.setdefault(key, {})
    if value is MISSING:
        tree.pop(place[-1], None)
    else:
        tree[place[-1]] = value
