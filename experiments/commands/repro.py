"""``iqa repro``: the whole pipeline, and the pages of the rest where parts of it cannot run."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from experiments.scheduling.terminal import Log
    from experiments.settings import Settings

#: Findings that are said at the end; the page has all.
FINDINGS = 3


def command(
    jobs: Annotated[
        int, typer.Option(min=1, help="Stages run at once; each may take `threads` cores and 3 GB.")
    ] = 1,
    verbose: Annotated[bool, typer.Option("--verbose", help="All that DVC and the stages say.")] = False,
) -> None:
    """Run `dvc repro`; where data sets or weights are missing, run what can run and make the pages of that.

    Call it again when the missing parts have come: only they run. Exit code 3 if something is missing.
    """
    from experiments import settings as settings_of
    from experiments import warm
    from experiments.scheduling.parallel import (
        Runner,
        cells,
        check_git,
        check_locks,
        one_at_a_time,
        plan,
        stages,
        studies,
    )
    from experiments.scheduling.status import data_sets, scores, trained
    from experiments.scheduling.terminal import Log, described

    settings = settings_of.load()
    check_git()
    check_locks()
    with one_at_a_time():
        log = None if verbose else Log(stages(settings), described(), jobs, typer.echo)
        with log or contextlib.nullcontext(), contextlib.ExitStack() as lasting, Runner(log) as dvc:
            if jobs > 1 and not dvc.up_to_date():
                lasting.enter_context(warm.kept())
                dvc.chains(plan(settings), jobs)
            if dvc.repro("--keep-going") == 0:
                _complete(settings, log)
                return
            for stage in (*itertools.chain(*cells(settings), *studies(settings)), "report"):
                dvc.repro("--single-item", stage)
    lines = [*data_sets(settings), *trained(settings), *scores(settings)]
    gone = [f"  {name:30}{said}" for name, there, said in lines if not there]
    if gone:
        typer.echo("\n".join(["\nMissing, with what brings it:", *gone]))
    else:
        more = "" if verbose else " after FAILED; `iqa repro --verbose` shows all that was said"
        typer.echo(f"\nA stage failed though nothing is missing: its message is above{more}.")
    typer.echo("\nThe pages show the rest: reports/index.html. Once that is mended, call `iqa repro` again.")
    raise typer.Exit(3)


def _complete(settings: Settings, log: Log | None) -> None:
    """Say what was found, where the pages lie and what to try next."""
    from benchmark.reporting.findings import sentences
    from benchmark.reporting.run import Run
    from experiments.scheduling.terminal import minutes

    if log is not None:
        ran = sum(log.ended.values())
        worked = f"{ran or 'none'} of {len(log.ended)} stages had work to do"
        typer.echo(f"complete in {minutes(log.seconds)}: {worked}")
    if found := sentences(Run())[:FINDINGS]:
        typer.echo("\n".join(["\nWhat was found:", *(f"  - {one}" for one in found)]))
    typer.echo(
        "\nThe pages: reports/index.html\n"
        "Next: `iqa new-method mine --use` adds a method of your own, `iqa datasets add NAME --images FOLDER "
        "--scores FILE --use` a data set; `iqa repro` then runs what is new."
    )
    if settings.profile == "demo":
        typer.echo(
            "`iqa params --profile paper` makes it the paper's run; docs/paper.md says what that takes."
        )
