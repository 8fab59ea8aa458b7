"""``iqa repro``: the whole pipeline, and the pages of the rest where parts of it cannot run."""

from __future__ import annotations

import itertools
from typing import Annotated

import typer


def command(
    jobs: Annotated[
        int, typer.Option(min=1, help="Stages run at once; each may take `threads` cores and 3 GB.")
    ] = 1,
) -> None:
    """Run `dvc repro`; where data sets or weights are missing, run what can run and make the pages of that.

    Call it again when the missing parts have come: only they run. Exit code 3 if something is missing.
    """
    from experiments import settings as settings_of
    from experiments.doctoring import data_sets, scores, trained
    from experiments.side_by_side import Runner, cells, check_locks, rounds, studies

    settings = settings_of.load()
    check_locks()
    with Runner() as dvc:
        if jobs > 1 and not dvc.up_to_date():
            for chains in rounds(settings):
                dvc.chains(chains, jobs)
        if dvc.repro("--keep-going") == 0:
            typer.echo("complete: open reports/index.html")
            return
        for stage in (*itertools.chain(*cells(settings), *studies(settings)), "report"):
            dvc.repro("--single-item", stage)
    lines = [*data_sets(settings), *trained(settings), *scores(settings)]
    gone = [f"  {name:30}{said}" for name, there, said in lines if not there]
    typer.echo("\nMissing, with what brings it:" if gone else "\nA stage failed; its message is above.")
    typer.echo("\n".join(gone))
    typer.echo("\nThe pages show the rest: reports/index.html. Then call `iqa repro` again.")
    raise typer.Exit(3)
