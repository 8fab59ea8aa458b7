"""``iqa methods``: what can score here."""

from __future__ import annotations

import typer


def command() -> None:
    """List the methods: name, title, direction of the score, licence."""
    import methods

    for name in methods.names():
        card = methods.card(name)
        aware = "opinion-aware" if card.opinion_aware else "opinion-unaware"
        typer.echo(f"{name:12} {card.title}; {aware}; range {card.low:g} to {card.high:g}; {card.licence}")
