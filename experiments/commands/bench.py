"""``iqa bench``: how fast each method is here, how much memory it takes, and what coarser numbers cost."""

from __future__ import annotations

from typing import Annotated

import typer

from experiments.runs import completion


def command(
    method: Annotated[
        list[str],
        typer.Option(
            "--method",
            "-m",
            autocompletion=completion.methods,
            help="`iqa methods` lists them; may be given several times.",
        ),
    ],
    size: Annotated[int, typer.Option(min=32, help="Height and width of the pictures, pixels.")] = 384,
    batch: Annotated[int, typer.Option(min=1, help="Pictures at a time.")] = 8,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    seconds: Annotated[float, typer.Option(min=0.1, help="Time spent on each figure.")] = 5.0,
) -> None:
    """Measure pictures a second and memory in fp32 and in bf16, and how far bf16 moves the scores.

    The pictures are dead leaves, each degraded in another way; decoding is not timed. `MiB` is the most
    memory held while scoring: of the device, or on the CPU of the whole process with torch in it. `drift` is
    the largest change of a score in standard deviations of the scores, `srcc` the rank correlation of both.
    """
    from experiments.runs.trained import load_here
    from experiments.scoring.local import place
    from experiments.scoring.speed import bench, pictures

    for name in method if len(method) > 1 else ():  # one that is not there is said before any is measured
        place(load_here(name), device)  # type: ignore[arg-type]
    images = pictures(max(batch, 24), size)
    head = f"{'method':16}{'precision':11}{'images/s':>9}{'MiB':>8}{'drift':>9}{'srcc':>8}"
    for name in method:
        loaded = load_here(name)
        there = place(loaded, device)  # type: ignore[arg-type]
        for row in bench(loaded, images, batch, there, seconds):
            if head:  # not before something was measured: what is refused has no table
                typer.echo(head)
                head = ""
            speed = f"{name:16}{row.precision:11}{row.rate:9.1f}{row.memory / 2**20:8.0f}"
            typer.echo(f"{speed}{row.drift:9.4f}{row.srcc:8.4f}")
