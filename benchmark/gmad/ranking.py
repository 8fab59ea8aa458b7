"""From judged pairs to aggressiveness, resistance and one global rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, log_ndtr
from scipy.stats import norm

from benchmark.arrays import Floats

Ints = NDArray[np.integer[Any]]


def matrices(
    pairs: pd.DataFrame,
    methods: Sequence[str],
    draws: Floats | None = None,
    units: Ints | None = None,
) -> tuple[Floats, Floats]:
    """Aggressiveness and resistance of every method against every other.

    With ``p`` the judged preference at each level of defender j under attack by i and ``w`` the weight of
    the level, ``A[i, j] = max(0, Σ w p / Σ w)`` and ``R[j, i] = Σ w (100 - |p|) / Σ w`` (Ma et al. 2016).

    Parameters
    ----------
    pairs
        Frame of `select_pairs` with a column ``preference``; rows without one are left out.
    methods
        Names in the order of the matrices.
    draws
        Further weights ``[resamples, units]`` of the bootstrap; ``units`` says which of them a row takes.
    units
        Unit of each row of ``pairs``; needed with ``draws``.

    Returns
    -------
    tuple of arrays
        A and R, each ``[M, M]`` or ``[resamples, M, M]``, in [0, 100]; the diagonal is 0, NaN marks two
        methods without any judged pair.
    """
    size = len(methods)
    place = {name: at for at, name in enumerate(methods)}
    judged = pairs["preference"].notna().to_numpy()
    used = pairs[judged]
    attack = used["attacker"].map(place).to_numpy(dtype=int)
    defence = used["defender"].map(place).to_numpy(dtype=int)
    weight, preference = used["weight"].to_numpy(dtype=float), used["preference"].to_numpy(dtype=float)
    if draws is None or units is None:
        draws, unit = np.ones((1, 1)), np.zeros(len(used), dtype=int)
    else:
        unit = units[judged]

    def summed(values: Floats, rows: Ints, columns: Ints) -> Floats:
        table = sparse.csr_array((values, (rows * size + columns, unit)), shape=(size * size, draws.shape[1]))
        return np.asarray(table @ draws.T).T.reshape(-1, size, size)

    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN that is promised
        aggressiveness = np.maximum(
            summed(weight * preference, attack, defence) / summed(weight, attack, defence), 0
        )
        resistance = summed(weight * (100 - np.abs(preference)), defence, attack) / summed(
            weight, defence, attack
        )
    for matrix in (aggressiveness, resistance):
        matrix[:, np.arange(size), np.arange(size)] = 0
    if len(draws) == 1:
        return aggressiveness[0], resistance[0]
    return aggressiveness, resistance


def global_ranking(wins: Floats, link: str = "probit", prior: float = 1.0) -> Floats:
    """Maximum likelihood strengths ``μ`` under ``P(i beats j) = F(μ_i - μ_j)``, with mean 0.

    Maximises ``Σ_ij wins[i, j] log F(μ_i - μ_j)``: Thurstone's model with the normal distribution
    (``"probit"``, as Ma et al. use it) or Bradley and Terry's with the logistic one (``"logit"``). Newton's
    method on a concave function, all matrices at once.

    Parameters
    ----------
    wins
        ``[..., M, M]``, how much i won over j; any non-negative amount, NaN for "never met".
    link
        ``"probit"`` or ``"logit"``.
    prior
        Wins added to every pair in both directions, so that a method which never loses stays finite.

    Returns
    -------
    array
        Strengths ``[..., M]``.

    Raises
    ------
    ValueError
        For an unknown link or a prior that is not positive.
    """
    if link not in ("probit", "logit"):
        raise ValueError(f"link={link!r} is unknown; choose 'probit' or 'logit'")
    if prior <= 0:
        raise ValueError(
            f"prior={prior} must be positive, else a method that never loses has no finite strength"
        )
    size = wins.shape[-1]
    won = (np.nan_to_num(wins) + prior) * (1 - np.eye(size))
    strength = np.zeros(wins.shape[:-1])
    for _ in range(100):
        gap = strength[..., :, None] - strength[..., None, :]
        if link == "probit":
            slope = np.exp(norm.logpdf(gap) - log_ndtr(gap))
            bend = slope * (gap + slope)
        else:
            slope = expit(-gap)
            bend = slope * (1 - slope)
        gradient = (won * slope).sum(-1) - (won * slope).sum(-2)
        curve = won * bend + np.swapaxes(won * bend, -1, -2)
        # The Laplacian leaves the mean free; adding a constant to every entry pins it to 0.
        hessian = np.eye(size) * curve.sum(-1)[..., None] - curve + 1.0
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        strength = strength + np.clip(step, -1, 1)
        if np.abs(step).max(initial=0) < 1e-10:
            break
    return np.asarray(strength - strength.mean(-1, keepdims=True))
