"""Names of methods, data sets, settings and variants: which serve, and which one was probably meant.

They become folders, stages of DVC and words of a shell.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_FITS = re.compile("[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
#: YAML takes these for yes, no or nothing, some versions of it only.
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
#: Windows takes these for devices.
_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{a}{b}" for a in ("com", "lpt") for b in range(1, 10))])


def fault(name: str) -> str:
    """Why a name does not serve, and what would; "" where it does."""
    if not _FITS.fullmatch(name):
        return "does not serve as a name: take letters from a to z, digits, _ and -, and begin with a letter"
    if name.lower() in _WORDS:
        return "does not serve as a name: YAML takes the word for yes, no or nothing; choose another"
    if name.lower() in _DEVICES:
        return "does not serve as a name: Windows takes it for a device; choose another"
    return ""


def twins(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of names that are equal, or differ in case alone: one folder where a disk tells no case."""
    first: dict[str, str] = {}
    found = []
    for name in names:
        if name.lower() in first:
            found.append((first[name.lower()], name))
        first.setdefault(name.lower(), name)
    return found


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant, or ""."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), "")


def meant(name: str, known: Iterable[str]) -> str:
    """Ask ``did you mean 'x'?``, or say nothing where no known name is near."""
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near else ""


def hint(name: str, known: Iterable[str]) -> str:
    """Ask which known name was meant; where none is near, say what there is."""
    listed = list(known)
    return meant(name, listed) or f"there are: {', '.join(listed) or 'none'}"
