"""``iqa report``: the pages of a run, and how it differs from another one."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    pages: Annotated[
        list[str] | None, typer.Argument(help="Notebooks without ending; all of them by default.")
    ] = None,
    compare: Annotated[
        str, typer.Option(help="Folder of another checkout, or a commit, branch, tag or experiment of DVC.")
    ] = "",
) -> None:
    """Make the pages in reports/; with --compare, the page reports/comparison.html of two runs (and PAGES).

    The comparison is no output of the pipeline: the next `dvc repro report` removes it.
    """
    import tempfile
    from pathlib import Path

    if pages or not compare:
        from experiments.report import report

        report(pages or [])
    if compare:
        from experiments.comparing import fetch, write

        with tempfile.TemporaryDirectory() as folder:
            typer.echo(write(compare, fetch(compare, Path(folder))))
