"""``iqa records``: results that are handed on, joined and checked."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from benchmark.datasets.prepared import Dataset
    from benchmark.exchange import Check, Record
    from benchmark.method import Trained

    #: From the name of a data set to what is prepared of it, or why that cannot be taken.
    Known = Callable[[str], tuple[Dataset | None, str]]

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
    from experiments.runs import stage

    settings = settings_of.load()
    took = _seconds()
    count = 0
    for method, data in _scored():
        name = data.record.name
        scores = _own_scores(method, data)
        trained = Trained.read(stage.MODELS / method)
        record = exchange.make(trained, data, scores, settings.resampling(name), _cost(trained))
        path = folder / method / f"{name}.json"
        exchange.write(record, path)
        files.write_bytes(path.with_suffix(".csv"), scores)
        told = exchange.machine(took.get(f"score@{method}"))
        files.write_json(told, path.with_suffix(".machine.json"))
        count += 1
    if not count:
        raise ValueError("no method has scored a rated data set here: `dvc repro` makes scores")
    typer.echo(f"{count} records in {folder}")


def _own_scores(method: str, data: Dataset) -> bytes:
    """Scores of a method as it is here now, of the pictures that are prepared now.

    Raises
    ------
    ValueError
        If the method was trained, or a picture prepared, anew since, or the scores are not as they were left.
    """
    from experiments import settings as settings_of
    from experiments.runs import results, stage
    from experiments.runs.cells import Cells
    from experiments.scoring.dataset import Model, made_from

    path = results.scores_of(method, data.record.name)
    about = made_from(Model(stage.MODELS / method), data, settings_of.load())
    stated = {key: about[key] for key in ("method", "pictures", "short_side")}
    if not Cells(path.parent).rests_on(path.name, stated):
        raise ValueError(
            f"{path}: is not what {stage.MODELS / method} gives for {data.root}, as both are now; run "
            f"`dvc repro score@{method}`"
        )
    return path.read_bytes()


def _seconds() -> dict[str, float]:
    """Seconds that each stage took when `iqa repro` last ran it here; none where it never did."""
    from experiments.scheduling.terminal import TIMES

    try:
        return {name: float(seconds) for name, seconds in json.loads(TIMES.read_text()).items()}
    except (OSError, ValueError):
        return {}


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
    from experiments.runs import results, unchanged

    settings = settings_of.load()
    for name in settings.score.datasets:
        scored = [method for method in settings.methods if results.scores_of(method, name).is_file()]
        if scored and results.is_prepared(name) and results.dataset(name).record.rated_by != "none":
            data = unchanged.dataset(name)
            yield from ((method, data) for method in scored)


@app.command()
def add(
    source: Annotated[Path, typer.Argument(help="A record, or a folder of some.")],
    sender: Annotated[str, typer.Option("--from", help="Who sent them: a name of letters and digits.")],
    folder: Annotated[Path, typer.Option(help="Where records lie here.")] = Path("results/records"),
) -> None:
    """Take in records of others. They are read and checked, never executed; what fails stays out."""
    from benchmark import exchange, files
    from experiments.runs import unchanged

    if not sender.isidentifier():
        raise ValueError(f"--from {sender}: a name of letters, digits and _ is needed")
    found = exchange.paths(source)
    if not found:
        raise ValueError(f"{source}: holds no record")
    refused, here = 0, functools.cache(unchanged.known)
    taken: dict[Path, Path] = {}
    for path in found:
        record, failed = _said(path, here)
        if record is None or failed:
            refused += 1
            continue
        one = record.method  # another version is another folder: a new one takes no old one's place
        name = f"{record.dataset.name}.json"
        target = folder / RECEIVED / sender / one.name / one.version[:12] / name
        if (first := taken.setdefault(target, path)) != path:
            told = f"{path}: of the same version on the same data set as {first}, which was taken in"
            typer.echo(exchange.printable(f"{told}; this one was not: give one of them"), err=True)
            refused += 1
            continue
        before = exchange.read(target) if target.is_file() else record
        exchange.write(record, target)
        if (scores := exchange.beside(path)) is not None:
            files.write_bytes(target.with_suffix(".csv"), scores)
        if day := made(path):
            files.write_json({"made": day}, target.with_suffix(".machine.json"))
        typer.echo(f"{target} taken in{'' if before == record else ', in the place of another one'}")
    if refused:
        typer.echo(f"{refused} of {len(found)} records were not taken in", err=True)
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
    from experiments.runs import unchanged

    found, here = exchange.paths(folder), functools.cache(unchanged.known)
    if not found:
        raise ValueError(f"{folder}: holds no record; `iqa records export` writes some")
    failed = sum(_said(path, here, rescore)[1] for path in found)
    typer.echo(f"{len(found) - failed} of {len(found)} records hold as far as they can be checked here")
    if failed:
        raise typer.Exit(3)


@app.command()
def fetch(
    source: Annotated[
        str, typer.Argument(help="Folder of records, or its address: SOURCE/METHOD/DATASET.json.")
    ],
    rescore: Annotated[int, typer.Option(min=1, help="Pictures of each that are scored anew.")] = 8,
    repo: Annotated[
        str, typer.Option(help="Git repository, folder or address, in which SOURCE lies, kept by Git or DVC.")
    ] = "",
    rev: Annotated[str, typer.Option(help="Its commit, branch or tag.")] = "",
    remote: Annotated[
        str, typer.Option(help="Remote of its DVC configuration; without --repo of this checkout's.")
    ] = "",
) -> None:
    """Take scores of others for methods trained and data sets prepared here: they are not computed again.

    --repo, --rev and --remote mean what they mean to `dvc get`.

    Exit code 3: some that are offered for them do not hold, and were not taken.
    """
    from benchmark import exchange
    from experiments import settings as settings_of
    from experiments.scoring.offers import offers
    from experiments.scoring.taken import fetch as taken

    fails = 0
    with offers(source, repo, rev, remote) as offered:
        for one in taken(offered, settings_of.load(), rescore):
            why = f": {exchange.printable(one.why)}" if one.why else ""
            typer.echo(f"{one.what:12}{one.method} on {one.dataset}{why}")
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


def _said(path: Path, here: Known, rescore: int = 0) -> tuple[Record | None, bool]:
    """Check a record, say what was found, and return it with whether something fails."""
    from benchmark import exchange

    try:
        record = exchange.read(path)
    except ValueError as error:
        typer.echo(f"{error}: FAILS")
        return None, True
    data, lacking = here(record.dataset.name)
    scores = exchange.beside(path)
    found = exchange.check(record, scores, data, lacking)
    if rescore and scores is not None and data is not None and not _fails(found):
        from experiments.scoring.rescored import asked

        found = asked(found, record, scores, data, rescore)
    failed = _fails(found)
    typer.echo(f"{exchange.printable(str(path))}: {'FAILS' if failed else 'holds'}")
    for one in found:
        if one.outcome != "holds":
            typer.echo(exchange.printable(f"    {one.what}: {one.outcome}: {one.why}"))
    return record, failed


def _fails(found: list[Check]) -> bool:
    return any(one.outcome == "fails" for one in found)
