"""YAML by libyaml where PyYAML was built with it: the same values in a tenth of the time."""

from __future__ import annotations

import functools
from typing import Any


def read_yaml(text: str) -> Any:
    """Return what a YAML document holds, of plain types alone.

    Raises
    ------
    yaml.YAMLError
        If the text is not YAML, or a mapping has a key twice: PyYAML would take the last one.
    """
    import yaml  # which a method in a program of somebody else's does without

    return yaml.load(text, Loader=_loader())


@functools.cache
def _loader() -> Any:
    """Return the loader of plain types, which refuses a key that stands twice."""
    import yaml

    plain: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(plain):
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            if not isinstance(node, yaml.MappingNode):
                return super().construct_mapping(node, deep)
            seen = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                    continue
                one = (key.tag, key.value)
                if one in seen:
                    what = f"the key {key.value!r} stands twice; leave one out"
                    raise yaml.constructor.ConstructorError(None, None, what, key.start_mark)
                seen.add(one)
            return super().construct_mapping(node, deep)

    return Loader
