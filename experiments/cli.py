"""The command line ``iqa``: every module of `experiments.commands` is a command of its name."""

from __future__ import annotations

import functools
import importlib
import io
import os
import pkgutil
import sys
import warnings
from importlib import metadata
from typing import Annotated

import typer

from experiments import commands, process
from experiments.command_line import Command

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="No-reference image quality.",
)

for _found in pkgutil.iter_modules(commands.__path__):
    _module = importlib.import_module(f"{commands.__name__}.{_found.name}")
    _name = _found.name.replace("_", "-")
    if hasattr(_module, "app"):
        for _command in _module.app.registered_commands:
            _command.cls = Command
        app.add_typer(_module.app, name=_name)
    else:
        app.command(_name, cls=Command)(_module.command)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(metadata.version("qualibench"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Say which version this is.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
) -> None:
    """No-reference image quality."""
    if debug:
        os.environ["QUALIBENCH_DEBUG"] = "1"


def _note(message: Warning | str, *where: object, **more: object) -> None:
    """Show a warning as a line for readers: not where in the code, but what, and once wherever it is met."""
    _line(f"note: {message}")


@functools.cache
def _line(text: str) -> None:
    typer.echo(text, err=True)


def main() -> None:
    """Run the command line; a wrong setting or file ends it with one line."""
    process.begin()
    warnings.showwarning = _note
    for stream in (sys.stdout, sys.stderr):  # a name of a file may have bytes that no encoding has
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except (ValueError, OSError) as error:
        if os.environ.get("QUALIBENCH_DEBUG"):
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
