"""``iqa leaderboard``: static pages of the records of many people."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from benchmark.exchange import Check, Record
    from benchmark.leaderboard import Entry, Standing


def command(
    folder: Annotated[
        Path, typer.Argument(help="Folder of records, as `iqa records` writes it; those of others too.")
    ] = Path("results/records"),
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the pages.")] = Path("leaderboard"),
) -> None:
    """Make pages of all records of a folder: measured here, verified and reported told apart.

    Every record is checked again; those that fail are left out, and listed.
    """
    from benchmark import exchange, files
    from benchmark.leaderboard import UNSAID, Entry, pages
    from experiments.commands.records import made
    from experiments.runs import unchanged

    _check_apart(folder, out)
    entries, left_out, here = [], [], functools.cache(unchanged.known)
    whole: dict[str, dict[str, tuple[Record, bytes]]] = {}
    for path in exchange.paths(folder):
        place = path.relative_to(folder) if path != folder else Path(path.name)
        try:
            record = exchange.read(path)
        except ValueError as error:
            left_out.append(str(error).replace(exchange.printable(str(path)), str(place)))
            continue
        name = record.dataset.name
        data, lacking = here(name)
        checks = exchange.check(record, exchange.beside(path), data, lacking)
        failed = [f"{place}: {one.what}: {one.why}" for one in checks if one.outcome == "fails"]
        left_out += failed
        if not failed:
            sender = _sender(path, place) or ("" if _is_own(record) else UNSAID)
            file = f"records/{place.as_posix()}"
            entries.append(Entry(record, sender, _standing(checks, sender), file, made(path)))
            if (scores := exchange.beside(path)) is not None and entries[-1].standing != "reported":
                whole.setdefault(name, {})[file] = record, scores
    if not entries:
        raise ValueError(f"{folder}: holds no record that holds; `iqa records export` writes some")
    ranks = {
        name: exchange.ranked(of, data)
        for name, of in sorted(whole.items())
        if (data := here(name)[0]) is not None
    }
    made_of = pages(entries, left_out, ranks, _titles(entries))
    for lacking in sorted({here(entry.record.dataset.name)[1] for entry in entries} - {""}):
        typer.echo(f"{lacking}: its records are called reported", err=True)
    _clear(out)
    for entry in entries:
        exchange.write(entry.record, out / entry.file)
    for name, text in made_of.items():
        files.write_text(out / f"{name}.html", text)
    typer.echo(f"{out / 'index.html'}: {len(entries)} records, {len(left_out)} left out")


def _sender(path: Path, place: Path) -> str:
    """Who sent a record, "" where that is not said, by the folder below that of received ones.

    ``place`` is its path below the folder that was asked for, which may be that of received ones itself.
    """
    from experiments.commands.records import RECEIVED

    whole = path.resolve()
    inside = whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else place
    for parts in (place.parts, inside.parts):
        if RECEIVED in parts[:-2]:
            return parts[parts.index(RECEIVED) + 1]
    return ""


def _is_own(record: Record) -> bool:
    """Whether this checkout has these very scores, by the version of the method that is here."""
    from benchmark.files import sha256_of
    from benchmark.method import TRAINED, Trained
    from experiments.runs import results, stage

    folder = stage.MODELS / record.method.name
    scores = results.scores_of(record.method.name, record.dataset.name)
    if not (folder / TRAINED).is_file() or not scores.is_file():
        return False
    same = Trained.read(folder).version == record.method.version
    return same and sha256_of(scores) == record.scores.sha256


def _check_apart(folder: Path, out: Path) -> None:
    """Raise ValueError where the records that are read would be written over, or pages of something else."""
    from benchmark.leaderboard import SITE

    there, kept, index = folder.resolve(), (out / "records").resolve(), out / "index.html"
    if there.is_relative_to(kept) or kept.is_relative_to(there):
        raise ValueError(f"--out {out}: {folder} and the copies in {out / 'records'} would mix; name another")
    if index.is_file() and f"<title>{SITE} · {SITE}</title>" not in index.read_text(errors="replace"):
        raise ValueError(f"--out {out}: index.html there is of no leaderboard; name another folder")


def _clear(out: Path) -> None:
    """Take away what an earlier call left: nothing stays of records that are gone, or fail now."""
    if (out / "index.html").is_file():
        shutil.rmtree(out / "records", ignore_errors=True)
        for page in (*out.glob("set-*.html"), out / "records.html", out / "versions.html"):
            page.unlink(missing_ok=True)


def _titles(entries: list[Entry]) -> dict[str, str]:
    """Titles of the data sets that are prepared here, or known; those of others are their senders' words."""
    from benchmark.datasets import catalogue
    from experiments.runs import results

    named = sorted({entry.record.dataset.name for entry in entries})
    found = {name: catalogue.entry(name).title for name in named if name in catalogue.names()}
    return found | {name: results.dataset(name).record.title for name in named if results.is_prepared(name)}


def _standing(checks: list[Check], sender: str) -> Standing:
    whole = any(one.what == "figures" and one.outcome == "holds" for one in checks)
    if not whole:
        return "reported"
    return "verified" if sender else "measured here"
