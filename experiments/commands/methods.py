"""``iqa methods``: what can score here."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from benchmark.method import Card


def command(
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV, for other programs.")] = False,
) -> None:
    """List the methods: name, paper, range, direction, weights, licence, and whether each can score now."""
    import pandas as pd

    import methods
    from experiments.runs.scorers import here, trained_here

    table = pd.DataFrame(
        [{**row(name, methods.published(name)), "here": here(name)} for name in methods.names()]
    ).fillna("")
    if as_csv:
        typer.echo(table.to_csv(index=False), nl=False)
        return
    for entry in table.to_dict("records"):
        typer.echo(f"{entry.pop('name')}  ({entry.pop('title')})")
        for key, value in entry.items():
            text = f"{key.replace('_', ' ')}: {value or 'none'}"
            typer.echo(textwrap.fill(text, 110, initial_indent="    ", subsequent_indent="        "))
    for name in trained_here():
        typer.echo(f"trained:{name}  (what the pipeline has trained here)")


def row(name: str, card: Card) -> dict[str, str]:
    """What the list says of one method."""
    return {
        "name": name,
        "title": card.title,
        "paper": card.paper,
        "range": f"{card.low:g} to {card.high:g}, {'higher' if card.higher_is_better else 'lower'} is better",
        "learnt_from": card.training_data + (" (opinion-aware)" if card.opinion_aware else ""),
        "weights": card.weights,
        "licence": card.licence,
        "input": card.input,
    }
