"""``iqa train``: a method on your own pictures, with the code of the pipeline's stage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml


def command(
    method: Annotated[str, typer.Argument(help="A method that learns; `iqa methods` lists them.")],
    images: Annotated[Path, typer.Option(help="Folder of undistorted pictures.")],
    out: Annotated[Path, typer.Option(help="Folder for the trained method; a stopped run goes on from it.")],
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the training, as in steps=1000.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every random draw.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of one operation.")] = 2,
) -> None:
    """Train a method; `iqa score --method OUT` scores with it.

    QualiCLIP with its published settings starts from CLIP's weights and wants a GPU. To see it learn on a
    laptop: --set architecture=small --set pretrained=null --set norm=train --set lr=1e-3 --set steps=300
    """
    import torch

    import methods
    from experiments.inputs import pictures
    from experiments.settings import MethodSettings
    from experiments.train import train_into

    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    module = methods.find(method).__name__.rpartition(".")[2]
    own = MethodSettings(code=f"methods/{module}", train=dict(map(_setting, setting or ())))
    if not hasattr(methods.find(method), "train"):
        raise ValueError(f"{method} learns nothing: score with it as it is")
    found = [Path(picture) for picture in pictures([str(images)])]
    train_into(out, method, own, found, seed)
    typer.echo(f"trained on {len(found)} pictures; score with: iqa score PICTURES --method {out}", err=True)


def _setting(text: str) -> tuple[str, Any]:
    """Read ``name=value``; the value as YAML reads it, and numbers such as 1e-3 besides."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {text}: write name=value")
    try:
        return name, float(value) if "e" in value.lower() else yaml.safe_load(value)
    except ValueError:
        return name, yaml.safe_load(value)
