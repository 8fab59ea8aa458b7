"""What a training leaves, for tests that only read it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmark.method import Card, Trained

CARD = Card("A method", "A paper", "CC0-1.0", "none", False, 0.0, 1.0, "whole image")


def trained(name: str = "m", card: Mapping[str, Any] | None = None, **fields: Any) -> Trained:
    """Return a method that learnt nothing, but for what is named."""
    return Trained(name, **{"method": "sharpness", "card": replace(CARD, **(card or {})), **fields})
