"""``iqa score``: score pictures with a method, as the pipeline trained it where it has."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

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
    method: Annotated[list[str], typer.Option(help="`iqa methods` lists them; may be given several times.")],
    out: Annotated[
        Path | None, typer.Option(help="File .csv, .parquet or .json; else a table on standard output.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
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
    if explain is not None:
        _check_explained(method)
    frames = {name: _scored(name, files, how, engine, out, resume) for name in dict.fromkeys(method)}
    if explain is not None:
        for name, part in frames.items():
            _explain(name, files, part, explain / _slug(name))
    frame = _together(frames, sort)
    if out is None:
        frame.to_csv(sys.stdout, index=False, float_format="%.9g", errors="surrogateescape")
    else:
        write_frame(frame, out)
        for name in frames:
            _journal(out, name).unlink(missing_ok=True)
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
    name: str, files: list[Picture], how: How, engine: str, out: Path | None, resume: bool
) -> pd.DataFrame:
    """Score with one method; its journal is left where the run is stopped."""
    from experiments import scoring_run, stage
    from experiments.engine_ray import ray_rows
    from experiments.trained import load_here

    method = load_here(name)
    trained = [folder / name / "method.json" for folder in (Path(), stage.MODELS)]
    version = stage.sha256(path for path in trained if path.is_file())
    about = scoring_run.fingerprint(files, method, how, version=version, engine=engine)
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
    frame.attrs["higher_is_better"] = method.higher_is_better
    return frame


def _check_explained(names: list[str]) -> None:
    """Refuse methods without gradients before an hour of scoring, not after."""
    from benchmark.method import HasGradients
    from experiments.trained import load_here

    for name in names:
        if not isinstance(load_here(name), HasGradients):
            raise ValueError(f"--explain: {name} has no gradients that a map could be made of; leave it out")


def _explain(name: str, files: list[Picture], frame: pd.DataFrame, folder: Path) -> None:
    from experiments.explain import explain
    from experiments.trained import load_here

    scored = frame["score"].notna()
    explain([file for file, there in zip(files, scored, strict=True) if there], load_here(name), folder)


def _journal(out: Path, name: str) -> Path:
    return out.with_name(f"{out.name}.{_slug(name)}.part")


def _slug(name: str) -> str:
    """Name of a method as part of a file's name: a folder's last part, without colons."""
    return Path(name).name.replace(":", "_")


def _together(frames: dict[str, pd.DataFrame], sort: bool) -> pd.DataFrame:
    """One table of all methods; a column `method` where there are several."""
    import pandas as pd

    if sort:
        frames = {
            name: part.sort_values("score", ascending=not part.attrs["higher_is_better"], kind="stable")
            for name, part in frames.items()
        }
    if len(frames) == 1:
        return next(iter(frames.values()))
    parts = [part.assign(method=name) for name, part in frames.items()]
    for part in parts:
        part.attrs = {}
    return pd.concat(parts, ignore_index=True)[["image", "method", "score", "error"]]


def _say(name: str, frame: pd.DataFrame, out: Path | None) -> None:
    """Summarise on the terminal: how many, the best and the worst."""
    good = frame.dropna(subset="score").sort_values("score", kind="stable")
    if not frame.attrs["higher_is_better"]:
        good = good[::-1]
    typer.echo(f"{name}: {len(good)} of {len(frame)} scored{f', in {out}' if out else ''}", err=True)
    if len(good) > 1:
        for label, row in (("worst", good.iloc[0]), ("best", good.iloc[-1])):
            typer.echo(f"  {label:6}{row['score']:10.4f}  {row['image']}", err=True)


command.__doc__ = f"{command.__doc__}\n\nExamples:\n{EXAMPLES}"
