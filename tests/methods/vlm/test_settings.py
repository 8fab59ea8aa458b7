"""Settings, card and rows of a model behind an endpoint."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import methods
from benchmark.images import write_png
from benchmark.method import Trained
from benchmark.scoring.conformance import assert_conforms
from experiments.cli import app
from experiments.runs.trained import load_trained
from experiments.runs.training import train_into
from experiments.settings import MethodSettings
from tests.methods.vlm.endpoint import KEY, Endpoint, expected, files_in, grey, load


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"endpoint": "ftp://x/v1"}, "is not an address of http or https"),
        ({"endpoint": "https://me:hush@x/v1"}, "without user, password and query"),
        ({"endpoint": "https://x/v1?key=hush"}, "without user, password and query"),
        ({"endpoint": "me:hush@x/v1"}, "without user, password and query"),
        ({"prompt": " "}, "prompt: says nothing"),
        ({"pattern": "("}, "no regular expression"),
        ({"pattern": "[0-9]"}, "needs one group, the number, and has 0"),
        ({"pattern": "([0-9])([0-9])"}, "has 2"),
        ({"low": 5}, "low must lie below high, not 5 and 5"),
        ({"preset": "qalign", "low": 0}, "low: says nothing where the answer is read by words"),
        ({"words": ["a", "b"]}, "words: says nothing where the answer is read by number"),
        ({"preset": "levels", "words": ["good", "Good"]}, "at least two, none twice"),
        ({"preset": "levels", "words": ["good", " "]}, "one of them is empty"),
        ({"extra": {"messages": []}}, "extra: messages is not for it to change"),
        ({"preset": "qbench"}, "preset: Input should be 'plain'"),
        ({"temprature": 0}, "did you mean 'temperature'"),
        (
            {"opinions_of": "koniq10k, spaq"},
            "opinions_of: 'koniq10k,' is no name of a data set.* with spaces",
        ),
        ({"opinions_of": "KonIQ-10k"}, "opinions_of: 'KonIQ-10k' is no name of a data set"),
        ({"opinions_of": "spaq konik10k"}, "no record of a data set 'konik10k'; did you mean 'koniq10k'"),
        ({"timeout": 0}, "timeout: Input should be greater than 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, says):
    with pytest.raises(ValueError, match=says) as caught:
        methods.load("vlm", **{"endpoint": "http://127.0.0.1:1/v1", "model": "m", **settings})
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("address", ["/v1", "/v1/", "/v1/chat/completions"])
def test_an_endpoint_may_be_written_in_several_ways(address):
    with Endpoint().running() as server:
        base = server.url.removesuffix("/v1")
        methods.load("vlm", endpoint=base + address, model="m").score(grey())
    assert server.requests[0][0] == "/v1/chat/completions"


@pytest.mark.parametrize(
    ("settings", "learnt", "exposed"),
    [
        ({}, "unknown", None),
        ({"preset": "deqa"}, "koniq10k spaq kadid10k", {"koniq10k", "spaq", "kadid10k"}),
        ({"preset": "qinsight"}, "koniq10k", {"koniq10k"}),
        ({"preset": "evoquality"}, "", None),
        ({"preset": "deqa", "opinions_of": "unknown"}, "unknown", None),
        ({"opinions_of": "spaq unknown"}, "spaq unknown", {"spaq"}),
        ({"opinions_of": ""}, "", None),
    ],
)
def test_the_card_says_what_was_learnt_from_people(settings, learnt, exposed):
    card = methods.load("vlm", endpoint="http://127.0.0.1:1/v1", model="m", **settings).card
    assert (card.opinions_of, card.opinion_aware) == (learnt, bool(learnt))
    named = {e.what for e in card.exposure or () if e.kind == "opinions"}
    assert named == (exposed or set())
    assert card.title.startswith("m (")


def test_lower_may_be_better():
    with Endpoint().running() as server:
        method = load(server, higher_is_better=False, low=0, high=10, licence="mine")
        assert_conforms(method, method.card)
    assert (method.card.high, method.card.licence) == (10, "mine")


def test_the_commands_take_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for index, image in enumerate(grey(2)):
        write_png(tmp_path / f"{index}.png", image)
    with Endpoint().running() as server:
        told = ["--set", f"endpoint={server.url}", "--set", "model=some/VLM-7B"]
        done = CliRunner().invoke(app, ["check-method", "vlm", *told])
        assert (done.exit_code, "all 8 checks hold" in done.output) == (0, True), done.output
        done = CliRunner().invoke(app, ["score", "0.png", "1.png", "-m", "vlm", *told, "-o", "s.csv"])
        assert done.exit_code == 0, done.output
        CliRunner().invoke(app, ["score", "0.png", "-m", "vlm", *told, "--set", "seed=1", "-o", "t.csv"])
    table, other = pd.read_csv("s.csv"), pd.read_csv("t.csv")
    np.testing.assert_allclose(table["score"], expected(grey(2)).numpy(), rtol=1e-6)
    assert table["weights"][0].startswith("some/VLM-7B at 127.0.0.1")
    assert table["version"][0] != other["version"][0]


def test_it_is_a_row_of_the_settings(tmp_path):
    with Endpoint().running() as server:
        load = {"endpoint": server.url, "model": "m", "preset": "qinsight"}
        rows = [
            MethodSettings.model_validate({"code": "methods/vlm", "load": {**load, "seed": n}})
            for n in (0, 1)
        ]
        for name, own in zip("ab", rows, strict=True):
            train_into(tmp_path / name, name, own, [], seed=1)
        assert not server.requests
        method = load_trained("a", tmp_path)
        with pytest.raises(ValueError, match="no number"):  # the answer lacks its tags
            method.score(grey())
    trained = [Trained.read(tmp_path / name) for name in "ab"]
    assert trained[0].version != trained[1].version
    assert trained[0].card.opinions_of == "koniq10k"
    assert trained[0].load == {**load, "seed": 0}
    assert (method.name, len(server.requests)) == ("a", 1)
    assert KEY not in "".join(path.read_text() for path in files_in(tmp_path))
