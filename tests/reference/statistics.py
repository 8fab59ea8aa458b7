"""Slow, plain statistics to compare with: written-out resamples, all pairs, restarts of a search."""

import numpy as np
from scipy import stats
from scipy.optimize import leastsq
from scipy.special import expit

CORRELATIONS = {
    "srcc": lambda x, y: stats.spearmanr(x, y).statistic,
    "krcc": lambda x, y: stats.kendalltau(x, y).statistic,
    "plcc": lambda x, y: stats.pearsonr(x, y).statistic,
}


def along(name, x, y, axis=-1):
    """Correlation along an axis: Spearman's is Pearson's of ranks, tau-b the cosine of the signs of pairs."""
    if name == "krcc":
        x, y = (np.sign(v[..., :, None] - v[..., None, :]).reshape(*v.shape[:-1], -1) for v in (x, y))
        return np.sum(x * y, axis) / np.sqrt(np.sum(x**2, axis) * np.sum(y**2, axis))
    if name == "srcc":
        x, y = stats.rankdata(x, axis=axis), stats.rankdata(y, axis=axis)
    return stats.pearsonr(x, y, axis=axis).statistic


def correlation(name, x, y):
    """SciPy's correlation; NaN where one side is constant."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return CORRELATIONS[name](x, y)


def resampled(name, x, y, counts):
    """The correlation of each resample written out image by image."""
    return np.array([correlation(name, np.repeat(x, c), np.repeat(y, c)) for c in counts.astype(int)])


def influence(name, x, y, step=1e-4):
    """Derivative of a correlation by the weight of each image, numerically, from weighted sums over pairs."""
    sign_x, sign_y = np.sign(x[:, None] - x), np.sign(y[:, None] - y)

    def value(w):
        if name == "plcc":
            a, b = x - w @ x / w.sum(), y - w @ y / w.sum()
            return w @ (a * b) / np.sqrt((w @ a**2) * (w @ b**2))
        if name == "krcc":
            return (w @ (sign_x * sign_y) @ w) / np.sqrt((w @ sign_x**2 @ w) * (w @ sign_y**2 @ w))
        a, b = sign_x @ w, sign_y @ w
        return w @ (a * b) / np.sqrt((w @ a**2) * (w @ b**2))

    result = []
    for i in range(len(x)):
        up, down = np.ones(len(x)), np.ones(len(x))
        up[i] += step
        down[i] -= step
        result.append((value(up) - value(down)) / (2 * step))
    return np.array(result)


def logistic4(x, b1, b2, b3, b4):
    """VQEG's curve as the report writes it."""
    return (b1 - b2) * expit((x - b3) / np.abs(b4)) + b2


def logistic5(x, b1, b2, b3, b4, b5):
    """Sheikh's curve as the paper writes it."""
    return b1 * (0.5 - expit(-b2 * (x - b3))) + b4 * x + b5


def best_of_restarts(form, x, y, rng, restarts=20):
    """Lowest RMSE that MINPACK reaches, until it ends or is stopped, from the usual start and random ones."""
    curve = {"logistic4": logistic4, "logistic5": logistic5}[form]
    best = np.inf
    for k in range(restarts):
        place = np.mean(x) if k == 0 else rng.uniform(x.min(), x.max())
        width = np.std(x) * (1 if k == 0 else 10 ** rng.uniform(-1.5, 1))
        sign = 1 if k % 2 == 0 else -1
        if form == "logistic4":
            ends = (y.max(), y.min()) if sign == 1 else (y.min(), y.max())
            start = [*ends, place, width]
        else:
            start = [sign * np.ptp(y), 1 / width, place, 0.0 if k < 10 else rng.normal(), y.mean()]
        with np.errstate(all="ignore"):
            found, *_ = leastsq(lambda p: curve(x, *p) - y, start, maxfev=400, full_output=True)
        best = min(best, np.sqrt(np.mean((curve(x, *found) - y) ** 2)))
    return best


def krasula(score, mos, error, z):
    """Both areas and the share of rightly ordered pairs, by comparing every pair with every other."""
    i, j = np.triu_indices(len(mos), 1)
    gap = mos[j] - mos[i]
    different = np.abs(gap) > z * np.sqrt(error[i] ** 2 + error[j] ** 2)
    moved = score[j] - score[i]
    far, near = np.abs(moved[different]), np.abs(moved[~different])
    oriented = (moved * np.sign(gap))[different]
    return far, near, oriented


def area(high, low):
    """Chance that a value of the first sample exceeds one of the second, ties one half."""
    return np.mean(np.sign(high[:, None] - low) / 2 + 0.5)


def delong(samples):
    """Covariance of areas after DeLong; each sample is (positives, negatives), the same cases throughout."""
    positive = np.array([(np.sign(p[:, None] - n) / 2 + 0.5).mean(axis=1) for p, n in samples])
    negative = np.array([(np.sign(p[:, None] - n) / 2 + 0.5).mean(axis=0) for p, n in samples])
    return np.cov(positive) / positive.shape[1] + np.cov(negative) / negative.shape[1]
