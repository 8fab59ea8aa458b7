"""``iqa records``: results that are handed on, joined and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from benchmark.datasets.prepared import Dataset
    from benchmark.exchange import Check, Record
    from benchmark.method import Trained

app = typer.Typer(
    no_args_is_help=True, help="Records of results: hand them on, take those of others in, check."
)

#: Where the records of others are put.
RECEIVED = "received"

Folder = Annotated[Path, typer.Argument(help="Folder of records: METHOD/DATASET.json, scores beside.")]


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where they are written.")] = Path("results/records"),
) -> None:
    """Write a record of every method on every data set that was rated, with its scores beside."""
    from benchmark import exchange, files
    from benchmark.method import Trained
    from experiments import settings as settings_of
    from experiments.runs import results, stage

    settings = settings_of.load()
    asked = settings.evaluate
    count = 0
    for method, data in _scored():
        name = data.record.name
        scores = results.scores_of(method, name).read_bytes()
        protocol = {
            "resamples": asked.resamples,
            "seed": settings.seed,
            "interval": asked.interval,
            "mapping": asked.mapping,
            "ratings": asked.ratings.get(name),
        }
        trained = Trained.read(stage.MODELS / method)
        record = exchange.make(trained, data, scores, protocol, _cost(trained))
        path = folder / method / f"{name}.json"
        exchange.write(record, path)
        files.write_bytes(path.with_suffix(".csv"), scores)
        files.write_json(exchange.machine(), path.with_suffix(".machine.json"))
        count += 1
    if not count:
        raise ValueError("no method has scored a rated data set here: `dvc repro` makes scores")
    typer.echo(f"{count} records in {folder}")


def _cost(method: Trained) -> dict[str, int] | None:
    """What a picture costs a method, where that was counted of this version."""
    from benchmark.tables import read_results
    from experiments.runs import stage

    if not (path := stage.TABLES / "cost.csv").is_file():
        return None
    table = read_results(path)
    names = ["width", "height", "parameters", "multiply_adds"]
    own = table[table["method"].eq(method.name) & table["signature"].eq(f"method={method.version[:12]}")]
    own = own.dropna(subset=names)
    return None if own.empty else {name: int(own[name].iloc[0]) for name in names}


def _scored() -> Iterator[tuple[str, Dataset]]:
    """Every method with every rated data set that it has scored whole or in part."""
    from experiments import settings as settings_of
    from experiments.runs import results

    settings = settings_of.load()
    for dataset in settings.score.datasets:
        if results.is_prepared(dataset) and results.dataset(dataset).record.rated_by != "none":
            for method in settings.methods:
                if results.scores_of(method, dataset).is_file():
                    yield method, results.dataset(dataset)


@app.command()
def add(
    source: Annotated[Path, typer.Argument(help="A record, or a folder of some.")],
    sender: Annotated[str, typer.Option("--from", help="Who sent them: a name of letters and digits.")],
    folder: Annotated[Path, typer.Option(help="Where records lie here.")] = Path("results/records"),
) -> None:
    """Take in records of others. They are read and checked, never executed; what fails stays out."""
    from benchmark import exchange, files

    if not sender.isidentifier():
        raise ValueError(f"--from {sender}: a name of letters, digits and _ is needed")
    found = list(exchange.records(source))
    if not found:
        raise ValueError(f"{source}: holds no record")
    refused = 0
    for path, record in found:
        one = record.method  # another version is another folder: a new one takes no old one's place
        name = f"{record.dataset.name}.json"
        target = folder / RECEIVED / sender / one.name / one.version[:12] / name
        if _said(path, record):
            refused += 1
            continue
        exchange.write(record, target)
        if (scores := exchange.beside(path)) is not None:
            files.write_bytes(target.with_suffix(".csv"), scores)
        if day := made(path):
            files.write_json({"made": day}, target.with_suffix(".machine.json"))
        typer.echo(f"{target} taken in")
    if refused:
        typer.echo(f"{refused} of {len(found)} records fail and were not taken in", err=True)
        raise typer.Exit(3)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="A record, or a folder of some.")] = Path("results/records"),
    rescore: Annotated[
        int,
        typer.Option(min=0, help="Score so many pictures anew, where that version of the method is here."),
    ] = 0,
) -> None:
    """Work every figure out anew from the scores beside; exit code 3: some records fail."""
    from benchmark import exchange

    found = list(exchange.records(folder))
    if not found:
        raise ValueError(f"{folder}: holds no record; `iqa records export` writes some")
    failed = sum(_said(path, record, rescore) for path, record in found)
    typer.echo(f"{len(found) - failed} of {len(found)} records hold as far as they can be checked here")
    if failed:
        raise typer.Exit(3)


@app.command()
def fetch(
    source: Annotated[
        str, typer.Argument(help="Folder of records, or its address: SOURCE/METHOD/DATASET.json.")
    ],
    rescore: Annotated[int, typer.Option(min=1, help="Pictures of each that are scored anew.")] = 8,
) -> None:
    """Take scores of others for methods trained and data sets prepared here: they are not computed again.

    Exit code 3: some that are offered for them do not hold, and were not taken.
    """
    from experiments import settings as settings_of
    from experiments.scoring.taken import check_source
    from experiments.scoring.taken import fetch as taken

    check_source(source)
    fails = 0
    for one in taken(source, settings_of.load(), rescore):
        typer.echo(f"{one.what:12}{one.method} on {one.dataset}{f': {one.why}' if one.why else ''}")
        fails += one.what == "fails"
    if fails:
        raise typer.Exit(3)


@app.command()
def schema() -> None:
    """Print the form of a record as JSON Schema."""
    from benchmark.exchange.record import described

    typer.echo(described())


def made(path: Path) -> str:
    """Return the day that stands beside a record; "" where none does, or what stands there is no day."""
    from datetime import date

    from benchmark.exchange import LARGEST

    machine = path.with_suffix(".machine.json")
    if not machine.is_file() or machine.is_symlink() or machine.stat().st_size > LARGEST[".json"]:
        return ""
    try:
        return date.fromisoformat(json.loads(machine.read_bytes())["made"]).isoformat()
    except (ValueError, KeyError, TypeError):
        return ""


def _said(path: Path, record: Record, rescore: int = 0) -> bool:
    """Check a record, say what was found, and return whether something fails."""
    from benchmark import exchange
    from experiments.runs import results

    name = record.dataset.name
    data = results.dataset(name) if results.is_prepared(name) else None
    scores = exchange.beside(path)
    found = exchange.check(record, scores, data)
    if rescore and scores is not None and data is not None and not _fails(found):
        from experiments.scoring.rescored import rescored

        found[-1] = rescored(record, scores, data, rescore)
    failed = _fails(found)
    typer.echo(f"{path}: {'FAILS' if failed else 'holds'}")
    for one in found:
        if one.outcome != "holds":
            typer.echo(f"    {one.what}: {one.outcome}: {one.why}")
    return failed


def _fails(found: list[Check]) -> bool:
    return any(one.outcome == "fails" for one in found)
