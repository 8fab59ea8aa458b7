"""``iqa datasets``: what there is, what is here, and adding one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.runs import completion

if TYPE_CHECKING:
    from benchmark.datasets.catalogue import Entry


def command(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME] | add NAME",
            autocompletion=completion.datasets,
            help="Show a card, or add your own.",
        ),
    ] = None,
    images: Annotated[Path | None, typer.Option(help="For add: folder of the pictures.")] = None,
    scores: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[PART=]FILE",
            help="For add: table, a row for each picture; several are parts of a split: train=a.csv.",
        ),
    ] = None,
    image_column: Annotated[str, typer.Option(help="For add: column of the names; guessed without it.")] = "",
    score_column: Annotated[str, typer.Option(help="For add: column of the scores; else guessed.")] = "",
    std_column: Annotated[
        str, typer.Option(help="For add: column of the ratings' standard deviations; else guessed.")
    ] = "",
    low: Annotated[float | None, typer.Option(help="For add: lowest score of the scale, or -inf.")] = None,
    high: Annotated[float | None, typer.Option(help="For add: highest score of the scale, or inf.")] = None,
    lower_is_better: Annotated[bool | None, typer.Option("--lower-is-better/--higher-is-better")] = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="For add: leave out rows without a picture or a score.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="For add: take the place of your own data set of this name.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="For add: ask nothing.")] = False,
    check_sources: Annotated[
        bool,
        typer.Option("--check-sources", help="Ask every address, or those of NAME, what it offers."),
    ] = False,
    croissant: Annotated[
        bool, typer.Option("--croissant", help="Print the record of NAME as Croissant metadata (JSON-LD).")
    ] = False,
    use: Annotated[
        bool, typer.Option("--use", help="For add: write it into experiments/local.yaml and params.yaml.")
    ] = False,
) -> None:
    """List the data sets, show the card of one, or add your own (see docs/adding-a-dataset.md)."""
    words = words or []
    if words[:1] == ["add"]:
        if len(words) < 2 or images is None or not scores:
            raise ValueError("iqa datasets add NAME --images DIR --scores FILE.csv")
        from experiments import adding

        mine = adding.Mine(" ".join(words[1:]), images, scores, (image_column, score_column, std_column))
        scale = adding.Scale(low, high, lower_is_better)
        _declare(adding.add(mine, scale, leave_out=leave_out, replace=replace, ask=not yes), use)
    elif check_sources:
        _check_sources(words)
    elif len(words) > 1:
        raise ValueError(f"one name at a time, not {' '.join(words)}")
    elif croissant and not words:
        raise ValueError("--croissant prints one record: name it, `iqa datasets` lists them")
    elif words:
        from benchmark.datasets import catalogue

        entry = catalogue.entry(words[0])
        typer.echo(_croissant(entry) if croissant else card(entry))
    else:
        _table()


def _croissant(entry: Entry) -> str:
    import json

    from benchmark.datasets.croissant import croissant

    return json.dumps(croissant(entry), indent=2, ensure_ascii=False)


def _check_sources(names: list[str]) -> None:
    """Ask every address of the records; exit code 3 if one does not offer what it should."""
    from benchmark.datasets import catalogue
    from benchmark.datasets.sources import asked
    from benchmark.terms import amount

    wrong = count = 0
    for entry in [catalogue.entry(name) for name in names or catalogue.names()]:
        for url, size, fault in asked(entry):
            offers = "" if size is None else f"{amount(size / 1e9)} GB"
            said = f"{url}: {fault}" if fault else url
            typer.echo(f"{'NO' if fault else 'yes':4}{entry.name:12}{offers:>12}  {said}")
            count += 1
            wrong += bool(fault)
    typer.echo(f"{count} addresses, {wrong} faults", err=True)
    if wrong:
        raise typer.Exit(3)


def _table() -> None:
    from benchmark.datasets import catalogue
    from experiments import settings as settings_of

    sources = settings_of.sources()
    typer.echo(f"{'name':14}{'images':>8}  {'here':39}{'licence'}")
    for name in catalogue.names():
        entry = catalogue.entry(name)
        here = state(entry, sources.get(name))
        typer.echo(f"{name:14}{entry.counts.get('images', '?'):>8}  {here:39}{entry.licence}")


def state(entry: Entry, source: str | None = None) -> str:
    """Whether the release is here, and whether all its pictures and tables are."""
    from benchmark.datasets import layouts
    from benchmark.datasets.prepared.linked import folder_of

    folder = folder_of(entry, source)
    if not folder.is_dir():
        return "no"
    try:
        rows = layouts.read(entry, folder)
    except ValueError:
        return f"incomplete (iqa verify {entry.name})"
    count = len(rows.frame)
    expected = entry.counts.get("images", count)
    if count != expected:
        return f"{count} of {expected} images"
    return f"incomplete (iqa verify {entry.name})" if rows.lacks else "complete"


def card(entry: Entry) -> str:
    """All that a record says."""
    from benchmark.datasets import layouts
    from benchmark.datasets.prepared.linked import folder_of
    from experiments import settings as settings_of

    score = entry.score
    folder = folder_of(entry, settings_of.sources().get(entry.name))
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
            f"{', within a reference alone' if score.within else ''}"
            if score
            else "none"
        ),
        *(
            f"  ratings   {f'about {known.count:g} a picture' if known.count else 'picture by picture'} "
            f"({known.known_from})"
            for known in [score.ratings if score else None]
            if known
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
