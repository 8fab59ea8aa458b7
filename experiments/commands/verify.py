"""``iqa verify``: is a data set complete and sound, name by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    names: Annotated[list[str], typer.Argument(help="Data sets; `iqa datasets` lists them.")],
    source: Annotated[Path | None, typer.Option(help="Folder of the release, else downloads/NAME.")] = None,
    decode: Annotated[bool, typer.Option(help="Decode every picture; unchanged ones only once.")] = True,
    workers: Annotated[int, typer.Option(min=1, help="Threads that decode.")] = 2,
) -> None:
    """Check counts, scores, names and files; exit code 3 if something is wrong."""
    from benchmark.datasets import catalogue, layouts
    from benchmark.datasets._release import folder_of
    from benchmark.datasets.verify import verify

    if source is not None and len(names) > 1:
        raise ValueError("--source goes with one data set")
    wrong = 0
    for name in names:
        entry = catalogue.entry(name)
        folder = folder_of(entry, source)
        if not folder.is_dir():
            raise ValueError(f"{folder}: is no folder; {layouts.how_to_get(entry)}")
        verdict = verify(entry, folder, decode=decode, workers=workers)
        for note in verdict.notes:
            typer.echo(f"{name}: note: {note}")
        for fault in verdict.faults:
            typer.echo(f"{name}: {fault}")
        typer.echo(
            f"{name}: {verdict.images} images, {len(verdict.faults)} faults, {len(verdict.notes)} notes",
            err=True,
        )
        wrong += bool(verdict.faults)
    if wrong:
        raise typer.Exit(3)
