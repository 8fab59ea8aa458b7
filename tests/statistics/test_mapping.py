import numpy as np
import pytest

from benchmark.statistics import FORMS, fit, mapping, plcc
from tests.reference.statistics import best_of_restarts, logistic4, logistic5

CURVES = {"logistic4": logistic4, "logistic5": logistic5}


def random_set(k):
    """Monotone or pure noise, rising or falling, few or many images, normal or even scores."""
    g = np.random.default_rng([5, k])
    n = int(g.choice([12, 30, 100, 400]))
    x = g.normal(size=n) if k % 2 else g.uniform(size=n)
    u = (x - x.mean()) / x.std()
    shapes = (
        np.tanh(u * g.uniform(0.3, 3)),
        u,
        np.exp(u * g.uniform(0.2, 1)),
        np.sign(u) * np.abs(u) ** g.uniform(0.3, 2),
        0 * u,
    )
    base = shapes[k % 5]
    sign, noise = (1 if k % 3 else -1), g.uniform(0.05, 10) * max(base.std(), 0.5)
    return x, sign * base * g.uniform(0.5, 50) + noise * g.normal(size=n), g


def excess(form, k):
    x, y, g = random_set(k)
    return fit(x, y, form).rmse / best_of_restarts(form, x, y, g) - 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("k", range(10))
def test_no_worse_than_the_best_of_twenty_restarts(form, k):
    assert excess(form, k) <= 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_no_worse_than_the_best_of_twenty_restarts_on_two_hundred_sets(form):
    assert max(excess(form, k) for k in range(200)) <= 1e-6


def test_bins_are_means_of_neighbours_and_leave_nothing_out():
    g = np.random.default_rng(4)
    u, v = g.uniform(size=1003), g.normal(size=1003)
    places, values, weight = mapping._bin(u, v)
    assert len(weight) == mapping._BINS
    assert np.ptp(weight) <= 1
    ends = np.cumsum(weight).astype(int)
    order = np.argsort(u)
    assert ends[-1] == 1003
    for start, end, place, value in zip([0, *ends[:-1]], ends, places, values, strict=True):
        own = order[start:end]
        assert (place, value) == pytest.approx((u[own].mean(), v[own].mean()))


@pytest.mark.parametrize(
    ("form", "truth"),
    [
        ("logistic4", (4.5, 1.0, 0.3, 0.2)),
        ("logistic4", (1.0, 9.0, 50.0, 7.0)),
        ("logistic5", (3.0, 2.0, 0.1, 0.5, 2.0)),
    ],
)
def test_finds_the_curve_that_made_the_data(form, truth):
    x = np.linspace(truth[2] - 8 * truth[3] if form == "logistic4" else -3, truth[2] + 3, 200)
    found = fit(x, CURVES[form](x, *truth), form)
    assert found.rmse < 1e-7
    assert found.parameters == pytest.approx(truth, rel=1e-4)
    assert found.converged
    np.testing.assert_allclose(found(x), CURVES[form](x, *found.parameters), atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_units_do_not_matter(form):
    x, y, _ = random_set(11)
    plain, moved = fit(x, y, form), fit(1e6 * x - 4e7, 1e-3 * y + 5, form)
    assert moved.rmse == pytest.approx(1e-3 * plain.rmse, rel=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_a_falling_score_keeps_its_sign(form):
    g = np.random.default_rng(0)
    x = g.normal(size=100)
    y = np.tanh(x) + 0.2 * g.normal(size=100)
    rising, falling = fit(x, y, form), fit(-x, y, form)
    assert (rising.direction, falling.direction) == (1, -1)
    assert plcc(rising(x), y) > 0.9
    assert plcc(falling(-x), y) == pytest.approx(plcc(rising(x), y), abs=1e-6)  # the mapping itself hides it


def test_a_curve_that_turns_is_said_to():
    x = np.linspace(-3, 3, 200)
    turning = fit(x, logistic5(x, 6.0, 2.0, 0.0, -0.6, 0.0), "logistic5")
    assert not turning.monotone
    assert np.any(np.diff(turning(x)) > 0)
    assert np.any(np.diff(turning(x)) < 0)
    assert fit(x, x + 0.1 * np.sin(x), "logistic5").monotone


@pytest.mark.parametrize("form", FORMS)
def test_degenerate_data(form):
    with pytest.raises(ValueError, match="choose from"):
        fit([1, 2], [1, 2], "logistic3")
    with pytest.raises(ValueError, match="needs more images than that, not 4"):
        fit([1, 2, 3, 4], [1, 2, 3, 4], form)
    with pytest.raises(ValueError, match="all 9 scores are the same"):
        fit([2] * 9, range(9), form)
    with pytest.raises(ValueError, match="infinite"):
        fit([*range(8), np.inf], range(9), form)
    flat = fit(range(20), [3.0] * 20, form)
    assert flat.rmse == pytest.approx(0, abs=1e-9)
    two = fit([0.0, 1.0] * 10, [1.0, 5.0] * 10, form)
    assert two.rmse == pytest.approx(0, abs=1e-6)


def test_a_step_is_fitted_as_a_step():
    x = np.arange(40.0)
    y = np.where(x > 17.2, 8.0, 2.0)
    assert fit(x, y).rmse < 1e-6


def test_a_step_among_equal_scores_is_found_however_narrow_its_gap():
    """One outlier makes the rest a hair of the range; scores come twice, and ties are no place to jump."""
    x = np.repeat(np.append(np.arange(40.0) * 1e-9, 1.0), 2)
    y = np.where(x > 17.5e-9, 8.0, 2.0)
    assert fit(x, y).rmse < 1e-6


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("slope", [-2.0, -1.4, -0.6, -0.1, 0.1, 1.0])
@pytest.mark.parametrize("place", [-2.0, 0.0, 1.5])
def test_a_curve_is_called_monotone_where_none_of_its_steps_turns_back(unit, slope, place):
    """The step rises by 1.5 at its steepest: whether the line turns it back depends on place and slope."""
    x = np.linspace(-3, 3, 150)
    found = fit(unit * x, logistic5(x, 3.0, 2.0, place, slope, 1.0), "logistic5")
    steps = np.diff(found(unit * np.linspace(-3, 3, 2001)))
    assert found.monotone == bool((steps > 0).all() or (steps < 0).all())
