"""``iqa score``: score pictures with a method, as published or as it was trained here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.method import Method
    from benchmark.scoring import Row
    from experiments.inputs import Picture
    from experiments.scoring_run import How

EXAMPLES = """
    iqa score photo.jpg --method qualiclip-small

    iqa score holidays/ "more/*.png" --method qualiclip --out scores.csv

    find . -name "*.jpg" | iqa score - --method sharpness --out scores.parquet
"""


def command(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, folders, globs, CSV or parquet lists, addresses such as s3://bucket/folder/, "
            "or - for paths on standard input."
        ),
    ],
    method: Annotated[
        list[str],
        typer.Option(
            help="A published method (`iqa methods` lists them), trained:NAME, or the folder of a trained "
            "one; may be given several times."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="File .csv, .parquet or .json; else a table on standard output.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with a run that was stopped, or with a list that has grown: the journal beside --out "
            "knows which pictures were scored.",
        ),
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32, or bf16: faster, and a little off.")] = "fp32",
    batch: Annotated[
        int, typer.Option(min=1, help="Most pictures of one size at a time: 2 suits a CPU, 32 a GPU.")
    ] = 2,
    engine: Annotated[str, typer.Option(help="local, or ray: on the cluster of RAY_ADDRESS.")] = "local",
    jobs: Annotated[int, typer.Option(min=1, help="Threads that decode.")] = 2,
    sort: Annotated[bool, typer.Option("--sort", help="Best first instead of the order given.")] = False,
    explain: Annotated[
        Path | None, typer.Option(help="Folder for pictures of where the score comes from (gradCAM).")
    ] = None,
) -> None:
    """Score pictures. Exit code 3 if some could not be scored; the column `error` says why."""
    from experiments.inputs import pictures
    from experiments.outputs import check_format, write_frame
    from experiments.scoring_run import How

    if out is not None:
        check_format(out)
    elif resume:
        raise ValueError("--resume needs --out, beside which the journal lies")
    for option, value in (("device", device), ("precision", precision), ("engine", engine)):
        if value not in _CHOICES[option]:
            raise ValueError(f"--{option} must be one of {', '.join(_CHOICES[option])}, not {value!r}")
    how = How(device, precision, batch, jobs)  # type: ignore[arg-type]
    files = pictures(paths, sys.stdin)
    loaded = {name: _loaded(name) for name in dict.fromkeys(method)}
    if explain is not None:
        _check_explained(loaded)
    frames = {name: _scored(name, one, files, how, engine, out, resume) for name, one in loaded.items()}
    frame = _together(frames, sort)
    if out is None:
        frame.to_csv(sys.stdout, index=False, float_format="%.9g", errors="surrogateescape")
    else:
        write_frame(frame, out)
    if explain is not None:
        for name, part in frames.items():
            _explain(loaded[name], files, part, explain / _slug(name))
    if sys.stderr.isatty():
        for name, part in frames.items():
            _say(name, part, out)
    failed = int(frame["score"].isna().sum())
    if failed:
        typer.echo(f"{failed} of {len(frame)} could not be scored; the column `error` says why", err=True)
        raise typer.Exit(3)


_CHOICES = {
    "device": ("auto", "cpu", "cuda", "mps"),
    "precision": ("fp32", "bf16"),
    "engine": ("local", "ray"),
}


def _scored(
    name: str, method: Method, files: list[Picture], how: How, engine: str, out: Path | None, resume: bool
) -> pd.DataFrame:
    """Score with one method; its journal stays, for a run that goes on or a list that grows."""
    from experiments import scoring_run
    from experiments.engine_ray import ray_rows
    from experiments.provenance import provenance

    made = provenance(name, method, how.precision)
    weights = {key: made[key] for key in ("weights_sha256", "version")}
    about = scoring_run.fingerprint(method, how, engine=engine, **weights)
    journal = _journal(out, name) if out else None

    def rows_of(done: Mapping[int, tuple[int, int] | None]) -> Iterator[list[Row]]:
        if engine == "ray":
            return ray_rows(files, name, how, done)
        return scoring_run.local_rows(files, method, how, done)

    try:
        frame = scoring_run.collect(files, rows_of, about, journal=journal, resume=resume)
    except KeyboardInterrupt:
        if journal:
            typer.echo(f"stopped; the same command with --resume goes on from {journal}", err=True)
        raise typer.Exit(130) from None
    return frame.assign(**made)


def _loaded(name: str) -> Method:
    """Load a method, and say so where one trained here goes by the same name."""
    from experiments.trained import TRAINED, folder_of, load_here

    here = folder_of(f"{TRAINED}:{name}")
    if folder_of(name) is None and here is not None and (here / "method.json").is_file():
        typer.echo(f"{name}: as published; the one trained here is --method {TRAINED}:{name}", err=True)
    return load_here(name)


def _check_explained(methods: Mapping[str, Method]) -> None:
    """Refuse methods without gradients before an hour of scoring, not after."""
    from benchmark.method import has_gradients

    for name, method in methods.items():
        if not has_gradients(method):
            raise ValueError(f"--explain: {name} has no gradients that a map could be made of; leave it out")


def _explain(method: Method, files: list[Picture], frame: pd.DataFrame, folder: Path) -> None:
    from experiments.explain import explain

    scored = frame["score"].notna()
    explain([file for file, there in zip(files, scored, strict=True) if there], method, folder)


def _journal(out: Path, name: str) -> Path:
    return out.with_name(f".{out.name}.{_slug(name)}.journal")


def _slug(name: str) -> str:
    """Name of a method as part of a file's name: a folder's last part, without colons."""
    return Path(name).name.replace(":", "_")


def _together(frames: dict[str, pd.DataFrame], sort: bool) -> pd.DataFrame:
    """One table of all methods, each row with what made it."""
    import pandas as pd

    parts = [
        part.sort_values("score", ascending=part["direction"].iloc[0] == "lower", kind="stable")
        if sort
        else part
        for part in frames.values()
    ]
    return pd.concat(parts, ignore_index=True)


def _say(name: str, frame: pd.DataFrame, out: Path | None) -> None:
    """Summarise on the terminal: how many, the best and the worst."""
    good = frame.dropna(subset="score").sort_values("score", kind="stable")
    if frame["direction"].iloc[0] == "lower":
        good = good[::-1]
    typer.echo(f"{name}: {len(good)} of {len(frame)} scored{f', in {out}' if out else ''}", err=True)
    if len(good) > 1:
        for label, row in (("worst", good.iloc[0]), ("best", good.iloc[-1])):
            typer.echo(f"  {label:6}{row['score']:10.4f}  {row['image']}", err=True)


command.__doc__ = f"{command.__doc__}\n\nExamples:\n{EXAMPLES}"
