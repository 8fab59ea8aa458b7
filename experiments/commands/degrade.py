"""``iqa degrade``: one picture, one type of degradation, one level."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    image: Annotated[Path, typer.Argument(help="A picture of at least 32 x 32 pixels.")],
    kind: Annotated[str, typer.Option(help="One of the 24 types, or `all` for a contact sheet.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="PNG file to write.")],
    level: Annotated[
        int | None, typer.Option(help="1, the mildest, to 5; 3 without it. The sheet shows all five.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random draws.")] = 0,
) -> None:
    """Degrade a picture; docs/degradations.md shows the 24 types."""
    from benchmark.degradations.sheet import degrade_file, sheet_file
    from benchmark.files import check_apart, check_file

    if kind == "all" and level is not None:
        raise ValueError(f"--level {level}: the sheet of --kind all shows all five; leave it out")
    check_file(out)
    check_apart(out, image)
    out.parent.mkdir(parents=True, exist_ok=True)
    if kind == "all":
        sheet_file(image, out, seed)
    else:
        degrade_file(image, kind, 3 if level is None else level, out, seed)
    typer.echo(f"{out} written", err=True)
