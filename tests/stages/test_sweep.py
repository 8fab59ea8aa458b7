"""Stage `sweep`: right in either direction, wrong, and blind."""

import pandas as pd
import pytest

from experiments import stage, sweep
from tests.stages.loaded import Grey, known, load
from tests.stages.planted import METHODS, keep

ORDERS = {"qualiclip": 1, "turned": 1, "reversed": -1, "constant": 0}


@pytest.fixture
def few(planted, monkeypatch):
    keep(planted, list(ORDERS))
    load(monkeypatch, sweep)
    return planted


def read(root, name):
    return pd.read_csv(root / f"results/tables/{name}.csv")


def test_scores_fall_with_the_level_for_a_method_that_is_right(few):
    sweep.sweep()
    curves, order = read(few, "sweep"), read(few, "sweep_order")
    assert set(order["distortion"]) == {"darken", "whitenoise"}
    assert order.set_index("distortion")["group"].to_dict() == {
        "darken": "brightness_change", "whitenoise": "noise"
    }  # fmt: skip
    dark = order[order["distortion"].eq("darken")].set_index(["method", "statistic"])["value"]
    for method, expected in ORDERS.items():
        assert dark[method, "srcc_level"] == expected
        assert dark[method, "monotone_share"] == (expected == 1)
    # Brightness sees no noise: by chance the two pictures disagree, and Student's interval of two is wide.
    chance = order[order["distortion"].eq("whitenoise") & order["statistic"].eq("srcc_level")]
    assert (chance["low"].min(), chance["high"].max()) == (-1, 1)
    means = curves[curves["distortion"].eq("darken")].pivot_table("value", "level", "method")
    assert list(means.index) == [0, 1, 2, 3, 4, 5]
    assert (means["qualiclip"].diff()[1:] < 0).all()
    assert (means["turned"] == -means["qualiclip"]).all()
    # Level 0 is the pictures themselves: .7 and a texture with mean .1, two of them.
    assert means.loc[0, "qualiclip"] == pytest.approx(0.8, abs=0.01)
    assert set(curves["n"]) == {2}
    assert curves["signature"].str.contains(r"\|data=[0-9a-f]{12}$").all()


def test_a_run_that_was_stopped_goes_on_and_one_of_other_methods_does_not(few, monkeypatch):
    sweep.sweep()
    whole = (few / "results/tables/sweep.csv").read_bytes()
    left = few / "results/sweep.part.npz"
    assert not left.exists()
    genuine, scored = sweep.Partial.remove, []
    monkeypatch.setattr(sweep.Partial, "remove", lambda self: None)
    sweep.sweep()
    assert left.exists()
    monkeypatch.setattr(sweep.Partial, "remove", genuine)

    class Counting(Grey):
        def score(self, images):
            scored.append(len(images))
            return super().score(images)

    def counting(name):
        method = known(name)
        return Counting(name, method.sign, method.higher_is_better)

    monkeypatch.setattr(sweep, "costs", lambda *_, **__: None)
    load(monkeypatch, sweep, counting)
    sweep.sweep()
    assert scored == []
    assert (few / "results/tables/sweep.csv").read_bytes() == whole
    for name in METHODS:
        path = few / "models" / name / "method.json"
        if path.exists():
            path.write_text(path.read_text().replace('"seed": 27', '"seed": 28'))
    sweep.sweep()
    assert sum(scored) > 0


def test_cost_is_that_of_the_size_asked_for(few):
    sweep.sweep()
    cost = read(few, "cost")
    assert sorted(cost["method"]) == sorted(ORDERS)
    assert cost[["width", "height"]].eq([48, 32]).all(axis=None)
    assert (cost[["parameters", "weight_bytes", "multiply_adds"]] == 0).all(axis=None)
    assert stage.TABLES.is_dir()
