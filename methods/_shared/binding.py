"""Settings checked against the function that takes them, before it is called."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from benchmark import naming


def bind(
    where: str,
    function: Callable[..., Any],
    settings: Mapping[str, Any],
    *,
    given: int = 0,
    partial: bool = False,
) -> dict[str, Any]:
    """Check settings against a function's signature and return them as its keyword arguments.

    An argument that is a pydantic model takes all of them; else each is an argument of its own. ``partial``
    lets required settings be missing; the caller gives the first ``given`` arguments itself.

    Raises
    ------
    ValueError
        Naming each unknown key (and the nearest known one) and each value of the wrong type.
    """
    hints = get_type_hints(function.__init__ if isinstance(function, type) else function)  # type: ignore[misc]
    named = next((name for name, hint in hints.items() if name != "return" and _is_model(hint)), None)
    model = hints[named] if named else _model_of(function, hints, given)
    values = {name: _as_text(value) for name, value in settings.items()}
    try:
        checked = model.model_validate(values, strict=True)
    except ValidationError as error:
        problems = [p for p in error.errors() if not (partial and p["type"] == "missing")]
        if problems:
            raise ValueError(explain(where, problems, list(model.model_fields))) from None
        return values
    return {named: checked} if named else {k: getattr(checked, k) for k in settings}


def _is_model(hint: Any) -> bool:
    """Whether an argument takes all settings as one pydantic model."""
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def _as_text(value: Any) -> Any:
    """A path as the text that stands in settings; anything else as it is."""
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def explain(where: str, problems: Sequence[Any], known: Sequence[str] = ()) -> str:
    """Say in a line for each of pydantic's problems which key is wrong, why, and what it could have been."""
    lines = []
    for problem in problems:
        key = ".".join([where, *map(str, problem["loc"])]).lstrip(".")
        if problem["type"] == "extra_forbidden":
            lines.append(f"{key}: unknown setting; {naming.hint(str(problem['loc'][-1]), known)}")
        else:
            cure = "; YAML reads it so, put it in quotes" if problem["type"] == "string_type" else ""
            cure = "; name one" if cure and problem["input"] is None else cure
            lines.append(f"{key}: {problem['msg']} (got {problem['input']!r}){cure}")
    return "\n".join(lines)


def _model_of(function: Callable[..., Any], hints: dict[str, Any], given: int) -> type[BaseModel]:
    """Pydantic model with one field per setting of ``function``, the arguments after the first ``given``."""
    fields: dict[str, Any] = {
        name: (hints.get(name, Any), ... if p.default is inspect.Parameter.empty else p.default)
        for name, p in list(inspect.signature(function).parameters.items())[given:]
    }
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())
    return create_model("Settings", __config__=config, **fields)
