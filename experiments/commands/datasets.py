"""``iqa datasets``: what there is, what is here, and adding one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from benchmark.datasets.catalogue import Entry


def command(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME] | add NAME", help="Show a card, or add your own."),
    ] = None,
    images: Annotated[Path | None, typer.Option(help="For add: folder of the pictures.")] = None,
    scores: Annotated[Path | None, typer.Option(help="For add: CSV table, a row for each picture.")] = None,
    image_column: Annotated[str, typer.Option(help="For add: column of the names; guessed without it.")] = "",
    score_column: Annotated[str, typer.Option(help="For add: column of the scores; else guessed.")] = "",
    lower_is_better: Annotated[bool | None, typer.Option("--lower-is-better/--higher-is-better")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="For add: take the guess without asking.")] = False,
    use: Annotated[
        bool, typer.Option("--use", help="For add: write it into experiments/local.yaml and params.yaml.")
    ] = False,
) -> None:
    """List the data sets, show the card of one, or add your own (see docs/adding-a-dataset.md)."""
    words = words or []
    if words[:1] == ["add"]:
        if len(words) != 2 or images is None or scores is None:
            raise ValueError("iqa datasets add NAME --images DIR --scores FILE.csv")
        _add(words[1], images, scores, (image_column, score_column), lower_is_better, yes)
        _declare(words[1], use)
    elif len(words) > 1:
        raise ValueError(f"one name at a time, not {' '.join(words)}")
    elif words:
        from benchmark.datasets import catalogue

        typer.echo(card(catalogue.entry(words[0])))
    else:
        _table()


def _table() -> None:
    from benchmark.datasets import catalogue

    typer.echo(f"{'name':14}{'images':>8}  {'here':28}{'licence'}")
    for name in catalogue.names():
        entry = catalogue.entry(name)
        typer.echo(f"{name:14}{entry.counts.get('images', 0):>8}  {state(entry):28}{entry.licence}")


def state(entry: Entry) -> str:
    """Whether the release is here, and whether all its pictures are."""
    from benchmark.datasets import layouts
    from benchmark.datasets.prepared.linked import folder_of
    from experiments import settings as settings_of

    folder = folder_of(entry, settings_of.source_of(entry.name))
    if not folder.is_dir():
        return "no"
    try:
        found = len(layouts.read(entry, folder).frame)
    except ValueError:
        return f"incomplete (iqa verify {entry.name})"
    expected = entry.counts.get("images", found)
    return "complete" if found == expected else f"{found} of {expected} images"


def card(entry: Entry) -> str:
    """All that a record says."""
    from benchmark.datasets import layouts
    from benchmark.datasets.prepared.linked import folder_of
    from experiments import settings as settings_of

    score = entry.score
    folder = folder_of(entry, settings_of.source_of(entry.name))
    lines = [
        f"{entry.title} ({entry.name})",
        f"  what      {entry.short or 'a data set of your own'}",
        f"  holds     {', '.join(f'{count:,} {what}' for what, count in entry.counts.items())}",
        f"  licence   {entry.licence}",
        f"  page      {entry.page or 'none'}",
        "  score     "
        + (
            f"{score.name}, {score.nominal or f'{score.low:g} to {score.high:g}'}, "
            f"{'higher' if score.higher_is_better else 'lower'} is better, "
            f"{'with' if score.deviation else 'without'} deviation"
            if score
            else "none"
        ),
        f"  resize    {f'short side {entry.short_side}, as in papers' if entry.short_side else 'none'}",
        f"  sources   {'; '.join(source.origin for source in entry.sources) or 'by hand'}",
        f"  to get    {layouts.how_to_get(entry)}",
        *(f"  by hand   {step}" for step in [entry.steps] if step and entry.sources),
        f"  expected  {' or '.join(layouts.wanted_files(entry))} in {folder}",
        *(f"  mind      {fault}" for fault in entry.faults),
        *(f"  unsure    {what}" for what in entry.unverified),
    ]
    return "\n".join([*lines, "", entry.bibtex.rstrip()]).rstrip()


def _add(
    name: str, images: Path, scores: Path, columns: tuple[str, str], lower: bool | None, yes: bool
) -> None:
    import dataclasses

    from benchmark.datasets import own

    if not images.expanduser().is_dir():
        raise ValueError(f"{images}: is no folder; --images names the folder of the pictures")
    own.check_place(name)
    table, told = own.guess(scores, *columns)
    if lower is not None:
        told = dataclasses.replace(told, higher_is_better=not lower)
    direction = "higher" if told.higher_is_better else "lower"
    typer.echo(
        f"{len(table)} rows; image: {told.image!r}; score: {told.score!r}, {told.low:g} to {told.high:g}, "
        f"{direction} is better; deviation: {told.std or 'none'}",
        err=True,
    )
    extra = own.unlisted(images, table, told)
    if extra:
        typer.echo(f"{len(extra)} pictures are not in the table and left out, first {extra[0]!r}", err=True)
    if not yes and not typer.confirm("Is this right?"):
        raise ValueError("name the columns with --image-column and --score-column, the direction likewise")
    record = own.add(name, images, table, told)
    typer.echo(f"{record} written", err=True)


def _declare(name: str, use: bool) -> None:
    from experiments.settings import own_entries

    if use:
        for path in own_entries.use(("prepare", "datasets", name), {}):
            typer.echo(f"{path}: prepare.datasets.{name} written", err=True)
        typer.echo("`dvc repro` prepares it, and scores it with every method", err=True)
        return
    typer.echo(
        f"To see it in every table, add to {own_entries.LOCAL} and params.yaml (`--use` does)\n", err=True
    )
    typer.echo(f"prepare:\n  datasets:\n    {name}: {{}}\n")
    typer.echo("then `dvc repro`", err=True)
