"""``iqa report``: the pages of a run, and how it differs from another one."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    pages: Annotated[
        list[str] | None, typer.Argument(help="Notebooks without ending; all of them by default.")
    ] = None,
    compare: Annotated[
        str,
        typer.Option(
            help="Folder of another checkout or of records; a commit, branch, tag or experiment of DVC; "
            "`reference`, the records of this repository."
        ),
    ] = "",
) -> None:
    """Make the pages in reports/; with --compare, the page reports/comparison.html of two runs (and PAGES).

    The comparison is no output of the pipeline: the next `dvc repro report` removes it.
    """
    import tempfile
    from pathlib import Path

    from benchmark.files import check_folder
    from experiments.pages.comparison import fetch, write
    from experiments.pages.notebooks import report
    from experiments.runs import stage

    check_folder(stage.REPORTS)
    with tempfile.TemporaryDirectory() as folder:
        other = fetch(compare, Path(folder)) if compare else None
        if pages or other is None:
            report(pages or [])
        if other is not None:
            typer.echo(write(compare, other))
