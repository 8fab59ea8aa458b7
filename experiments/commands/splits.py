"""``iqa splits``: make the splits of a data set, find what leaks through them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark import files
from experiments.runs import completion

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.datasets.prepared import Dataset

app = typer.Typer(no_args_is_help=True, help="Splits of a prepared data set, and their leaks.")


@app.command("make")
def make(
    name: Annotated[str, typer.Argument(autocompletion=completion.datasets, help="A prepared data set.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV file to write.")],
    official: Annotated[bool, typer.Option("--official", help="The release's own split.")] = False,
    published: Annotated[
        Path | None, typer.Option(help="Folder of ARNIQA's train.npy, val.npy and test.npy.")
    ] = None,
    splits: Annotated[int, typer.Option(min=1, help="Number of seeded splits.")] = 10,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Write a split table: seeded by reference content, official, or as published."""
    from benchmark import datasets
    from benchmark.datasets import splits as of
    from benchmark.files import check_file
    from experiments.runs import stage

    check_file(out)
    manifest = datasets.load(name, stage.DATA).manifest
    if official:
        table = of.official(manifest)
    elif published is not None:
        table = of.published(published, manifest)
    else:
        table = of.seeded(manifest, splits, seed)
    files.write_csv(table, out)
    typer.echo(f"{out} written: {table.shape[1] - 1} splits of {len(table)} images", err=True)


@app.command("check")
def check(
    name: Annotated[
        str,
        typer.Argument(autocompletion=completion.datasets, help="A prepared data set: the one trained on."),
    ],
    splits: Annotated[Path | None, typer.Option(help="Split table; without it the official split.")] = None,
    test: Annotated[list[str] | None, typer.Option(help="Another prepared data set, to test on.")] = None,
    near: Annotated[int, typer.Option(min=0, max=32, help="Bits of 128 that looks may differ by.")] = 12,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="CSV file for all leaks found.")] = None,
) -> None:
    """Find references, identical, near and mirrored pictures on both sides; exit code 3 if there are any."""
    import pandas as pd

    from benchmark import datasets
    from benchmark.datasets import splits as of
    from benchmark.files import check_file
    from experiments.runs import stage

    if out is not None:
        check_file(out)
    data = datasets.load(name, stage.DATA)
    if test:
        tables = []
        others = {other: datasets.load(other, stage.DATA) for other in test}
        train = _content(data)
        for other, held in others.items():
            leaked = of.leaks(train, _content(held), near)
            tables.append(leaked.assign(split=f"{name} -> {other}"))
        leaks = pd.concat(tables, ignore_index=True)
    else:
        table = of.read_splits(splits, data.manifest) if splits else of.official(data.manifest)
        leaks = of.check(data.manifest, table, _prints(data), near)
    for (split, kind), rows in leaks.groupby(["split", "kind"], sort=False):
        first = rows.iloc[0]
        typer.echo(f"{split}: {len(rows)} {kind}, first {first['train']} and {first['test']}")
    if out is not None:
        files.write_csv(leaks, out)
    typer.echo(f"{len(leaks)} leaks; looks are those of whole pictures: crops pass unseen", err=True)
    if len(leaks):
        raise typer.Exit(3)


def _prints(data: Dataset) -> dict[str, tuple[str, str]]:
    from benchmark.datasets.fingerprints import fingerprints, journal_of

    images = data.manifest["image"].tolist()
    rows = fingerprints(data.root, images, journal_of(data.record.name))
    return {row.image: (row.sha256, row.looks) for row in rows}


def _content(data: Dataset) -> pd.DataFrame:
    """Pictures with their prints; references of two data sets are not of one name by having one."""
    from benchmark.datasets.splits import with_prints

    frame = with_prints(data.manifest, _prints(data))
    named = frame["reference"].map(lambda name: f"{data.record.name}/{name}", na_action="ignore")
    return frame.assign(reference=named)
