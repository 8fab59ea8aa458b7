"""What a layout of a record may say: what no reader would look at is refused, where it was passed over."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from benchmark.datasets._known import unknown

#: What is taken out of the names of pictures, and how.
_NAMES = {"pattern", "lower", "distortions"}
_ALL = {"reader", "range", "lacks"}
#: Ways to say the deviation of an opinion, of which a layout has one.
DEVIATIONS = ("mos_std", "mos_variance", "standard_error")
#: Keys of each reader.
KEYS = {
    "table": {
        *(_ALL | _NAMES),
        *("scores", "file", "columns", "separator", "sheet", "header", "rename", "numbered", "skip"),
        *("image", "strip", "mos", *DEVIATIONS, "std_scale", "ratings", "beside", "other", "also"),
        *("reference", "distortion", "split", "part", "official", "parts"),
    },
    "listing": {*(_ALL | _NAMES), "where"},
    "live": {*_ALL, "scores", "mos", "standard_error", "other"},
}
#: What one score of several, or one table of several, cannot say for itself.
_OF_ALL = {"other": {"reader", "other"}, "parts": _ALL | {"other", "parts"}}
_PARTS = ("train", "val", "test")
_PART = {"file", "column", "where", "is"}
_TAKEN = ("reference", "distortion", "level")


def check_layout(layout: Mapping[str, Any]) -> None:
    """Refuse what a layout says and its reader would pass over.

    Raises
    ------
    ValueError
        With what was probably meant, or what is said twice.
    """
    reader = layout.get("reader", "none said")
    keys = KEYS.get(reader, set().union(*KEYS.values()))
    _known(layout, keys, f"key of a layout ({reader})")
    for key in ("other", "parts"):
        held = layout.get(key, {})
        for one in held.values() if isinstance(held, Mapping) else held:
            _known(one, keys - _OF_ALL[key], f"key below {key!r} of a layout ({reader})")
            _check({**{name: layout[name] for name in layout if name not in DEVIATIONS}, **one})
    _known({reader}, KEYS, "reader of a layout")
    _check(layout)


def _check(layout: Mapping[str, Any]) -> None:
    """Check the parts of a layout, and that no two of its keys say one thing."""
    for name, part in layout.get("official", {}).items():
        if isinstance(part, Mapping):
            _known({name}, _PARTS, "part of an official split")
            _known(part, _PART, f"key of the part {name!r} of an official split")
            if "is" in part and "where" not in part:
                raise ValueError(f"official: {name}: 'is' says nothing without 'where', the column it is of")
        else:
            _known({name}, ("default", "by"), "key of an official split")
    deviations = [key for key in DEVIATIONS if key in layout]
    for file in layout.get("beside", ()):
        columns = [key for key in file if key != "file"]
        _known(columns, ("mos", "mos_std", "standard_error"), "key of a file beside the names")
        if len(columns) != 1:
            raise ValueError(f"beside: {dict(file)}: says one column of one file; write an entry for each")
        deviations += [key for key in columns if key in DEVIATIONS]
    for said in (deviations, [key for key in ("split", "part", "official") if key in layout]):
        if len(said) > 1:
            raise ValueError(f"{' and '.join(said)} of a layout say the same; leave one out")
    if "std_scale" in layout and not deviations:
        raise ValueError("std_scale of a layout is a factor of 'mos_std', which it does not have")
    _check_pattern(layout)


def _check_pattern(layout: Mapping[str, Any]) -> None:
    patterns = layout.get("pattern", ())
    taken: set[str] = set()
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        groups = list(re.compile(pattern).groupindex)
        _known(groups, _TAKEN, f"group of the pattern {pattern!r}")
        if not groups:
            raise ValueError(
                f"pattern {pattern!r} takes nothing; a group of it is written (?P<reference>...)"
            )
        taken |= set(groups)
    if twice := [key for key in _TAKEN if key in layout and key in taken]:
        raise ValueError(f"{twice[0]!r} and the pattern of a layout say the same; leave one out")
    if other := [key for key in layout.get("lower", ()) if key not in taken]:
        raise ValueError(f"lower: {other[0]!r} is no group of the pattern")
    if "distortions" in layout and "distortion" not in taken:
        raise ValueError("distortions: lists types by number, which no group (?P<distortion>...) takes")


def _known(keys: Collection[str], known: Collection[str], what: str) -> None:
    for key in keys:
        if key not in known:
            raise ValueError(unknown(what, str(key), sorted(known)))
