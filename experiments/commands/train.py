"""``iqa train``: a method on your own pictures, with the code of the pipeline's stage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.runs import completion


def command(
    method: Annotated[
        str,
        typer.Argument(
            autocompletion=completion.methods, help="A method that learns; `iqa methods` lists them."
        ),
    ],
    images: Annotated[Path, typer.Option(help="Folder of undistorted pictures.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="Folder for the trained method; a stopped run goes on from it."),
    ],
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the training, as in steps=1000.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random draw.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of one operation.")] = 2,
    force: Annotated[
        bool, typer.Option("--force", help="Begin anew where a run was stopped or has ended.")
    ] = False,
) -> None:
    """Train a method; `iqa score --method OUT` scores with it.

    QualiCLIP with its published settings starts from CLIP's weights and wants a GPU. To see it learn on a
    laptop: --set architecture=small --set pretrained=null --set norm=train --set lr=1e-3 --set steps=300
    """
    import torch

    import methods
    from benchmark.files import check_folder
    from experiments.runs.training import held, train_into
    from experiments.scoring.inputs import check_outside, pictures
    from experiments.settings import MethodSettings
    from experiments.settings.told import told
    from methods._shared.training.loop import partial_of

    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("error")
    module = methods.find(method).__name__.rpartition(".")[2]
    trained = MethodSettings(code=f"methods/{module}", train=told(setting or ()))
    if not hasattr(methods.find(method), "train"):
        raise ValueError(f"{method} learns nothing: score with it as it is")
    if out.is_absolute() and out.is_relative_to(Path.cwd()):
        out = out.relative_to(Path.cwd())  # what is written down names no place of this machine
    check_folder(out)
    check_outside(out, [str(images)], "--out")
    files = [Path(picture) for picture in pictures([str(images)])]
    _course(module, trained.train or {})  # a wrong setting is said before anything is removed
    with held(out):
        if force:
            partial_of(out).unlink(missing_ok=True)
        elif (out / "method.json").is_file() and not partial_of(out).exists():
            _check_same(out, module, trained.train or {}, seed, files)
            typer.echo(f"{out}: is trained already, and left as it is; --force trains it anew", err=True)
            return
        train_into(out, method, trained, files, seed)
    typer.echo(f"trained on {len(files)} pictures; score with: iqa score PICTURES --method {out}", err=True)


def _check_same(out: Path, module: str, train: dict[str, Any], seed: int, pictures: list[Path]) -> None:
    """Check that a finished training is the one asked for.

    Raises
    ------
    ValueError
        Saying in what it differs.
    """
    from benchmark.method import Trained
    from experiments.runs.training import digest_of
    from methods._shared.training.loop import difference

    made = Trained.read(out)
    then, now = ({"method": name} for name in (made.method, module))
    if then == now:
        then |= _course(module, made.train or {})
        now |= _course(module, train)
    runs = [{"settings": then, "seed": made.seed}, {"settings": now, "seed": seed}]
    differs = difference(*({**run, "pictures": []} for run in runs))
    if made.pictures_sha256 not in ("", digest_of(pictures)):
        differs = "; ".join(filter(None, [differs, "the pictures are others"]))
    if differs:
        raise ValueError(
            f"{out}: holds another training: {differs}. It is left as it is: name another --out, or give "
            "--force to replace it"
        )


def _course(module: str, train: Mapping[str, Any]) -> dict[str, Any]:
    """Check the settings of a training; returns those that what is learnt depends on, defaults filled in.

    Raises
    ------
    ValueError
        If one is unknown or of a wrong type.
    """
    from pydantic import BaseModel

    import methods

    bound = methods.training_settings(module, train)
    whole = next((value for value in bound.values() if isinstance(value, BaseModel)), None)
    return bound if whole is None else whole.model_dump(exclude=getattr(whole, "aside", None))
