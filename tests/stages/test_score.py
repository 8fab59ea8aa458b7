"""Stages that read pictures: `score` and `variants`."""

import numpy as np
import pandas as pd
import pytest

from benchmark.datasets.prepared import contents
from benchmark.images import write_png
from experiments import settings
from experiments.analyses import subject
from experiments.runs import available, results
from experiments.runs.stage import MODELS
from experiments.scoring import dataset
from experiments.stages import score, study, variants
from tests.stages.loaded import Grey, known, load
from tests.stages.planted import SETS, change, keep, picture, rows


@pytest.fixture
def broken(planted, monkeypatch):
    """The planted run with one picture of ``toy`` that cannot be read."""
    (planted / "data/toy/4_2.png").write_bytes(b"no picture")
    change(planted, score={"datasets": ["toy"]}, cross_dataset={"datasets": ["toy"]})
    change(planted, robustness={"dataset": "toy"}, gmad={"datasets": ["toy"]}, evaluate={"ratings": {}})
    load(monkeypatch, dataset)
    return planted


def brightness(dataset):
    frame = rows(dataset)
    made = [picture(dataset, reference, level) for _, reference, level in frame.iloc[:, :3].to_numpy()]
    return np.array([float((one * 255).round().mean()) / 255 for one in made])


#: Pictures that are scored of a data set of forty: one of the first batch alone too.
ONE_SET = 41


@pytest.mark.parametrize(("method", "sign"), [("qualiclip", 1), ("reversed", -1)])
def test_a_score_is_what_the_method_says_of_the_picture(broken, method, sign):
    score.score(method)
    found = pd.read_csv(broken / f"results/scores/{method}/toy.csv", keep_default_na=False)
    assert found["image"].tolist() == rows("toy")["image"].tolist()
    there = found["error"].eq("")
    assert found.loc[~there, "image"].tolist() == ["4_2.png"]
    assert found.loc[~there, "score"].tolist() == [""]
    said = found.loc[there, "score"].astype(float)
    assert said.to_numpy() == pytest.approx(sign * brightness("toy")[there], abs=1e-4)
    assert not list((broken / "results/scores").rglob("*.part"))


def alone(root, dataset):
    """Have one data set scored, and none described."""
    change(root, score={"datasets": [dataset]}, gmad={"datasets": [dataset]}, evaluate={"ratings": {}})
    change(root, cross_dataset={"methods": [], "datasets": [dataset]}, robustness={"features": []})
    change(root, robustness={"dataset": dataset, "manifold": dataset})


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

        load(monkeypatch, dataset, make)

    alone(planted, "toy")
    change(planted, score={"batch": 8})
    stopped_after(20)
    with pytest.raises(KeyboardInterrupt):
        score.score("qualiclip")
    assert (planted / "results/scores/qualiclip/toy.csv.part").is_file()
    stopped_after(25)  # of forty pictures two batches of eight were done; one more is scored alone too
    score.score("qualiclip")
    found = pd.read_csv(planted / "results/scores/qualiclip/toy.csv")
    assert found["score"].to_numpy() == pytest.approx(brightness("toy"), abs=1e-4)
    stopped_after(20)
    (planted / "results/scores/qualiclip/toy.csv").unlink()
    with pytest.raises(KeyboardInterrupt):
        score.score("qualiclip")
    path = MODELS / "qualiclip/method.json"
    path.write_text(path.read_text().replace('"seed": 27', '"seed": 28'))
    stopped_after(100)
    score.score("qualiclip")
    assert Stopped.seen == ONE_SET


def test_features_are_those_of_the_pictures_that_can_be_read(broken, capsys):
    score.score("qualiclip")
    assert "no features of 4_2.png" in capsys.readouterr().err
    with np.load(broken / "results/features/qualiclip/toy.npz") as file:
        names, values = file["image"], file["features"]
    expected = [name for name in rows("toy")["image"] if name != "4_2.png"]
    assert names.tolist() == expected
    assert values.mean(axis=1) == pytest.approx(
        brightness("toy")[rows("toy")["image"].ne("4_2.png")], abs=1e-4
    )


class Blind:
    """A method that has no features."""

    name, higher_is_better = "blind", True

    def score(self, images):
        return images.mean((1, 2, 3))


def test_a_method_without_features_is_refused_where_it_is_listed_and_else_takes_no_part(
    planted, monkeypatch, capsys
):
    load(monkeypatch, dataset, lambda name, models: Blind())
    with pytest.raises(ValueError, match=r"cross_dataset\.methods: 'noisy' has no features"):
        score.score("noisy")
    assert (planted / "results/scores/noisy/toy.csv").is_file()
    change(planted, cross_dataset={"methods": None}, robustness={"features": None})
    score.score("noisy")
    assert not list((planted / "results/features/noisy").glob("*.npz"))
    assert available.described_by("noisy", list(SETS)) == []
    assert "left out" not in capsys.readouterr().err


def test_features_that_failed_are_missing_and_not_taken_for_none(planted, monkeypatch, capsys):
    class Failing(Grey):
        def features(self, images):
            raise ValueError("too dark")

    change(planted, cross_dataset={"methods": None}, robustness={"features": None})
    load(monkeypatch, dataset, lambda name, models: Failing(name))
    with pytest.raises(ValueError, match="noisy could describe none of the pictures"):
        score.score("noisy")
    assert available.described_by("noisy", ["toy"]) == []
    assert "left out: noisy has no features of toy; `dvc repro score@noisy`" in capsys.readouterr().err


class Counting(Grey):
    """Counts the pictures that it is given to score and to describe."""

    scored, described = 0, 0

    def score(self, images):
        Counting.scored += len(images)
        return super().score(images)

    def features(self, images):
        Counting.described += len(images)
        return super().features(images)


def counted(name):
    """How many pictures `score` gives the method to score and to describe."""
    Counting.scored = Counting.described = 0
    score.score(name)
    return Counting.scored, Counting.described


def test_only_what_is_new_is_scored(planted, monkeypatch):
    keep(planted, ["noisy", "qualiclip"], ["csiq", "toy"])
    load(monkeypatch, dataset, lambda name, models: Counting(name))
    assert counted("noisy") == (2 * ONE_SET, 80)
    assert counted("noisy") == (0, 0)
    (planted / "results/scores/noisy/csiq.csv").write_text("image,score,error\n3_1.png,1,\n")  # by hand
    assert counted("noisy") == (ONE_SET, 0)
    (planted / "results/features/noisy/toy.npz").unlink()
    assert counted("noisy") == (0, 40)
    write_png(planted / "data/toy/0_0.png", picture("toy", "z", 0))
    contents.write(planted / "data/toy", rows("toy")["image"].tolist())
    assert counted("noisy") == (ONE_SET, 40)  # one of its forty pictures is another
    change(planted, score={"batch": 3})
    assert counted("noisy") == (2 * ONE_SET, 80)
    path = planted / "models/noisy/method.json"
    path.write_text(path.read_text().replace('"seed": 27', '"seed": 28'))
    assert counted("noisy") == (2 * ONE_SET, 80)
    (planted / "models/noisy/weights.pt").write_bytes(b"others, put there by hand")
    assert counted("noisy") == (2 * ONE_SET, 80)
    monkeypatch.setattr(dataset, "code", lambda *_: "other")
    assert counted("noisy") == (2 * ONE_SET, 80)


def test_a_data_set_taken_off_the_list_leaves_no_scores_and_one_put_back_is_scored_alone(
    planted, monkeypatch
):
    load(monkeypatch, dataset, lambda name, models: Counting(name))
    counted("noisy")
    alone(planted, "toy")
    assert counted("noisy") == (0, 0)
    assert sorted(path.name for path in (planted / "results/scores/noisy").glob("*.csv")) == ["toy.csv"]
    assert not list((planted / "results/features/noisy").glob("*.npz"))
    change(planted, score={"datasets": ["toy", "csiq"]})
    assert counted("noisy") == (ONE_SET, 0)


def test_scores_of_a_data_set_that_is_not_here_now_stay(planted, monkeypatch):
    load(monkeypatch, dataset, lambda name, models: Counting(name))
    counted("noisy")
    (planted / "data/csiq").rename(planted / "elsewhere")
    assert counted("noisy") == (0, 0)
    assert (planted / "results/scores/noisy/csiq.csv").is_file()
    (planted / "elsewhere").rename(planted / "data/csiq")
    assert counted("noisy") == (0, 0)


def test_what_is_wrong_with_one_data_set_does_not_keep_the_others_from_being_scored(planted, monkeypatch):
    class Choosy(Grey):
        def score(self, images):
            if images.mean() >= 0:
                raise ValueError("too dark")

    def make(name, models):
        return Choosy(name) if (planted / "now").exists() else known(name)

    load(monkeypatch, dataset, make)
    score.score("noisy")
    (planted / "now").touch()
    for name in ("csiq", "toy"):
        (planted / f"results/scores/noisy/{name}.csv").unlink()
    with pytest.raises(ValueError, match=r"noisy could score none.*(?s:.*)noisy could score none"):
        score.score("noisy")
    assert [p.name for p in (planted / "results/scores/noisy").glob("*.csv")] == ["koniq10k.csv"]


class Described(Grey):
    """Has features alone."""

    no_scores = "described: set `regressor`"

    def score(self, images):
        raise AssertionError("asked for scores")


@pytest.mark.parametrize(
    ("run", "place"), [(score.score, dataset), (study.study, subject)], ids=["score", "study"]
)
def test_a_method_that_has_features_alone_is_said_once_and_is_described(planted, monkeypatch, run, place):
    load(monkeypatch, place, lambda name, models=None: Described(name))
    for path in (planted / "results/scores/noisy").glob("*.csv"):
        path.unlink()
    with pytest.raises(ValueError, match=r"\Adescribed: set `regressor`\Z"):
        run("noisy")
    if run is score.score:
        assert not list((planted / "results/scores/noisy").glob("*.csv"))
        assert list((planted / "results/features/noisy").glob("*.npz"))


def test_a_method_that_is_not_declared_is_named_with_what_was_meant(planted):
    with pytest.raises(ValueError, match=r"'qualclip' is not declared.*did you mean 'qualiclip'"):
        score.score("qualclip")


def test_every_variant_and_every_further_seed_is_scored(planted, monkeypatch):
    load(monkeypatch, dataset)
    asked = []

    def make(name, models):
        asked.append(str(models))
        return known(name)

    load(monkeypatch, dataset, make)
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
