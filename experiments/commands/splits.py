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
    splits: Annotated[int | None, typer.Option(min=1, help="Number of seeded splits, 10 without it.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of these, 0 without it.")] = None,
) -> None:
    """Write a split table: seeded by reference content, official, or as published."""
    from benchmark.datasets import splits as of
    from benchmark.files import check_file
    from experiments.runs import unchanged

    told = {"--official": official, "--published": published is not None}
    told["--splits or --seed"] = splits is not None or seed is not None
    if len(ways := [option for option, given in told.items() if given]) > 1:
        raise ValueError(f"{' and '.join(ways)} are different splits; give one of them")
    check_file(out)
    manifest = unchanged.dataset(name).manifest
    if official:
        table = of.official(manifest, name)
    elif published is not None:
        table = of.published(published, manifest)
    else:
        table = of.seeded(manifest, splits or 10, seed or 0)
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
    out: Annotated[Path | None, typer.Option("--out", "-o", help="CSV file for all pairs found.")] = None,
) -> None:
    """Find references, files and pictures, cropped or mirrored too, on both sides; exit code 3: there are."""
    import pandas as pd

    from benchmark.datasets import leaks as of
    from benchmark.datasets.splits import official, read_splits
    from benchmark.files import check_file
    from experiments.runs import unchanged

    if splits is not None and test:
        raise ValueError(
            "--test looks at all pictures of both data sets, whatever --splits says; give one of them"
        )
    if out is not None:
        check_file(out)
        if splits is not None:
            files.check_apart(out, splits)
    data = unchanged.pictured(name)
    train = _content(data)
    bare = {name: (of.bare(train), len(train))}
    if test:
        tables = []
        others = {other: unchanged.pictured(other) for other in test}
        for other, held in others.items():
            content = _content(held)
            bare[other] = of.bare(content), len(content)
            tables.append(of.leaks(train, content, near).assign(split=f"{name} -> {other}"))
        found = pd.concat(tables, ignore_index=True)
    else:
        table = read_splits(splits, data.manifest) if splits else official(data.manifest, name)
        found = of.check(train, table, near)
    if out is not None:
        files.write_csv(found[["split", *of.COLUMNS]], out)
    refuted = found["standing"] == "refuted"
    for (split, kind), rows in found[~refuted].groupby(["split", "kind"], sort=False):
        typer.echo(f"{split}: {len(rows)} {kind}, first {rows.iloc[0]['train']} and {rows.iloc[0]['test']}")
    for (split, kind), rows in found[refuted].groupby(["split", "kind"], sort=False):
        pair = f"{rows.iloc[0]['train']} and {rows.iloc[0]['test']}"
        typer.echo(f"{split}: {len(rows)} that looked {kind} are not, first {pair}", err=True)
    for one, (count, all_) in bare.items():
        if count:
            typer.echo(
                f"{one}: {count} of {all_} pictures show too little for crops of them to be told", err=True
            )
    typer.echo(f"{(~refuted).sum()} leaks", err=True)
    if not refuted.all():
        raise typer.Exit(3)


def _content(data: Dataset) -> pd.DataFrame:
    """Pictures with their prints; references of two data sets are not of one name by having one."""
    from benchmark.datasets.fingerprints import fingerprints, journal_of
    from benchmark.datasets.leaks import with_prints

    images = data.manifest["image"].tolist()
    rows = fingerprints(data.root, images, journal_of(data.record.name))
    frame = with_prints(data.manifest, {row.image: row for row in rows}, data.root)
    named = frame["reference"].map(lambda name: f"{data.record.name}/{name}", na_action="ignore")
    return frame.assign(reference=named)
