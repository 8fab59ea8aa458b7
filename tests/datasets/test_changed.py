"""A set that has changed since it was prepared, as commands and programs meet it."""

import json

import pandas as pd
import pytest
import torch

from benchmark import datasets, evaluate
from benchmark.gmad.study import pair_name, study_name
from benchmark.images import write_png
from experiments.runs import unchanged
from experiments.settings import Prepare
from tests.datasets.releases import lines
from tests.datasets.typed import iqa, own

CHANGED = r"data.lab: the release, scores, record or settings of data set 'lab' have changed since"


PAIR = ("images/p2.png", "images/p3.png")


@pytest.fixture
def prepared(here):
    """The set `lab`, prepared, and files that the commands below want; returns what makes it anew."""

    def made(times=1, **settings):
        lines(here / "t.csv", ["file,mos", *(f"p{k}.png,{1 + times * k / 10}" for k in range(10))])
        assert own(here, "lab", here / "t.csv", more=("--yes", "--replace")).exit_code == 0
        return settings

    datasets.prepare("lab", "data", **made())
    images = datasets.load("lab").manifest["image"].tolist()
    pd.DataFrame({"image": images, "split_1": "train"}).to_csv("s.csv", index=False)
    head = "dataset,judge,defender,attacker,level,low_image,high_image,gap,weight"
    contests = [f"lab,mos,{both},1,{','.join(PAIR)},1,1" for both in ("a,b", "b,a")]
    lines(here / "pairs.csv", [head, *contests])
    answer = {"pair": pair_name(*PAIR), "left": PAIR[0], "right": PAIR[1], "choice": "left"}
    told = {"format": "gmad-answers-1", "study": study_name([pair_name(*PAIR)]), "subject": "a"}
    answers = [answer | {"strength": 60, "seconds": 2.0}]
    (here / "answers.json").write_text(json.dumps(told | {"answers": answers}))
    return made


@pytest.mark.parametrize("changed", ["scores", "picture", "settings"])
@pytest.mark.parametrize(
    "words",
    [
        "splits make lab --out made.csv",
        "splits check lab --splits s.csv",
        "splits check lab --test lab",
        "gmad judge --dataset lab --pairs pairs.csv --out page.html",
        "gmad tally answers.json --dataset lab --pairs pairs.csv",
    ],
)
def test_commands_refuse_a_set_that_has_changed_since_it_was_prepared(
    here, prepared, words, changed, monkeypatch
):
    assert iqa(*words.split()).exit_code in (0, 3)
    settings = {}
    if changed == "scores":
        prepared(2)
    elif changed == "picture":
        write_png(here / "lab/p5.png", torch.rand(3, 40, 40))
    else:
        settings = {"short_side": 30}
        monkeypatch.setattr(unchanged, "asked", lambda: Prepare(datasets={"lab": settings}))
    with pytest.raises(ValueError, match=CHANGED):
        raise iqa(*words.split()).exception
    datasets.prepare("lab", "data", **settings)  # the cure that it names
    assert iqa(*words.split()).exit_code in (0, 3)


def test_programs_are_refused_a_set_that_has_changed_since_it_was_prepared(prepared):
    given = {f"images/p{k}.png": k**2 for k in range(10)}
    assert set(evaluate(given, "lab")["dataset"]) == {"lab"}
    prepared(2)
    with pytest.raises(ValueError, match=CHANGED):
        evaluate(given, "lab")


def test_a_set_that_came_from_elsewhere_is_read_as_it_stands(here, prepared):
    manifest = pd.read_csv(here / "data/lab/manifest.csv")
    manifest.assign(mos=6 - manifest["mos"]).to_csv(here / "data/lab/manifest.csv", index=False)
    prepared(2)
    assert iqa("splits", "make", "lab", "--out", here / "made.csv").exit_code == 0
