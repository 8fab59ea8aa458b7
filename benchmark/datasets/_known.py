"""What data sets there are, without reading a record."""

from __future__ import annotations

from pathlib import Path

from benchmark import naming

#: Modules with a ``RECORD`` and ``prepare(target, ...)``: what the suite makes itself, and any folder.
MADE = ("demo", "folder", "leaves", "pristine")
#: Records of published data sets.
HERE = Path(__file__).parents[1] / "records"
#: Records that `iqa datasets add` wrote, relative to the top of the checkout.
OWN = Path("experiments/datasets")


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
