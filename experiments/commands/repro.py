"""``iqa repro``: the whole pipeline, and the pages of the rest where parts of it cannot run."""

from __future__ import annotations

import subprocess
import sys

import typer

#: Stages that put together what others left, and can do so with a part of it; the pages come last.
GATHER = ("evaluate", "cross_dataset", "sweep", "robustness", "gmad", "gradcam", "ablation", "report")


def command() -> None:
    """Run `dvc repro`; where data sets or weights are missing, run what can run and make the pages of that.

    Call it again when the missing parts have come: only they run. Exit code 3 if something is missing.
    """
    from experiments import settings as settings_of
    from experiments.doctoring import data_sets, scores, trained

    settings = settings_of.load()
    if _dvc("--keep-going") == 0:
        typer.echo("complete: reports/index.html")
        return
    for stage in GATHER:
        _dvc("--single-item", stage)
    lines = [*data_sets(settings), *trained(settings), *scores(settings)]
    gone = [f"  {name:30}{said}" for name, there, said in lines if not there]
    typer.echo("\nMissing, with what brings it:" if gone else "\nA stage failed; its message is above.")
    typer.echo("\n".join(gone))
    typer.echo("\nThe pages show the rest: reports/index.html. Then call `iqa repro` again.")
    raise typer.Exit(3)


def _dvc(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "dvc", "repro", *arguments], check=False).returncode
