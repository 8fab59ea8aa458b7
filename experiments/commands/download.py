"""``iqa download``: bring data sets and weights here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from experiments.runs import completion

#: Method, settings of its training (nothing: it is taken as it is) and of its loading.
Wanted = tuple[str, Mapping[str, Any] | None, Mapping[str, Any]]


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(autocompletion=completion.datasets, help="Data sets; `iqa datasets` lists them."),
    ] = None,
    profile: Annotated[
        str, typer.Option(help="All that a profile needs, e.g. paper: data sets and weights.")
    ] = "",
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            "-m",
            autocompletion=completion.methods,
            help="Published weights of a method; may be given several times.",
        ),
    ] = None,
    accept_terms: Annotated[
        bool, typer.Option("--accept-terms", help="You read and accept the terms.")
    ] = False,
) -> None:
    """Fetch data sets into downloads/ and weights into the cache; call again after a cut, it goes on.

    What is here then needs no network any more. Exit code 3 if something could not be fetched.
    """
    wanted = [*(names or [])]
    weights: dict[str, Wanted] = {name: (name, None, {}) for name in method or ()}
    if profile:
        from experiments.settings.compose import profile_settings

        wanted += of_profile(profile)
        own = profile_settings(profile).methods
        weights |= {name: (each.module, each.train, each.load) for name, each in own.items()}
    if not wanted and not weights:
        raise ValueError("name data sets, methods with --method, or a profile with --profile")
    _check_names(names or [], method or [])
    missing = _data_sets(list(dict.fromkeys(wanted)), accept_terms) + _weights(weights)
    if missing:
        typer.echo(f"{missing} of {len(set(wanted)) + len(weights)} are missing", err=True)
        raise typer.Exit(3)


def _check_names(data_sets: list[str], of_methods: list[str]) -> None:
    """Refuse a name that there is not before an hour of fetching, not after."""
    import methods
    from benchmark.datasets import catalogue

    for name in data_sets:
        catalogue.entry(name)
    for name in of_methods:
        methods.find(name.partition(":")[0])


def _data_sets(names: list[str], accept_terms: bool) -> int:
    """Fetch data sets; returns how many could not be had."""
    from benchmark.datasets import catalogue
    from benchmark.datasets.download import download
    from benchmark.datasets.prepared.linked import folder_of
    from experiments import settings as settings_of

    failed = 0
    for entry in [catalogue.entry(name) for name in names]:
        typer.echo(f"{entry.title}: {entry.licence}", err=True)
        try:
            placed = folder_of(entry, settings_of.sources().get(entry.name))
            typer.echo(f"{entry.name}: {download(entry, accept_terms=accept_terms, placed=placed)}")
        except ValueError as error:
            failed += 1
            typer.echo(f"error: {error}", err=True)
    return failed


def _weights(wanted: Mapping[str, Wanted]) -> int:
    """Fetch and read the weights of methods; returns of how many they could not be had."""
    import methods

    failed = 0
    for name, (module, train, load) in wanted.items():
        try:
            methods.fetch(module, train_settings=train, load_settings=load)
            typer.echo(f"{name}: has what it needs")
        except ValueError as error:
            failed += 1
            typer.echo(f"error: {name}: {error}", err=True)
    return failed


def of_profile(profile: str) -> list[str]:
    """Published data sets that a profile prepares."""
    from benchmark.datasets import catalogue
    from experiments.settings.compose import profile_settings

    prepare = profile_settings(profile).prepare
    kinds = [prepare.settings.get(name, {}).get("kind", name) for name in prepare.datasets]
    return [kind for kind in kinds if kind in catalogue.names()]
