"""Adding a data set of one's own: what is told, asked and said before its record is written."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import typer

from benchmark.datasets import catalogue, own

#: Names that are listed of each kind; a table that fits nothing would fill the screen.
LISTED = 20


class Mine(NamedTuple):
    """What the user has: a name, a folder of pictures, tables, and columns of names, scores, deviations."""

    title: str
    images: Path
    tables: list[str]
    columns: tuple[str, str, str]


class Scale(NamedTuple):
    """Range and direction of the score, as far as told."""

    low: float | None
    high: float | None
    lower_is_better: bool | None


def add(mine: Mine, scale: Scale, *, leave_out: bool, replace: bool, ask: bool) -> str:
    """Write the record of a data set of the user's own; returns the name that it is called by.

    Parameters
    ----------
    mine, scale
        What the user told.
    leave_out
        Whether rows without a picture or a score may go.
    replace
        Whether it may take the place of one of this name.
    ask
        Whether to ask for what was not told; else that is an error.

    Raises
    ------
    ValueError
        If something is at fault, missing, or not as the user wants it.
    """
    if not catalogue.OWN.parent.is_dir():
        raise ValueError(f"there is no folder {catalogue.OWN.parent}; run from the top of the repository")
    if not mine.images.expanduser().is_dir():
        raise ValueError(f"{mine.images}: is not a folder; --images names the folder of the pictures")
    name = own.plain_name(mine.title)
    own.check_place(name, replace=replace)
    table, guess = own.guess(own.parted(mine.tables), *mine.columns)
    table = own.below(mine.images, table, guess.image)
    typer.echo(
        f"{len(table)} rows; image: {guess.image!r}; score: {guess.score!r}, from {guess.low:g} to "
        f"{guess.high:g}; deviation: {guess.std or 'none'}",
        err=True,
    )
    taken, passed = own.beside(table, guess)
    if taken:
        typer.echo(f"taken too: {', '.join(taken)}", err=True)
    if passed:
        typer.echo(
            f"not used: {', '.join(passed)}; a column called {', '.join(own.ALSO[:-1])} or {own.ALSO[-1]} is",
            err=True,
        )
    kept = _fitting(mine.images, table, guess, leave_out, ask)
    guess = _scaled(guess, scale, ask)
    if ask and not typer.confirm("Is this right?"):
        raise ValueError("name the columns with --image-column, --score-column and --std-column")
    record = own.add(name, mine.images, kept, guess, title=mine.title, replace=replace)
    typer.echo(f"{record} written", err=True)
    return name


def _fitting(images: Path, table: pd.DataFrame, guess: own.Guess, leave_out: bool, ask: bool) -> pd.DataFrame:
    """Say what does not fit together of table and folder; returns the rows that do, if the rest may go."""
    found = own.gaps(images, table, guess)
    for what, names in (
        ("rows have no picture", found.no_picture),
        ("pictures have no score", found.no_score),
        ("pictures are not in the table and left out", found.unlisted),
    ):
        _list(what, names)
    for column, count in found.thin.items():
        typer.echo(f"{column}: {count} of {len(table)} rows are empty", err=True)
    kept = own.fitting(table, guess, found)
    gone = len(table) - len(kept)
    if gone and not leave_out and not (ask and typer.confirm(f"Leave out {gone} of {len(table)} rows?")):
        raise ValueError(
            f"{gone} of {len(table)} rows have no picture in {images} or no score, the first is "
            f"{[*found.no_picture, *found.no_score][0]!r}; complete them, or leave them out with --leave-out"
        )
    return kept


def _list(what: str, names: list[str]) -> None:
    if names:
        typer.echo(f"{len(names)} {what}:", err=True)
        for name in names[:LISTED]:
            typer.echo(f"  {name}", err=True)
        if len(names) > LISTED:
            typer.echo(f"  and {len(names) - LISTED} more", err=True)


def _scaled(guess: own.Guess, told: Scale, ask: bool) -> own.Guess:
    """Take range and direction as told, or ask: what was observed is neither."""
    low, high, lower = told
    seen = f"from {guess.low:g} to {guess.high:g}"
    if not ask and None in told:
        raise ValueError(
            f"give the scale of {guess.score!r}, whose scores run {seen}: --low and --high, and "
            "--higher-is-better or --lower-is-better"
        )
    likely = own.scale(guess.low, guess.high) or (None, None)
    if low is None:
        low = typer.prompt("Lowest score of the scale", likely[0], type=float, err=True)
    if high is None:
        high = typer.prompt("Highest score of the scale", likely[1], type=float, err=True)
    if lower is None:
        lower = not typer.confirm("Is a higher score better?", guess.higher_is_better, err=True)
    if not low <= guess.low <= guess.high <= high:
        raise ValueError(
            f"the scores run {seen}, beyond the scale from {low:g} to {high:g}; correct --low and --high"
        )
    return dataclasses.replace(guess, low=low, high=high, higher_is_better=not lower)
