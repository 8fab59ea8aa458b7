"""``iqa leaderboard``: static pages of the records of many people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from benchmark.exchange import Check, Record
    from benchmark.leaderboard import Standing


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
    from benchmark.leaderboard import Entry, pages
    from experiments.commands.records import RECEIVED, made
    from experiments.runs import results

    entries, left_out = [], []
    whole: dict[str, dict[str, tuple[Record, bytes]]] = {}
    for path, record in exchange.records(folder):
        name = record.dataset.name
        data = results.dataset(name) if results.is_prepared(name) else None
        checks = exchange.check(record, exchange.beside(path), data)
        place = path.relative_to(folder) if path != folder else Path(path.name)
        failed = [f"{place}: {one.what}: {one.why}" for one in checks if one.outcome == "fails"]
        left_out += failed
        if not failed:
            sender = place.parts[1] if place.parts[0] == RECEIVED and len(place.parts) > 2 else ""
            file = f"records/{place.as_posix()}"
            entries.append(Entry(record, sender, _standing(checks, sender), file, made(path)))
            if (scores := exchange.beside(path)) is not None and entries[-1].standing != "reported":
                whole.setdefault(name, {})[file] = record, scores
            exchange.write(record, out / file)
    if not entries:
        raise ValueError(f"{folder}: holds no record that holds; `iqa records export` writes some")
    ranks = {name: exchange.ranked(of, results.dataset(name)) for name, of in sorted(whole.items())}
    for name, text in pages(entries, left_out, ranks).items():
        files.write_text(out / f"{name}.html", text)
    typer.echo(f"{out / 'index.html'}: {len(entries)} records, {len(left_out)} left out")


def _standing(checks: list[Check], sender: str) -> Standing:
    whole = any(one.what == "figures" and one.outcome == "holds" for one in checks)
    if not whole:
        return "reported"
    return "verified" if sender else "measured here"
