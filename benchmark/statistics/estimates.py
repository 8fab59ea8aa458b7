"""An estimate, which is value, interval and number, and the row of a tidy table that holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from benchmark.arrays import Floats

from . import calibration
from .bootstrap import MIN_UNITS

#: Value, the ends of its 95% interval, and how many it is of.
Estimate = tuple[float, float, float, int]
_ROUNDING = 1e-12
#: Columns of every tidy table, after its keys.
COLUMNS = ["statistic", "value", "low", "high", "n", "units", "protocol"]
#: Two further ones, where no paper gives the number.
UNPUBLISHED = {"published": np.nan, "standing": ""}
#: Why a number of many units has no interval.
SAME = "no interval where every value or resample is the same"


def with_width(low: ArrayLike, high: ArrayLike) -> tuple[Floats, Floats]:
    """Intervals as they are, and NaN, NaN in place of those that have no width but for rounding.

    Ten photographs that a method orders perfectly do so in every resample: "1 [1, 1]" would say that no other
    ten could show anything else, and it is the data that cannot.
    """
    a, b = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    wide = b - a > _ROUNDING * np.maximum(np.abs(a), np.abs(b))
    return np.where(wide, a, np.nan), np.where(wide, b, np.nan)


def mean_interval(values: Floats) -> Estimate:
    """Mean of ``values [n]``, its 95% interval by Student's t (none of fewer than five), and n."""
    n = len(values)
    mean = float(values.mean()) if n else np.nan
    if n < MIN_UNITS:
        return mean, np.nan, np.nan, n
    half = float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half, n


def bounded(estimate: Estimate, low: float, high: float) -> Estimate:
    """Cut the interval of ``(value, low, high, n)`` at the ends of the range that the statistic can have."""
    value, below, above, n = estimate
    return value, float(np.maximum(below, low)), float(np.minimum(above, high)), n


def share_interval(hits: NDArray[np.bool_] | Floats) -> Estimate:
    """Share of ``hits [n]`` in [0, 1] with Wilson's 95% interval (JASA 22, 1927), and n.

    Fewer than five have no interval, as in `mean_interval`. A hit may count in part, as where several places
    are equally hot: SciPy's takes whole ones.
    """
    n, z = len(hits), 1.959963984540054
    share = float(np.mean(hits)) if n else np.nan
    if n < MIN_UNITS:
        return share, np.nan, np.nan, n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # Rounding may pass an end.
    return share, max(0.0, float(centre - half)), min(1.0, float(centre + half)), n


def of_contents(
    values: Floats, groups: ArrayLike | None, single: Callable[[Floats], Estimate] = mean_interval
) -> tuple[Estimate, int]:
    """Mean of ``values [n]`` with its 95% interval, and the units: whole references where some have several.

    ``groups`` is the reference of each value; ``single`` the estimate where each is of another.
    """
    units = len(values) if groups is None else len(np.unique(np.asarray(groups)))
    if units == len(values):
        return single(values), units
    return (*calibration.mean_interval(values, groups), len(values)), units


def tidy(
    keys: Mapping[str, object],
    statistic: str,
    estimate: Estimate,
    protocol: str,
    *,
    units: int | None = None,
) -> dict[str, object]:
    """One row of a tidy table from its keys and an estimate; ``units`` where they are not n.

    Where too few units are why there is no interval, or that all say the same, the protocol says so.
    """
    value, *bounds, n = estimate
    units = n if units is None else units
    low, high = map(float, with_width(*bounds))
    if np.isnan(low) and not np.isnan(bounds[0]):
        protocol += f"; {SAME}"
    if units < MIN_UNITS and np.isnan(low) and not np.isnan(value) and "no interval" not in protocol:
        protocol += f"; no interval: fewer than {MIN_UNITS} images or references"
    values = (statistic, value, low, high, n, units, protocol)
    return {**keys, **dict(zip(COLUMNS, values, strict=True)), **UNPUBLISHED}
