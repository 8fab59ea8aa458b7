"""YAML by libyaml where PyYAML was built with it: the same values in a tenth of the time."""

from __future__ import annotations

from typing import Any


def read_yaml(text: str) -> Any:
    """Return what a YAML document holds, of plain types alone.

    Raises
    ------
    yaml.YAMLError
        If the text is not YAML.
    """
    import yaml  # which a method in a program of somebody else's does without

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
