"""``iqa verify``: is a data set complete and sound, name by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.runs import completion


def command(
    names: Annotated[
        list[str],
        typer.Argument(autocompletion=completion.datasets, help="Data sets; `iqa datasets` lists them."),
    ],
    source: Annotated[Path | None, typer.Option(help="Folder of the release, else downloads/NAME.")] = None,
    decode: Annotated[bool, typer.Option(help="Decode every picture; unchanged ones only once.")] = True,
    workers: Annotated[int, typer.Option(min=1, help="Threads that decode.")] = 2,
) -> None:
    """Check counts, scores, names and files; exit code 3 if something is wrong."""
    from benchmark.datasets import catalogue, layouts
    from benchmark.datasets.prepared import contents
    from benchmark.datasets.prepared.linked import folder_of, relink
    from benchmark.datasets.prepared.record import read_record
    from benchmark.datasets.verify import verify
    from experiments import settings as settings_of
    from experiments.runs import stage

    if source is not None and len(names) > 1:
        raise ValueError("--source goes with one data set")
    wrong = 0
    folders, sources = {}, settings_of.sources()
    for name in names:
        entry = catalogue.entry(name)
        folder = folder_of(entry, source or sources.get(name))
        if not folder.is_dir():
            raise ValueError(f"{folder}: is not a folder; {layouts.how_to_get(entry)}")
        folders[name] = folder
    for name, folder in folders.items():
        entry = catalogue.entry(name)
        here = stage.DATA / name if source is None and (stage.DATA / name / contents.FILE).is_file() else None
        if here is not None:
            relink(here, read_record(here / "record.json"), folder)
        verdict = verify(entry, folder, decode=decode, prepared=here, workers=workers)
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
