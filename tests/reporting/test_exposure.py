"""What methods have learnt from: the matrix, the words of a protocol, and the cards that it is read from."""

import json
from dataclasses import replace

import pandas as pd
import pytest

import methods
from benchmark.method import Card, Exposure, Trained
from benchmark.reporting.views.exposure import _named, matrix
from benchmark.tables import Labels
from experiments.stages.evaluate import _compared

PLAIN = Card("Plain", "", "none", "none", False, 0.0, 1.0, "whole image")
SEEN = (
    Exposure("corpus", "WIT", "Radford et al. 2021", "R"),
    Exposure("pictures", "kadis700k", "the authors' code", "V"),
    Exposure("opinions", "koniq10k", "the paper", "S"),
)
UNKNOWN = "exposure to this data set not known"
LABELS = Labels(
    {"zero": "Zero", "aware": "Aware", "odd": "Odd", "old": "Old"},
    {"koniq10k": "KonIQ-10k", "spaq": "SPAQ", "kadis700k": "KADIS-700k"},
)


def trained(name, **card):
    return Trained(name=name, method=name, card=replace(PLAIN, **card))


def test_the_matrix_says_what_was_learnt_and_where_that_is_said():
    run = {
        "zero": trained("zero", exposure=()),
        "aware": trained("aware", exposure=SEEN, opinion_aware=True, opinions_of="koniq10k"),
        "odd": trained("odd", exposure=SEEN[:1], transductive=True),
        "old": trained("old", opinion_aware=True),
    }
    met = pd.DataFrame(
        [
            ("zero", "koniq10k", "False"), ("zero", "spaq", "False"), ("aware", "koniq10k", "True"),
            ("aware", "spaq", "False"), ("odd", "koniq10k", "False"), ("old", "spaq", "unknown"),
        ],
        columns=["method", "dataset", "overlap"],
    )  # fmt: skip
    table = matrix(met, LABELS, methods=run)
    assert [column.label for column in table.columns][-2:] == ["KonIQ-10k", "SPAQ"]
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["Zero", "none", "none", "none", "none", "zero-shot", "zero-shot"],
        ["Aware", "WIT", "none", "KADIS-700k", "KonIQ-10k", "learnt from this data set", "zero-shot"],
        ["Odd", "WIT", "none", "none", "none", "transductive", "–"],
        ["Old", *["not stated"] * 3, "not known", "–", UNKNOWN],
    ]
    assert "WIT: Radford et al. 2021 (R); kadis700k: the authors' code (V)" in table.notes[1]


@pytest.mark.parametrize(
    ("overlap", "transductive", "words"),
    [
        (False, False, "zero-shot, whole set; n"),
        ("False", True, "transductive, whole set; n"),
        (True, False, "learnt from this data set, whole set; n"),
        ("unknown", False, "exposure to this data set not known, whole set; n"),
        (True, True, "learnt from this data set, transductive, whole set; n"),
    ],
)
def test_zero_shot_is_said_only_where_it_is(overlap, transductive, words):
    method = trained("one", transductive=transductive)
    rows = {"protocol": ["zero-shot, whole set; n", "level, within image"], "statistic": "srcc"}
    table = pd.DataFrame({**rows, "method": "one", "dataset": "koniq10k"})
    assert _compared(table, method, overlap)["protocol"].tolist() == [words, "level, within image"]


def test_a_card_keeps_what_it_says_through_a_file(tmp_path):
    one = trained("aware", exposure=SEEN, opinion_aware=True, opinions_of="koniq10k")
    one.write(tmp_path)
    assert Trained.read(tmp_path) == one
    written = json.loads((tmp_path / "method.json").read_text())
    del written["card"]["exposure"], written["card"]["transductive"]  # of an earlier version
    (tmp_path / "method.json").write_text(json.dumps(written))
    assert Trained.read(tmp_path).card.exposure is None


def test_an_entry_that_says_nothing_is_refused():
    with pytest.raises(ValueError, match="needs a kind of corpus"):
        Exposure("opinion", "koniq10k", "the paper", "V")
    with pytest.raises(ValueError, match="needs a kind"):
        Exposure("opinions", "koniq10k", "", "V")


def test_a_setting_is_shown_as_the_data_set_that_it_names():
    seen = (Exposure("pictures", "the pictures of `train.dataset`", "this suite", "V"), *SEEN[:1])
    named = _named(trained("zero", exposure=seen), "KADIS-700k").card.exposure
    assert [entry.what for entry in named] == ["the pictures of KADIS-700k", "WIT"]
    assert _named(trained("old"), "KADIS-700k").card.exposure is None


@pytest.mark.parametrize("name", methods.names())
def test_every_card_agrees_with_itself(name):
    for card in (methods.card(name), methods.published(name)):
        told = {entry.what for entry in card.exposure or () if entry.kind == "opinions"}
        assert card.exposure is None or told == set(card.opinions_of.split()) - {"unknown"}


def test_a_clip_is_shown_with_the_corpus_of_its_tag(tmp_path):
    from methods._shared.exposure import corpus_of

    assert corpus_of(None) == ()
    assert corpus_of("openai")[0].what.startswith("WIT")
    assert corpus_of("webli")[0].what == "WebLI"
    assert corpus_of("datacomp_xl_s13b_b90k")[0].what == "DataComp"
    (tmp_path / "w.pt").touch()
    assert corpus_of(str(tmp_path / "w.pt"))[0].what == "not stated"
    untrained = methods.load("clipiqa", architecture="small", pretrained=None)
    assert untrained.card.exposure == ()
