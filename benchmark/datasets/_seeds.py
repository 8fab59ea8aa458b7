"""Seeds of single items, so that order, batch and worker play no part."""

from __future__ import annotations

import hashlib


def item_seed(seed: int, *identity: str) -> int:
    """Seed of one item, from the run's seed and the item's identity alone; in [0, 2^63)."""
    digest = hashlib.sha256("/".join([str(seed), *identity]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
