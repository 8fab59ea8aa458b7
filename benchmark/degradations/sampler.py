"""ARNIQA's degradation model: which types, in which order, at which level."""

from __future__ import annotations

import numpy as np

from benchmark.degradations.levels import GROUPS

_DEVIATION = 2.5


def level_probabilities(levels: int = 5) -> np.ndarray:
    """Probability of levels 1..``levels``: proportional to a normal density at 0, 1, ... of deviation 2.5.

    Source: Agnolucci et al., WACV 2024, section 3.1, and its code.
    """
    density = np.exp(-(np.arange(levels) ** 2) / (2 * _DEVIATION**2))
    return np.asarray(density / density.sum())


def sample_sequence(seed: int, most: int = 4, levels: int = 5) -> list[tuple[str, int]]:
    """Draw a sequence for `compose`: 1 to ``most`` groups without repetition, one type of each.

    Parameters
    ----------
    seed
        Not negative; the same seed, the same sequence.
    most
        Largest number of steps, 1 to 7.
    levels
        How many levels take part, 1 to 5.

    Returns
    -------
    list of (str, int)
        Type and level of each step, in the order of application.

    Raises
    ------
    ValueError
        If ``most`` or ``levels`` is out of range.
    """
    if not 1 <= most <= len(GROUPS):
        raise ValueError(f"most must be 1 to {len(GROUPS)} (there are so many groups), not {most}")
    if not 1 <= levels <= 5:
        raise ValueError(f"levels must be 1 to 5, not {levels}")
    random = np.random.default_rng(seed)
    count = int(random.integers(1, most + 1))
    groups = random.permutation(list(GROUPS))[:count]
    kinds = [str(random.choice(GROUPS[group])) for group in groups]
    drawn = random.choice(levels, size=count, p=level_probabilities(levels)) + 1
    return list(zip(kinds, drawn.tolist(), strict=True))
