"""Random numbers for simulations: of another generator than the code's, so that no two streams are one."""

from __future__ import annotations

import numpy as np


def generator(*words: int) -> np.random.Generator:
    """Mersenne twister of some whole numbers; the suite itself draws with PCG64."""
    return np.random.Generator(np.random.MT19937(words))
