"""``iqa score``: score pictures with a method, as published or as it was trained here."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from experiments.runs import completion

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.method import Method
    from experiments.scoring.inputs import Picture
    from experiments.scoring.local import How
    from experiments.scoring.runner import Run

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
            "--method",
            "-m",
            autocompletion=completion.methods,
            help="A published method (`iqa methods` lists them), trained:NAME, or the folder of a trained "
            "one; may be given several times.",
        ),
    ],
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A setting of the method's `load`, as in scale=pyiqa; may be repeated.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File .csv, .parquet or .json; else a table on standard output."),
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
        int | None,
        typer.Option(min=1, help="Most pictures of one size at a time; 32 on CUDA and else 2, unless given."),
    ] = None,
    engine: Annotated[str, typer.Option(help="local, or ray: on the cluster of RAY_ADDRESS.")] = "local",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Threads that decode, on CUDA processes; there all cores but two, at most 12, and else 2, "
            "unless given.",
        ),
    ] = None,
    pixels: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Most millions of pixels in memory at once, 96 without it; scores do not depend on it.",
        ),
    ] = None,
    sort: Annotated[bool, typer.Option("--sort", help="Best first instead of the order given.")] = False,
    explain: Annotated[
        Path | None,
        typer.Option(help="Folder for pictures of where the score comes from (gradCAM): index.html."),
    ] = None,
) -> None:
    """Score pictures. Exit code 3 if some could not be scored; the column `error` says why."""
    from benchmark.files import check_apart
    from experiments.scoring.inputs import check_outside, pictures
    from experiments.scoring.outputs import check_output, show_frame, write_frame
    from experiments.settings.told import told

    if out is not None:
        check_output(out)
        check_apart(out, *paths)
    elif resume:
        raise ValueError("--resume needs --out, beside which the journal lies")
    how = _how(device, precision, engine, batch, workers, pixels)
    files = pictures(paths, sys.stdin)
    # What can go wrong with any of the methods does so before the first begins.
    plans = [_planned(name, how, told(setting or ()), out) for name in dict.fromkeys(method)]
    runs = [plan.run for plan in plans]
    _check_apart([run.name for run in runs])
    if explain is not None:
        check_outside(explain, paths, "--explain")
        _check_explained(runs, explain)
    if out is not None:
        _check_journals(plans, files, out, resume)
    frames = {plan.run.name: _scored(plan, files, resume) for plan in plans}
    frame = _together(frames, sort)
    if out is None:
        show_frame(frame)
    else:
        with _journal_stays(out):
            write_frame(frame, out)
    if explain is not None:
        for run in runs:
            _explain(run, files, frames[run.name], explain / _slug(run.name))
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


def _how(
    device: str, precision: str, engine: str, batch: int | None, workers: int | None, pixels: float | None
) -> How:
    """What was asked for, and what suits the device where nothing was; refuses what no option has."""
    from experiments.scoring.local import How, suited

    for option, value in (("device", device), ("precision", precision), ("engine", engine)):
        if value not in _CHOICES[option]:
            raise ValueError(f"--{option} must be one of {', '.join(_CHOICES[option])}, not {value!r}")
    usual, most = suited(device), None if pixels is None else round(pixels * 1e6)  # type: ignore[arg-type]
    choices: Any = {"device": device, "precision": precision, "engine": engine}
    return How(**choices, batch=batch or usual[0], workers=workers or usual[1], pixels=most)


class _Planned(NamedTuple):
    """One method that scores, what stands beside its scores, and where these go meanwhile."""

    run: Run
    beside: dict[str, str]
    journal: Path | None


def _planned(name: str, how: How, told: dict[str, Any], out: Path | None) -> _Planned:
    from experiments.scoring.local import place
    from experiments.scoring.provenance import provenance
    from experiments.scoring.runner import Run
    from methods._shared.devices import computes_in_bf16

    method = _loaded(name, told)
    if how.engine == "local":
        where = place(method, how.device)
        if how.precision == "bf16" and where == "cpu" and not computes_in_bf16(where):
            typer.echo(f"{name}: this processor has no arithmetic for bf16; fp32 is faster here", err=True)
    beside = provenance(name, method, how.precision, told)
    made = {key: beside[key] for key in ("weights_sha256", "version")}
    return _Planned(Run(method, name, how, made, told), beside, _journal(out, name) if out else None)


def _scored(plan: _Planned, files: list[Picture], resume: bool) -> pd.DataFrame:
    """Score with one method; its journal stays, for a run that goes on or a list that grows."""
    try:
        frame = plan.run.frame(files, plan.journal, resume)
    except KeyboardInterrupt:
        if plan.journal:
            typer.echo(f"stopped; the same command with --resume goes on from {plan.journal}", err=True)
        raise typer.Exit(130) from None
    return frame.assign(**plan.beside)


def _loaded(name: str, told: dict[str, Any]) -> Method:
    """Load a method, and say so where one trained here goes by the same name."""
    from experiments.runs.trained import TRAINED, folder_of, load_here

    here = folder_of(f"{TRAINED}:{name}")
    if folder_of(name) is None and here is not None and (here / "method.json").is_file():
        typer.echo(f"{name}: as published; the one trained here is --method {TRAINED}:{name}", err=True)
    return load_here(name, told=told)


def _check_apart(names: Sequence[str]) -> None:
    """Refuse methods that would take each other's journal and maps."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(_slug(name), name)
        if other != name:
            raise ValueError(
                f"--method {other} and --method {name} share the name {_slug(name)!r}, and so their files; "
                "score with one after the other, each with an --out of its own"
            )


def _check_explained(runs: Sequence[Run], folder: Path) -> None:
    """Refuse methods without gradients before an hour of scoring, not after."""
    from benchmark.files import check_folder
    from benchmark.method import has_gradients

    for run in runs:
        if not has_gradients(run.method) or "score" not in run.method.cam_targets:
            raise ValueError(
                f"--explain: {run.name} has no gradients that a map could be made of; leave it out"
            )
        check_folder(folder / _slug(run.name))


def _check_journals(plans: Sequence[_Planned], files: Sequence[Picture], out: Path, resume: bool) -> None:
    """Refuse what the journals cannot take, or are not of, and a disk without room for all."""
    from benchmark.scoring import journal
    from experiments.scoring.outputs import check_output, largest

    for plan in plans:
        assert plan.journal is not None
        journal.check(plan.journal, plan.run.about, resume=resume)
    check_output(out, sum(largest(files, plan.beside) for plan in plans))


@contextmanager
def _journal_stays(out: Path) -> Iterator[None]:
    """Say of a table that cannot be written where its scores are."""
    try:
        yield
    except OSError as error:
        why = f"{error.strerror or error}; its scores are in the journal: --resume writes it from there"
        raise OSError(error.errno, why, str(out)) from error


def _explain(run: Run, files: list[Picture], frame: pd.DataFrame, folder: Path) -> None:
    from experiments.scoring.explain import explain

    scored = frame["score"].notna()
    kept = [file for file, there in zip(files, scored, strict=True) if there]
    for line in explain(kept, run.method, folder, frame.loc[scored, "score"].tolist()):
        typer.echo(f"note: {line}", err=True)


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
