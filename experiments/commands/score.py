"""``iqa score``: score pictures with a method, as the pipeline trained it where it has."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

#: Endings of files that a folder is searched for.
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


def pictures_in(paths: list[Path]) -> list[Path]:
    """Files as given, folders as the pictures below them, sorted.

    Raises
    ------
    ValueError
        If a path does not exist or a folder holds no picture.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURES and p.is_file())
            if not inside:
                raise ValueError(f"{path} holds no picture ({', '.join(sorted(PICTURES))})")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise ValueError(f"{path} does not exist")
    return found


def command(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    method: Annotated[
        str,
        typer.Option(help="`iqa methods` lists them; one that `dvc repro` trained here is taken as trained."),
    ],
    out: Annotated[Path | None, typer.Option(help="CSV file; standard output without it.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures of one size scored at a time.")] = 16,
) -> None:
    """Score pictures; exit code 3 if some could not be scored."""
    from benchmark.scoring import score_files, write_scores
    from experiments.train import load_here

    frame = score_files(pictures_in(paths), load_here(method), batch=batch)
    if out is None:
        frame.to_csv(sys.stdout, index=False)
    else:
        write_scores(frame, out)
    failed = int(frame["score"].isna().sum())
    if failed:
        typer.echo(f"{failed} of {len(frame)} could not be scored; see the column `error`", err=True)
        raise typer.Exit(3)
