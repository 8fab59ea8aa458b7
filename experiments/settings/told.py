"""Settings as a command line tells them: ``--set KEY=VALUE``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmark import files


def told(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs; values as YAML reads them, and numbers such as 1e-3 besides.

    Raises
    ------
    ValueError
        If one is no such pair, or two are of one setting.
    """
    parted = [pair.partition("=") for pair in pairs]
    if wrong := [pair for pair, (_, equals, _) in zip(pairs, parted, strict=True) if not equals]:
        raise ValueError(f"--set {wrong[0]}: expected key=value")
    keys = [key for key, _, _ in parted]
    if twice := [key for place, key in enumerate(keys) if key in keys[:place]]:
        both = " and ".join(pair for pair, key in zip(pairs, keys, strict=True) if key == twice[0])
        raise ValueError(f"--set {twice[0]}: is set twice, {both}; leave one out")
    return {key: _value(text) for key, _, text in parted}


def _value(text: str) -> Any:
    try:
        return float(text) if "e" in text.lower() else files.read_yaml(text)
    except ValueError:
        return files.read_yaml(text)
