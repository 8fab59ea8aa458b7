"""What data sets there are, without reading a record."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from benchmark import naming

#: Modules with a ``RECORD`` and ``prepare(target, ...)``: what the suite makes itself, and any folder.
MADE = ("demo", "folder", "leaves", "pristine")
#: Records of published data sets.
HERE = Path(__file__).parents[1] / "records"
#: Records that `iqa datasets add` wrote, relative to the top of the checkout.
OWN = Path("experiments/datasets")
#: Share of letters that a misspelt name has in common with the one that was meant.
NEAR = 0.85


def recorded(own: Path = OWN) -> list[str]:
    """Names of all records."""
    return sorted({path.stem for folder in (HERE, own) for path in folder.glob("[!.]*.yaml")})


def names() -> list[str]:
    """Names of the data sets that the suite can prepare."""
    return sorted({*MADE, *recorded()})


def unknown(what: str, name: str, known: list[str]) -> str:
    """Say that there is no `what` called `name`, and what was probably meant."""
    asked = f"unknown {what}: {name!r}; {naming.meant(name, known)}".rstrip()
    return f"{asked} known: {', '.join(known)}"


def check_opinions(names: str, where: str) -> None:
    """Refuse names of data sets by which no figure would be marked: written otherwise, or misspelt.

    Parameters
    ----------
    names
        As ``opinions_of`` of a card has them. One that is no record's, nor a letter away from it, is taken:
        not every data set has a record.
    where
        What to call the place in a message.

    Raises
    ------
    ValueError
        With what was probably meant.
    """
    known = recorded()
    for name in names.split():
        if not re.fullmatch("[a-z0-9][a-z0-9_-]*", name):
            raise ValueError(
                f"{where}: {name!r} is no name of a data set; write names as `iqa datasets` lists them, with "
                "spaces between"
            )
        near = difflib.get_close_matches(name, known, n=1, cutoff=NEAR)
        if name not in known and near:
            raise ValueError(f"{where}: there is no record of a data set {name!r}; did you mean {near[0]!r}?")
