"""What is measured: one file or folder per method. This folder is the registry.

A method is a module ``methods.<name>`` that defines ``CARD`` and ``load(**settings)``; if it learns, also
``train(pictures, out, *, seed, **settings)``, which writes below ``out`` and returns the keyword arguments
that load what was learnt. One that learns from people's scores takes ``rated`` too, a prepared data set; one
that validates without labels takes ``held_out``, pictures; one whose training starts from published weights
defines ``fetch(**settings)`` with the settings of ``train``, which brings them. A function with many settings
takes them as one pydantic model, ``settings``.
Modules whose name starts with an underscore are shared parts.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from benchmark.method import Card, Method
from methods._used import noted

if TYPE_CHECKING:  # reading settings must not wait for pandas
    from benchmark.datasets.prepared import Dataset

__all__ = ["bind", "card", "check", "explain", "fetch", "find", "hint", "load", "names", "published", "train"]

#: Arguments of ``train`` that the caller gives, not the settings.
GIVEN = ("pictures", "out", "held_out", "rated", "seed")


def names() -> list[str]:
    """Names of all methods in this folder, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def find(name: str) -> ModuleType:
    """Import the module of a method; a hyphen in its name is as good as an underscore.

    Raises
    ------
    ValueError
        If there is no such method, or its module lacks ``CARD`` or ``load``.
    """
    name = name.replace("-", "_")
    if name not in names():
        raise ValueError(f"no method {name!r} in methods/; {hint(name, names())}")
    module = importlib.import_module(f"methods.{name}")
    for part in ("CARD", "load"):
        if not hasattr(module, part):
            raise ValueError(f"methods/{name} defines no {part}; see docs/adding-a-method.md")
    return module


def load(name: str, **settings: Any) -> Method:
    """Load a method as published; it refuses what is no RGB picture in [0, 1] (`benchmark.guard`).

    The files of weights or parameters that it was made of are its ``weight_files``.

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
        If there is no such method, it knows no such setting, or a setting has the wrong type.
    """
    base, _, variant = name.partition(":")
    module = find(base)
    if variant and not hasattr(module, "VARIANT"):
        raise ValueError(f"{base!r} has no variants: name its settings instead of {name!r}")
    given = {module.VARIANT: variant, **settings} if variant else settings
    from benchmark.guard import guarded

    bound = bind(f"methods.{base}.load", module.load, given)
    with noted() as files:
        method = guarded(module.load(**bound))
    object.__setattr__(method, "weight_files", tuple(files))
    return method


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
    """Let a method learn from unlabelled pictures or, where its ``train`` asks for ``rated``, from scores.

    One that asks for ``held_out`` gets unlabelled pictures to validate on.

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
    bound = _bind_train(name, module, settings)
    if not hasattr(module, "train"):
        return {}
    asked = inspect.signature(module.train).parameters
    if "rated" in asked and rated is None and asked["rated"].default is inspect.Parameter.empty:
        raise ValueError(f"{name} learns from scores: name a rated data set in `train.rated`")
    if "rated" in asked and rated is not None:
        bound["rated"] = rated
    if "held_out" in asked:
        bound["held_out"] = held_out
    return module.train(pictures, out, seed=seed, **bound)


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
        module.fetch(**_bind_train(name, module, train_settings))


def learns_from_scores(name: str) -> bool:
    """Whether training the method takes a rated data set, if only where there is one."""
    module = find(name)
    return hasattr(module, "train") and "rated" in inspect.signature(module.train).parameters


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
    _bind_train(name, module, train_settings)
    bind(f"methods.{name}.load", module.load, load_settings, partial=True)


def _bind_train(name: str, module: ModuleType, settings: Mapping[str, Any]) -> dict[str, Any]:
    if hasattr(module, "train"):
        return bind(f"methods.{name}.train", module.train, settings)
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


def bind(
    where: str, function: Callable[..., Any], settings: Mapping[str, Any], *, partial: bool = False
) -> dict[str, Any]:
    """Check settings against a function's signature and return them as its keyword arguments.

    ``partial`` lets required settings be missing.

    Raises
    ------
    ValueError
        Naming each unknown key (and the nearest known one) and each value of the wrong type.
    """
    hints = get_type_hints(function.__init__ if isinstance(function, type) else function)  # type: ignore[misc]
    whole: type[BaseModel] | None = hints.get("settings")
    model = whole or _model_of(function, hints)
    try:
        checked = model.model_validate(dict(settings), strict=True)
    except ValidationError as error:
        problems = [p for p in error.errors() if not (partial and p["type"] == "missing")]
        if problems:
            raise ValueError(explain(where, problems, list(model.model_fields))) from None
        return dict(settings)
    return {"settings": checked} if whole else {k: getattr(checked, k) for k in settings}


def explain(where: str, problems: Sequence[Any], known: Sequence[str] = ()) -> str:
    """Say in a line for each of pydantic's problems which key is wrong, why, and what it could have been."""
    lines = []
    for problem in problems:
        key = ".".join([where, *map(str, problem["loc"])]).lstrip(".")
        if problem["type"] == "extra_forbidden":
            lines.append(f"{key}: unknown setting; {hint(str(problem['loc'][-1]), known)}")
        else:
            cure = "; YAML reads it so, put it in quotes" if problem["type"] == "string_type" else ""
            lines.append(f"{key}: {problem['msg']} (got {problem['input']!r}){cure}")
    return "\n".join(lines)


def _model_of(function: Callable[..., Any], hints: dict[str, Any]) -> type[BaseModel]:
    """Pydantic model with one field per setting of ``function``."""
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if p.default is inspect.Parameter.empty else p.default)
        for name, p in inspect.signature(function).parameters.items()
        if not (function.__name__ == "train" and name in GIVEN)
    }
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())
    return create_model("Settings", __config__=config, **fields)


def hint(name: str, known: Sequence[str]) -> str:
    """Say which known name was probably meant."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none'}"
