"""Stages that read pictures: `score`, `features` and `variants`."""

import numpy as np
import pandas as pd
import pytest

from experiments import features, results, score, settings, variants
from experiments.stage import MODELS
from tests.stages.loaded import Grey, known, load
from tests.stages.planted import SETS, change, picture, rows


@pytest.fixture
def broken(planted, monkeypatch):
    """The planted run with one picture of ``toy`` that cannot be read."""
    (planted / "data/toy/4_2.png").write_bytes(b"no picture")
    for stage in (score, features):
        load(monkeypatch, stage)
    return planted


def brightness(dataset):
    frame = rows(dataset)
    made = [picture(dataset, reference, level) for _, reference, level in frame.iloc[:, :3].to_numpy()]
    return np.array([float((one * 255).round().mean()) / 255 for one in made])


@pytest.mark.parametrize(("method", "sign"), [("qualiclip", 1), ("reversed", -1)])
def test_a_score_is_what_the_method_says_of_the_picture(broken, method, sign):
    score.score(method, "toy")
    found = pd.read_csv(broken / f"results/scores/{method}/toy.csv", keep_default_na=False)
    assert found["image"].tolist() == rows("toy")["image"].tolist()
    there = found["error"].eq("")
    assert found.loc[~there, "image"].tolist() == ["4_2.png"]
    assert found.loc[~there, "score"].tolist() == [""]
    said = found.loc[there, "score"].astype(float)
    assert said.to_numpy() == pytest.approx(sign * brightness("toy")[there], abs=1e-4)
    assert not list((broken / "results/scores").rglob("*.part"))


def test_a_run_that_was_stopped_scores_only_the_rest_unless_something_has_changed(planted, monkeypatch):
    class Stopped(Grey):
        seen = 0

        def score(self, images):
            Stopped.seen += len(images)
            if Stopped.seen > self.most:
                raise KeyboardInterrupt
            return super().score(images)

    def stopped_after(most):
        def make(name, models=None):
            Stopped.seen, method = 0, Stopped(name)
            method.most = most
            return method

        load(monkeypatch, score, make)

    change(planted, score={"batch": 8})
    stopped_after(20)
    with pytest.raises(KeyboardInterrupt):
        score.score("qualiclip", "toy")
    assert (planted / "results/scores/qualiclip/toy.csv.part").is_file()
    stopped_after(24)  # of forty pictures two batches of eight were done
    score.score("qualiclip", "toy")
    found = pd.read_csv(planted / "results/scores/qualiclip/toy.csv")
    assert found["score"].to_numpy() == pytest.approx(brightness("toy"), abs=1e-4)
    stopped_after(20)
    with pytest.raises(KeyboardInterrupt):
        score.score("qualiclip", "toy")
    path = MODELS / "qualiclip/method.json"
    path.write_text(path.read_text().replace('"seed": 27', '"seed": 28'))
    stopped_after(100)
    score.score("qualiclip", "toy")
    assert Stopped.seen == 40


def test_features_are_those_of_the_pictures_that_can_be_read(broken, capsys):
    features.features("qualiclip", "toy")
    assert "no features of 4_2.png" in capsys.readouterr().err
    with np.load(broken / "results/features/qualiclip/toy.npz") as file:
        names, values = file["image"], file["features"]
    expected = [name for name in rows("toy")["image"] if name != "4_2.png"]
    assert names.tolist() == expected
    assert values.mean(axis=1) == pytest.approx(
        brightness("toy")[rows("toy")["image"].ne("4_2.png")], abs=1e-4
    )


def test_a_method_without_features_is_refused(planted, monkeypatch):
    class Blind:
        name, higher_is_better = "blind", True

    load(monkeypatch, features, lambda name: Blind())
    with pytest.raises(ValueError, match=r"cross_dataset\.methods: 'noisy' has no features"):
        features.features("noisy", "toy")


def test_every_variant_and_every_further_seed_is_scored(planted, monkeypatch):
    load(monkeypatch, score)
    asked = []

    def make(name, models):
        asked.append(str(models))
        return known(name)

    load(monkeypatch, score, make)
    for path in (planted / "results/variants/csiq").glob("*.csv"):
        path.unlink()
    variants.variants("csiq")
    folder = planted / "results/variants/csiq"
    names = ["full", "no_consistency", "seed_28", "seed_29", "untrained"]
    assert sorted(path.stem for path in folder.iterdir()) == names
    for name in names:
        found = pd.read_csv(folder / f"{name}.csv")["score"]
        sign = -1 if name == "untrained" else 1
        assert found.to_numpy() == pytest.approx(sign * brightness("csiq"), abs=1e-4)
    assert set(asked) == {"results/ablation"}
    assert not list((planted / "results").glob("*.part"))
    assert "csiq" in SETS


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (["full", "untrained"], ["full", "untrained", "seed_28", "seed_29"]),
        (["untrained"], ["untrained"]),  # the further seeds are the base's
    ],
)
def test_further_seeds_are_of_the_base_alone(planted, listed, expected):
    change(planted, ablation={"variants": listed})
    assert results.trained(settings.load().ablation) == expected
