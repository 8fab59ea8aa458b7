"""``iqa doctor``: what is here, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

PACKAGES = ("torch", "torchvision", "open_clip_torch", "numpy", "scipy", "pandas", "dvc")
EXTRAS = ("pyiqa", "ray", "pillow-heif", "torchmetrics")


def command(
    profile: Annotated[
        str | None, typer.Option(help="A profile of experiments/profile/; else the settings of params.yaml.")
    ] = None,
) -> None:
    """Say what this machine has, which data sets and weights are there, and how to get the rest.

    Exit code 1 if something that the settings name is missing.
    """
    from experiments import settings as settings_of
    from experiments.scheduling.estimate import needs
    from experiments.scheduling.status import data_sets, trained
    from experiments.settings.compose import profile_settings

    for line in _machine():
        typer.echo(line)
    settings = profile_settings(profile) if profile else settings_of.load()
    typer.echo(f"\nSettings: profile {settings.profile}, seed {settings.seed}")
    missing = 0
    for title, rows in (("Data sets", data_sets(settings)), ("Methods", trained(settings))):
        typer.echo(f"\n{title}")
        for name, there, said in rows:
            typer.echo(f"  {'yes' if there else 'NO ':4}{name:16}{said}")
            missing += not there
    for line in ("", *needs(settings)):
        typer.echo(line)
    if missing:
        raise typer.Exit(1)


def _machine() -> Iterator[str]:
    """Versions, processor, device, memory and disk, a line each."""
    import torch

    from experiments.scheduling.status import allowed

    yield f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    for package in (*PACKAGES, *EXTRAS):
        try:
            yield f"  {package:16}{metadata.version(package)}"
        except metadata.PackageNotFoundError:
            yield f"  {package:16}{'not installed (optional)' if package in EXTRAS else 'NOT INSTALLED'}"
    yield f"Cores {os.cpu_count()}, torch threads {torch.get_num_threads()}"
    if torch.cuda.is_available():
        yield f"Device cuda: {torch.cuda.get_device_name()}"
    else:
        yield f"Device {'mps' if torch.backends.mps.is_available() else 'cpu: no GPU that torch can use'}"
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    yield f"Free disk here {free:.1f} GiB"
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        most = allowed()
        here = (
            ""
            if most is None or most >= whole
            else f", of which this session may take {most / 2**30:.1f} GiB"
        )
        yield f"Memory {whole / 2**30:.1f} GiB{here}"
