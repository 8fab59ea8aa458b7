"""``iqa weights``: what files of weights say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="What files of weights say.")


@app.callback()
def weights() -> None:
    """Keep ``compare`` a command of its own."""


@app.command("compare")
def compare(
    before: Annotated[
        Path, typer.Argument(help="Weights that a training started from, e.g. OpenAI's RN50.pt.")
    ],
    after: Annotated[Path, typer.Argument(help="Weights that it led to, e.g. qualiclip.pth.")],
    steps: Annotated[
        int, typer.Option(min=1, help="Steps that the training is said to have taken.")
    ] = 87_500,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder of pictures whose features are compared.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="File for the comparison, a row a tensor.")] = None,
) -> None:
    """Say how far each layer moved, what did not move, and what that implies for the training's settings."""
    from benchmark import files
    from methods._shared.weights import comparison

    if csv is not None:
        files.check_file(csv)
        files.check_apart(csv, before, after)
    first, second = comparison.named(before), comparison.named(after)
    table = comparison.compare(first, second)
    typer.echo(comparison.summary(table).to_string(index=False, float_format="{:.3g}".format))
    for line in comparison.implied(table, first, second, steps):
        typer.echo(line)
    if pictures is not None:
        from benchmark import images
        from methods._shared.clip.official import feature_cosines

        paths = images.below(pictures)
        cosines = feature_cosines(first, second, paths)
        for path, cosine in zip(paths, cosines, strict=True):
            typer.echo(f"{path.name}  cosine of the features {cosine:.6f}")
    if csv is not None:
        files.write_csv(table, csv, digits=6)
        typer.echo(f"{len(table)} tensors: {csv}")
