"""``iqa check-method``: whether a method keeps the promises that the suite relies on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.runs import completion

if TYPE_CHECKING:
    from benchmark.method import Method


def command(
    name: Annotated[
        str,
        typer.Argument(
            autocompletion=completion.methods, help="A method of `iqa methods`, or a row of params.yaml."
        ),
    ],
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="`key=value` for its `load`; may be repeated.")
    ] = None,
    gradients: Annotated[bool, typer.Option(help="Insist on gradients, as gradCAM does.")] = False,
    features: Annotated[bool, typer.Option(help="Insist on features, as probes do.")] = False,
) -> None:
    """Check shapes, range, repeatability, batches, sizes, gradients and errors; exit code 1 if one fails."""
    import methods
    from benchmark.scoring.conformance import check_method
    from experiments.settings.told import told

    method = loaded(name, told(setting or []))
    card = getattr(method, "card", None) or methods.card(module_of(name))
    asked = asked_for(name)
    results = check_method(
        method,
        card,
        features=features or "cross_dataset" in asked,
        gradients=gradients or "gradcam" in asked,
    )
    for finding in results:
        typer.echo(
            f"WRONG {finding.check}: {finding.problem}" if finding.problem else f"ok    {finding.check}"
        )
    wrong = sum(bool(finding.problem) for finding in results)
    if wrong:
        typer.echo(f"{name}: {wrong} of {len(results)} checks failed", err=True)
        raise typer.Exit(1)
    typer.echo(f"{name}: all {len(results)} checks hold", err=True)


def loaded(name: str, given: dict[str, Any]) -> Method:
    """Load a method with ``given`` settings; without any as it was trained here, or as params.yaml says.

    Standard error says which.
    """
    import methods
    from experiments.runs import stage
    from experiments.runs.trained import load_trained

    if given:
        return methods.load(module_of(name), **given)
    if (stage.MODELS / name / "method.json").is_file():
        typer.echo(f"checking {name} as it was trained here ({stage.MODELS / name})", err=True)
        return load_trained(name)
    declared = _declared().get(name)
    if declared:
        stated = ", ".join(f"{key}={value}" for key, value in declared.load.items()) or "its defaults"
        typer.echo(f"checking the row {name} of params.yaml: {declared.code}, {stated}", err=True)
    try:
        return methods.load(declared.module, **declared.load) if declared else methods.load(name)
    except ValueError as error:
        hint = f"`dvc repro train@{name}` or " if declared else ""
        raise ValueError(f"{error}\n(what it needs to load: {hint}`--set key=value`)") from None


def module_of(name: str) -> str:
    """Name of the method behind a row of params.yaml, or ``name`` itself."""
    declared = _declared().get(name)
    return declared.module if declared else name


def asked_for(name: str) -> set[str]:
    """Sections of params.yaml that ask more of this method than a score."""
    from experiments import settings

    if not settings.PARAMS.is_file():
        return set()
    own = settings.load()
    return {key for key in ("cross_dataset", "gradcam") if name in (getattr(own, key).methods or ())}


def _declared() -> dict[str, Any]:
    from experiments import settings

    return dict(settings.load().methods) if settings.PARAMS.is_file() else {}
