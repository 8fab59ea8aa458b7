"""The sweep of stage `study`: right in either direction, wrong, and blind."""

import shutil

import pandas as pd
import pytest

from experiments.analyses import subject as subjects
from experiments.analyses import sweep
from experiments.runs import signatures
from tests.stages.loaded import Grey, known, load, studied
from tests.stages.planted import change, keep

ORDERS = {"qualiclip": 1, "turned": 1, "reversed": -1, "constant": 0}


@pytest.fixture
def few(planted, monkeypatch):
    keep(planted, list(ORDERS))
    change(planted, gradcam={"methods": [], "shuffled": []})
    load(monkeypatch, subjects)
    return planted


@pytest.fixture(scope="module")
def whole(pattern, tmp_path_factory):
    """The planted run after all of these methods were studied, to read."""
    root = shutil.copytree(pattern, tmp_path_factory.mktemp("swept"), dirs_exist_ok=True)
    keep(root, list(ORDERS))
    change(root, gradcam={"methods": [], "shuffled": []})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        signatures._facts.cache_clear()
        load(patch, subjects)
        studied(ORDERS)
    signatures._facts.cache_clear()
    return root


def read(root, name):
    return pd.read_csv(root / f"results/tables/{name}.csv")


def test_scores_fall_with_the_level_for_a_method_that_is_right(whole):
    curves, order = read(whole, "sweep"), read(whole, "sweep_order")
    assert set(order["distortion"]) == {"darken", "whitenoise"}
    assert order.set_index("distortion")["group"].to_dict() == {
        "darken": "brightness_change", "whitenoise": "noise"
    }  # fmt: skip
    dark = order[order["distortion"].eq("darken")].set_index(["method", "statistic"])["value"]
    for method, expected in ORDERS.items():
        assert dark[method, "srcc_level"] == expected
        assert dark[method, "monotone_share"] == (expected == 1)
    # Two pictures, and so no interval.
    assert order[["low", "high"]].isna().all(axis=None)
    assert order["protocol"].str.contains("no interval: fewer than 5 images").all()
    means = curves[curves["distortion"].eq("darken")].pivot_table("value", "level", "method")
    assert list(means.index) == [0, 1, 2, 3, 4, 5]
    assert (means["qualiclip"].diff()[1:] < 0).all()
    assert (means["turned"] == -means["qualiclip"]).all()
    # Level 0 is the pictures themselves: .7 and a texture with mean .1, two of them.
    assert means.loc[0, "qualiclip"] == pytest.approx(0.8, abs=0.01)
    assert set(curves["n"]) == {2}
    assert curves["signature"].str.contains(r"\|data=[0-9a-f]{12}$").all()


class Counting(Grey):
    """Counts the pictures that it scores, and stops where that is asked for."""

    scored, most = 0, 10**9

    def score(self, images):
        Counting.scored += len(images)
        if Counting.scored > Counting.most:
            raise KeyboardInterrupt
        return super().score(images)


def counted(most=10**9):
    """How many pictures the method gets to score in its studies."""
    Counting.scored, Counting.most = 0, most
    studied(["qualiclip"], join=False)
    return Counting.scored


def test_a_study_that_was_stopped_goes_on_and_one_that_is_whole_is_kept(few, monkeypatch):
    load(monkeypatch, subjects, lambda name: Counting(name))
    whole = counted()
    assert whole > 0
    cell = few / "results/studies/qualiclip/sweep.json"
    before = cell.read_bytes()
    assert counted() == 0
    change(few, sweep={"images": 3})
    change(few, robustness={"images": 6})
    left = few / "results/studies/qualiclip.sweep.part"
    with monkeypatch.context() as patch:
        close = sweep.Journal.__exit__
        patch.setattr(sweep.Journal, "__exit__", lambda *it: (close(*it), shutil.copy(left, few / "book"))[0])
        again = counted()
    assert 0 < again < whole  # what lies beyond the fifth level is kept
    cell.unlink()
    (few / "book").rename(left)
    assert counted() == 0  # all of it was left in the file for what is half done
    assert not list((few / "results/studies").glob("*.part"))
    change(few, sweep={"images": 2})
    counted()
    assert cell.read_bytes() == before
    path = few / "models/qualiclip/method.json"
    path.write_text(path.read_text().replace('"seed": 27', '"seed": 28'))
    assert counted() >= whole


def test_pictures_of_other_references_are_studied_anew(few, monkeypatch):
    """What intervals count as one content comes from the manifest: a cell is kept only where that stands."""
    load(monkeypatch, subjects)
    studied(["qualiclip"])
    cell, manifest = few / "results/studies/qualiclip/sensitivity.json", few / "data/csiq/manifest.csv"
    assert "images of 1 references" not in cell.read_text()
    pd.read_csv(manifest).assign(reference="one").to_csv(manifest, index=False)
    studied(["qualiclip"])
    assert "images of 1 references" in cell.read_text()


class Asking(Grey):
    """Would ask an endpoint, and counts about how many pictures."""

    remote, asked = True, 0

    def score(self, images):
        Asking.asked += len(images)
        return super().score(images)


TWO = ["qualiclip", "constant"]


def test_an_endpoint_is_asked_about_changed_pictures_where_it_is_named_alone(few, monkeypatch, capsys):
    load(monkeypatch, subjects, lambda name: Asking(name) if name == "qualiclip" else known(name))
    tables = ("sweep", "sweep_order", "sensitivity", "further", "further_order")
    studied(TWO)
    assert Asking.asked == 0
    said = capsys.readouterr().err
    assert (
        "qualiclip: its endpoint is not asked about changed pictures (sweep); name it in sweep.methods"
        in said
    )
    assert said.count("name it in robustness.methods") == 2
    assert "study@qualiclip" not in said  # nothing of it is missing
    for name in tables:
        assert set(read(few, name)["method"]) == {"constant"}, name
    change(few, sweep={"methods": ["qualiclip"]}, robustness={"methods": ["qualiclip"]})
    studied(TWO)
    assert Asking.asked > 0
    for name in tables:
        assert set(read(few, name)["method"]) == {"qualiclip"}, name
    change(few, sweep={"methods": ["qualiclib"]})
    with pytest.raises(ValueError, match=r"sweep\.methods: 'qualiclib' is not declared; .*'qualiclip'"):
        studied(TWO)


def test_cost_is_that_of_the_size_asked_for(whole):
    cost = read(whole, "cost")
    assert sorted(cost["method"]) == sorted(ORDERS)
    assert cost[["width", "height"]].eq([48, 32]).all(axis=None)
    assert (cost[["parameters", "weight_bytes", "multiply_adds"]] == 0).all(axis=None)
