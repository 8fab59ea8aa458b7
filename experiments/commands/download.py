"""``iqa download``: bring data sets here."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    names: Annotated[list[str] | None, typer.Argument(help="Data sets; `iqa datasets` lists them.")] = None,
    profile: Annotated[str, typer.Option(help="All that a profile needs, e.g. paper.")] = "",
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="You read and accept the terms.")
    ] = False,
) -> None:
    """Fetch and unpack data sets into downloads/; call again after a cut, it goes on from there."""
    from benchmark.datasets import catalogue
    from benchmark.datasets.download import download

    wanted = [*(names or []), *(of_profile(profile) if profile else [])]
    if not wanted:
        raise ValueError("name data sets, or a profile with --profile")
    entries = [catalogue.entry(name) for name in dict.fromkeys(wanted)]
    failed = 0
    for entry in entries:
        typer.echo(f"{entry.title}: {entry.licence}", err=True)
        try:
            typer.echo(f"{entry.name}: {download(entry, accept_terms=accept_terms)}")
        except ValueError as error:
            failed += 1
            typer.echo(f"error: {error}", err=True)
    if failed:
        typer.echo(f"{failed} of {len(entries)} data sets are missing", err=True)
        raise typer.Exit(3)


def of_profile(profile: str) -> list[str]:
    """Published data sets that a profile prepares."""
    import yaml

    from benchmark.datasets import catalogue
    from experiments.compose import composed

    prepare = yaml.safe_load(composed(f"profile={profile}"))["prepare"]
    kinds = [prepare["settings"].get(name, {}).get("kind", name) for name in prepare["datasets"]]
    return [kind for kind in kinds if kind in catalogue.names()]
