"""Logistic mapping of scores onto the scale of the MOS: VQEG's four and Sheikh's five parameters.

Both curves are linear in all parameters but two, the place and the width of the step. These two alone are
searched (variable projection): the linear ones follow exactly for each. Starts come from a grid and from the
best sharp steps; the best are refined by MINPACK's Levenberg-Marquardt through scipy with Kaufman's analytic
Jacobian.

References
----------
VQEG, Final report ... on the validation of objective models of video quality assessment, 2000.
H. R. Sheikh, M. F. Sabir, A. C. Bovik, A statistical evaluation of recent full reference image quality
assessment algorithms, IEEE TIP 15(11), 2006.
L. Kaufman, A variable projection method for solving separable nonlinear least squares problems, BIT 15, 1975.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares
from scipy.special import expit

from benchmark.arrays import Floats

from .correlation import as_pair

FORMS = {"logistic4": 4, "logistic5": 5}
_BINS = 512
_FAR = (4.0, 13.0)
_FIRST, _LAST = 15, 300  # evaluations for choosing among starts, and for the chosen ones
_WIDTHS = np.concatenate([np.geomspace(1e-3, 30.0, 16), [100.0, 1000.0]])
_PLACES = np.concatenate([[-1.0, -0.3], np.linspace(0.0, 1.0, 27), [1.3, 2.0]])


@dataclass(frozen=True)
class Mapping:
    """A fitted curve from scores to MOS.

    Parameters
    ----------
    form
        ``"logistic4"``: ``b2 + (b1 - b2) / (1 + exp(-(x - b3) / |b4|))`` or ``"logistic5"``:
        ``b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5``.
    parameters
        ``b1 ...`` in the notation of the source.
    rmse
        Root mean square error on the data it was fitted to.
    monotone
        Whether the curve is monotone over the range of those data (the five-parameter one need not be).
    direction
        +1 for a curve that rises over that range, -1 for one that falls, 0 for a flat one.
    converged
        Whether the optimiser met its tolerance.
    message
        What the optimiser said.
    """

    form: str
    parameters: tuple[float, ...]
    rmse: float
    monotone: bool
    direction: int
    converged: bool
    message: str

    def __call__(self, x: ArrayLike) -> Floats:
        """Map scores of any shape."""
        v = np.asarray(x, dtype=np.float64)
        b = self.parameters
        if self.form == "logistic4":
            return np.asarray(b[1] + (b[0] - b[1]) * expit((v - b[2]) / abs(b[3])))
        return np.asarray(b[0] * (expit(b[1] * (v - b[2])) - 0.5) + b[3] * v + b[4])


def fit(x: ArrayLike, mos: ArrayLike, form: str = "logistic4") -> Mapping:
    """Fit the curve ``form`` by least squares.

    Parameters
    ----------
    x, mos
        Scores and opinions, ``[n]``.
    form
        ``"logistic4"`` (VQEG) or ``"logistic5"`` (Sheikh et al.).

    Raises
    ------
    ValueError
        If ``form`` is unknown, a value is not finite, the scores are constant, or there are no more images
        than parameters.
    """
    if form not in FORMS:
        raise ValueError(f"unknown mapping {form!r}: choose from {', '.join(FORMS)}")
    a, y = as_pair(x, mos, finite=True)
    if a.size <= FORMS[form]:
        raise ValueError(f"{form} has {FORMS[form]} parameters and needs more images than that, not {a.size}")
    span = float(np.ptp(a))
    if span == 0 or not np.isfinite(span):
        raise ValueError(f"{form} cannot be fitted: all {a.size} scores are the same")
    low, base, scale = float(a.min()), float(y.mean()), float(y.std()) or 1.0
    u, v = (a - low) / span, (y - base) / scale  # both sides near one, so that tolerances mean something
    binned = _bin(u, v)
    coarse, fine = _Problem.of(*binned, form), _Problem.of(u, v, np.ones(u.size), form)
    starts = _starts(coarse, *_jumps(u, v, fine.root, form))
    found = [_refine(coarse, start, _FIRST) for start in starts]
    # Wide curves lie in a flat valley where the width hardly moves: try the others at the place found.
    place = _place(min(found, key=lambda r: r.cost).place)[0]
    other = np.column_stack([np.full(_WIDTHS.size, place), _WIDTHS])
    other = other[np.argsort(coarse.costs(other), kind="stable")[:4]]
    found += [_refine(coarse, _shift(*pair), _FIRST) for pair in other]
    ends = [*(r.place for r in found), *starts]
    order = np.argsort(fine.costs(np.array([_place(p) for p in ends])), kind="stable")
    best = min((_refine(fine, ends[k], _LAST) for k in order[:3]), key=lambda r: r.cost)
    return _describe(best, form, (low, span, base, scale), (a, y))


def _bin(u: Floats, v: Floats) -> tuple[Floats, Floats, Floats]:
    """Weighted means of neighbours (at most ``_BINS``), enough to choose starts by."""
    if u.size <= _BINS:
        return u, v, np.ones(u.size)
    order = np.argsort(u, kind="stable")
    edges = np.linspace(0, u.size, _BINS + 1).astype(int)[:-1]
    weight = np.diff(np.append(edges, u.size)).astype(np.float64)
    return np.add.reduceat(u[order], edges) / weight, np.add.reduceat(v[order], edges) / weight, weight


def _starts(problem: _Problem, jumps: Floats, gaps: Floats) -> list[Floats]:
    """Choose starts ``(shift, log width)``: local minima over a grid, the best far tails and sharp steps."""
    u = problem.u
    places = np.unique(np.concatenate([_PLACES, np.quantile(u, np.linspace(0.02, 0.98, 25)), jumps]))
    grid = np.array([(p, w) for p in places for w in _WIDTHS])
    # Far from its place a step is an exponential: another limit with a valley of its own.
    tails = np.array(
        [(0.5 + side * (0.5 + far * w), w) for w in _WIDTHS[5:] for far in _FAR for side in (-1, 1)]
    )
    sharp = np.column_stack([jumps, gaps / 8])
    everything = np.concatenate([grid, tails, sharp])
    cost = problem.costs(everything)
    table = cost[: len(grid)].reshape(places.size, _WIDTHS.size)
    padded = np.pad(table, 1, constant_values=np.inf)
    around = np.min([padded[1:-1, :-2], padded[1:-1, 2:], padded[:-2, 1:-1], padded[2:, 1:-1]], axis=0)
    minima = np.flatnonzero((table <= around).ravel())
    minima = minima[np.argsort(cost[minima], kind="stable")][:6]
    beyond = len(grid) + np.argsort(cost[len(grid) : len(grid) + len(tails)], kind="stable")[:2]
    chosen = everything[[*minima, *beyond, *range(len(grid) + len(tails), len(everything))]]
    return [_shift(place, width) for place, width in chosen]


def _jumps(u: Floats, v: Floats, weight: Floats, form: str, keep: int = 4) -> tuple[Floats, Floats]:
    """Places of the best sharp steps, the limit a logistic reaches on data that jump, and their gaps.

    The gain of a step between two neighbours follows from running sums, the other columns taken out.
    """
    order = np.argsort(u, kind="stable")
    x, y, w = u[order], v[order], weight[order]
    x_centred, y = x - w @ x / w.sum(), y - w @ y / w.sum()
    right, above = _tails(w), _tails(w * y)
    norm = right * (1 - right / w.sum())
    if form == "logistic5":
        spread, tail = w @ x_centred**2, _tails(w * x_centred)
        above = above - tail * (w @ (x_centred * y)) / spread
        norm = norm - tail**2 / spread
    gaps = np.diff(x)
    usable = (gaps > 0) & (norm > 1e-9 * w.sum())
    gain = np.where(usable, above**2 / np.where(usable, norm, 1), -np.inf)
    best = np.argsort(-gain, kind="stable")[:keep]
    best = best[np.isfinite(gain[best])]
    return (x[best] + x[best + 1]) / 2, gaps[best]


def _tails(values: Floats) -> Floats:
    """Sum of all values after each one but the last."""
    return np.asarray(values.sum() - np.cumsum(values)[:-1])


@dataclass(frozen=True)
class _Problem:
    """Data with the columns other than the step (constant, slope) taken out of them once and for all.

    ``q`` and ``r`` decompose those columns, each row times the root of its weight; ``rest`` is what they
    leave of the target.
    """

    u: Floats
    root: Floats
    target: Floats
    q: Floats
    r: Floats
    rest: Floats

    @classmethod
    def of(cls, u: Floats, v: Floats, weight: Floats, form: str) -> _Problem:
        """Set up the fit of ``v`` by ``u``."""
        root = np.sqrt(weight)
        others = np.stack([np.ones_like(u), u][: FORMS[form] - 3], axis=1)
        q, r = np.linalg.qr(others * root[:, None])
        target = v * root
        return cls(u, root, target, q, r, target - q @ (q.T @ target))

    def solve(self, place: Floats, width: Floats) -> tuple[Floats, Floats, Floats]:
        """Steps ``[K, n]`` less the other columns, their heights ``[K]``, and the steps themselves.

        The height is 0 where the step is one of the other columns to the last digits.
        """
        step = expit((self.u - place[:, None]) / width[:, None]) * self.root
        own = step - (step @ self.q) @ self.q.T
        own -= (own @ self.q) @ self.q.T  # once more: little is left of a wide step, and that must be exact
        norm = np.einsum("kn,kn->k", own, own)
        usable = norm > 1e-22 * np.einsum("kn,kn->k", step, step)
        return own, usable * (own @ self.rest) / np.where(usable, norm, 1), step

    def costs(self, candidates: Floats) -> Floats:
        """Squared error of the best curve for each place and width, ``[K, 2]``."""
        own, height, _ = self.solve(*candidates.T)
        return np.asarray(self.rest @ self.rest - height * (own @ self.rest))


@dataclass(frozen=True)
class _Found:
    """``place = (shift, log width)``, ``linear = (constant, height[, slope])``, and how it ended."""

    place: Floats
    linear: Floats
    cost: float
    success: bool
    message: str


def _place(p: Floats) -> tuple[float, float]:
    """Place and width from shift and log width: the shift is a place for narrow steps, a ratio for wide ones.

    Further than some widths from the data the step is an exponential, as wide as that a straight line, and as
    narrow a jump, to the last digit that matters: beyond, its height would cost digits.
    """
    width = float(np.exp(np.clip(p[1], -25.0, 7.0)))
    place = 0.5 + float(p[0]) * (0.5 + width)
    return float(np.clip(place, -15 * width, 1 + 15 * width)), width


def _shift(place: float, width: float) -> Floats:
    """Invert `_place`."""
    return np.array([(place - 0.5) / (0.5 + width), np.log(width)])


def _refine(problem: _Problem, start: Floats, evaluations: int) -> _Found:
    """Refine shift and log width of a start."""
    solved: dict[bytes, tuple[Floats, float, Floats, float, float]] = {}  # the last: its Jacobian comes next

    def solve(p: Floats) -> tuple[Floats, float, Floats, float, float]:
        if (key := p.tobytes()) not in solved:
            place, width = _place(p)
            own, height, step = problem.solve(np.array([place]), np.array([width]))
            solved.clear()
            solved[key] = own[0], float(height[0]), step[0], place, width
        return solved[key]

    def residual(p: Floats) -> Floats:
        own, height, *_ = solve(p)
        return np.asarray(height * own - problem.rest)

    def jacobian(p: Floats) -> Floats:
        own, height, step, place, width = solve(p)
        shape = step / problem.root
        slope = height * shape * (1 - shape) * problem.root / width
        shift = (place - 0.5) / (0.5 + width)
        moved = np.stack([-slope * (0.5 + width), -slope * (problem.u - place + shift * width)])
        moved -= (moved @ problem.q) @ problem.q.T
        norm = own @ own
        moved -= np.outer(moved @ own / norm, own) if norm > 0 else 0.0
        return np.asarray(moved.T)

    tight = {"xtol": 1e-12, "ftol": 1e-12, "gtol": 1e-12}
    end = least_squares(residual, start, jacobian, method="lm", max_nfev=evaluations, **tight)
    _, height, step, _, _ = solve(end.x)
    others = np.linalg.solve(problem.r, problem.q.T @ (problem.target - height * step))
    linear = np.array([others[0], height, *others[1:]])
    return _Found(end.x, linear, float(end.cost), bool(end.success), str(end.message))


def _describe(
    best: _Found, form: str, frame: tuple[float, float, float, float], data: tuple[Floats, Floats]
) -> Mapping:
    """Translate the refined parameters back into the notation of the source, and check the curve."""
    low, span, base, scale = frame
    place, width = (span * value for value in _place(best.place))
    place += low
    constant, height = base + scale * best.linear[0], scale * best.linear[1]
    if form == "logistic4":
        parameters: tuple[float, ...] = (constant + height, constant, place, width)
        slope = 0.0
    else:
        slope = scale * best.linear[2] / span
        parameters = (height, 1 / width, place, slope, constant + height / 2 - slope * low)
    curve = Mapping(form, tuple(float(p) for p in parameters), 0.0, True, 0, True, "")
    x, y = data
    ends = curve(np.array([x.min(), x.max()]))
    # The derivative is height/width * g(1-g) + slope, monotone in g(1-g): its extremes decide.
    edge = expit((np.array([x.min(), x.max(), np.clip(place, x.min(), x.max())]) - place) / width)
    derivative = height / width * edge * (1 - edge) + slope
    error = float(np.sqrt(np.mean((curve(x) - y) ** 2)))
    return Mapping(
        form,
        curve.parameters,
        error,
        monotone=bool((derivative >= 0).all() or (derivative <= 0).all()),
        direction=int(np.sign(ends[1] - ends[0])),
        converged=best.success and bool(np.isfinite(error)),
        message=best.message,
    )
