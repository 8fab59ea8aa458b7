"""``iqa new-method``: a file that runs as it is, to start from."""

from __future__ import annotations

import keyword
from pathlib import Path
from typing import Annotated

import typer

TEMPLATE = '''"""{title}: what it measures, in one line."""

from torch import Tensor

from benchmark.method import Card

CARD = Card(
    title="{title}",
    paper="",  # citation in one line, or empty; the whole entry goes into `bibtex`
    licence="no weights",
    training_data="none",
    opinion_aware=False,  # True if scores by people took part in its training
    low=0.0,  # range of the score; float("inf") where it has no bound
    high=1.0,
    input="whole image",
)


class {title}:
    """Arguments of its __init__ are settings, which `load:` gives in params.yaml."""

    name = "{name}"
    higher_is_better = True

    def score(self, images: Tensor) -> Tensor:
        """Score images [B, 3, H, W], RGB in [0, 1], of any size; returns [B] float32 on the CPU."""
        return images.std(dim=(1, 2, 3)).float().cpu()  # contrast, to start with


load = {title}
'''


def command(
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits and underscores.")],
    use: Annotated[
        bool, typer.Option("--use", help="Write it into experiments/local.yaml and params.yaml too.")
    ] = False,
) -> None:
    """Write methods/NAME.py, a method that runs as it is, and say what to add to params.yaml."""
    from experiments.settings import PARAMS, own_entries

    place = ("methods", name)
    if use and (taken := [path for path in (own_entries.LOCAL, PARAMS) if own_entries.stands(place, path)]):
        raise ValueError(f"{taken[0]}: has a row {name!r} already; choose another name, or take it out")
    path = write(name, Path("methods"))
    if use:
        try:
            written = own_entries.use(place, {"code": str(path)})
        except (ValueError, OSError):
            path.unlink()  # or a second try would find the name taken
            raise
        for changed in written:
            typer.echo(f"{changed}: methods.{name} written", err=True)
    else:
        where = f"{own_entries.LOCAL} and params.yaml (`--use` does)"
        typer.echo(f"{path} written. To see it in every table, add to {where}\n", err=True)
        typer.echo(f"methods:\n  {name}:\n    code: {path}\n")
    typer.echo(
        f"then `iqa check-method {name}` and `dvc repro`; docs/adding-a-method.md says more.", err=True
    )


def write(name: str, folder: Path) -> Path:
    """Write the starting point of method ``name`` into ``folder`` and return its path.

    Raises
    ------
    ValueError
        If the name does not serve, or is taken.
    """
    import methods
    from benchmark import files, naming

    if not (name.isidentifier() and name.isascii() and name == name.lower()):
        raise ValueError(
            f"{name!r} does not serve as a name: small letters, digits and underscores, no digit first"
        )
    if keyword.iskeyword(name) or name.startswith("_"):
        raise ValueError(
            f"{name!r} does not serve as a name: it is a word of Python or starts with an underscore"
        )
    if why := naming.fault(name):
        raise ValueError(f"{name!r} {why}")
    path = folder / f"{name}.py"
    if name in methods.names() or path.exists() or (folder / name).exists():
        raise ValueError(f"there is a method {name!r} already; choose another name")
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}; run from the top of the repository")
    files.check_file(path)
    title = "".join(part.capitalize() for part in name.split("_"))
    files.write_text(path, TEMPLATE.format(name=name, title=title))
    return path
