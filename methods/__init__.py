"""What is measured: one file or folder per method. This folder is the registry.

A method is a module ``methods.<name>`` that defines ``CARD`` and ``load(**settings)``; if it learns, also
``train(data, out, **settings)`` (`Learner`), which writes below ``out`` and returns the keyword arguments
that load what was learnt. One that learns from people's scores says ``LEARNS_FROM_SCORES = True``; one whose
training starts from published weights defines ``fetch(**settings)`` with the settings of ``train``, which
brings them. A function with many settings takes them as one argument, a pydantic model.
`methods._shared` holds what several of them need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from benchmark.method import Card, Method, TrainingData, unlike_card
from methods._shared.binding import bind, explain
from methods._shared.registry import find, names
from methods._shared.weights.noted_files import noted

if TYPE_CHECKING:  # reading settings must not wait for pandas
    from benchmark.datasets.prepared import Dataset
    from methods._shared.modules import ScoreModule

__all__ = [
    "Loaded",
    "bind",
    "card",
    "check",
    "explain",
    "fetch",
    "find",
    "load",
    "names",
    "published",
    "train",
    "training_settings",
]


class Loaded(Method, Protocol):
    """A method as `load` gives it."""

    weight_files: tuple[Path, ...]

    def as_module(self) -> ScoreModule:
        """Return a torch module: pictures in [0, 1] to scores, with gradients where the method has them."""
        ...


class Learner(Protocol):
    """The module of a method that learns."""

    def train(self, data: TrainingData, out: Path, /, **settings: Any) -> dict[str, Any]:
        """Learn from ``data``, write below ``out`` and return the arguments that load what was learnt."""
        ...


def load(name: str, **settings: Any) -> Loaded:
    """Load a method as published; it refuses what is no RGB picture in [0, 1] (`benchmark.scoring.guard`).

    The files of weights or parameters that it was made of, and the folders of pictures that it was fitted to,
    are its ``weight_files``; ``as_module()`` gives it as a torch module, for a loss or the loop of another
    library.

    Parameters
    ----------
    name
        File or folder name in ``methods/``, e.g. ``"niqe"``; ``"pyiqa:topiq_nr"`` names the setting that its
        module calls ``VARIANT`` as well.
    **settings
        Keyword arguments of that method's own ``load``, e.g. ``weights=PATH``.

    Raises
    ------
    ValueError
        If there is no such method, it knows no such setting, a setting has the wrong type, or the method has
        no name or another direction than its card.
    """
    base, _, variant = name.partition(":")
    module = find(base)
    if variant and not hasattr(module, "VARIANT"):
        raise ValueError(f"{base!r} has no variants: name its settings instead of {name!r}")
    given = {module.VARIANT: variant, **settings} if variant else settings
    from benchmark.scoring.guard import guarded
    from methods._shared.modules import ScoreModule

    bound = bind(f"methods.{base}.load", module.load, given)
    with noted() as files:
        method = guarded(module.load(**bound))
    if said := unlike_card(method, getattr(method, "card", None) or module.CARD):
        raise ValueError(f"methods/{base}: {said}; correct the one that is wrong")
    object.__setattr__(method, "weight_files", tuple(files))
    if not hasattr(method, "as_module"):
        object.__setattr__(method, "as_module", partial(ScoreModule, method))
    return cast(Loaded, method)


def train(
    name: str,
    pictures: Sequence[Path],
    out: Path,
    *,
    seed: int,
    settings: Mapping[str, Any],
    rated: Dataset | None = None,
    held_out: Sequence[Path] = (),
) -> dict[str, Any]:
    """Let a method learn from unlabelled pictures or, where it says ``LEARNS_FROM_SCORES``, from scores.

    Returns
    -------
    dict
        Keyword arguments for :func:`load`; empty for a method that learns nothing.

    Raises
    ------
    ValueError
        If the method does not know a setting, learns nothing but is given settings, or needs scores and has
        none.
    """
    module = find(name)
    bound = training_settings(name, settings)
    if not hasattr(module, "train"):
        return {}
    data = TrainingData(pictures, held_out, rated if learns_from_scores(name) else None, seed)
    return cast(Learner, module).train(data, out, **bound)


def fetch(name: str, *, train_settings: Mapping[str, Any] | None, load_settings: Mapping[str, Any]) -> None:
    """Bring the published weights that a method needs into the cache, and read them once.

    Parameters
    ----------
    name
        The method.
    train_settings
        Settings of its training, or nothing where it is taken as it is.
    load_settings
        Settings of `load`.

    Raises
    ------
    ValueError
        If weights cannot be had, or are damaged.
    """
    module = find(name.partition(":")[0])
    if train_settings is None or not hasattr(module, "train"):
        load(name, **load_settings)
    elif hasattr(module, "fetch"):
        module.fetch(**training_settings(name, train_settings))


def learns_from_scores(name: str) -> bool:
    """Whether training the method takes a rated data set, if only where there is one."""
    return bool(getattr(find(name), "LEARNS_FROM_SCORES", False))


def shares_batches(name: str) -> bool:
    """Whether several processes of ``torchrun`` may share the training of the method (``SHARES_BATCHES``)."""
    return bool(getattr(find(name), "SHARES_BATCHES", False))


def check(name: str, *, train_settings: Mapping[str, Any], load_settings: Mapping[str, Any]) -> None:
    """Check the settings of a method without using them; what training adds to ``load`` may be missing.

    Raises
    ------
    ValueError
        As :func:`train` and :func:`load` would.
    """
    module = find(name)
    training_settings(name, train_settings)
    bind(f"methods.{name}.load", module.load, load_settings, partial=True)


def training_settings(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check the settings of a method's training and return them as keyword arguments of its ``train``.

    Raises
    ------
    ValueError
        If one is unknown or of a wrong type, or there are some and the method learns nothing.
    """
    module = find(name)
    if hasattr(module, "train"):
        return bind(f"methods.{name}.train", module.train, settings, given=2)
    if settings:
        raise ValueError(f"methods.{name}.train: {name} learns nothing, remove its training settings")
    return {}


def card(name: str) -> Card:
    """Return the card of a method, as it stands when loaded with default settings."""
    return find(name.partition(":")[0]).CARD


def published(name: str) -> Card:
    """Return the card of a method as published: that of the weights which its name alone means."""
    module = find(name.partition(":")[0])
    return getattr(module, "PUBLISHED", module.CARD)
