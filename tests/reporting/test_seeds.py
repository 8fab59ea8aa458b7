import numpy as np
import pandas as pd

from benchmark.reporting import seeds
from benchmark.reporting.run import Run
from benchmark.reporting.source import Source
from benchmark.tables import Labels

LABELS = Labels({}, {"demo": "Demo", "koniq10k": "KonIQ-10k"}, frozenset({"demo"}))
RUNS = "whole set; 9 images; mean of 3 seeds (27, 28, 29); bounds of one further run, 95%"


def spread() -> pd.DataFrame:
    rows = [
        ("koniq10k", "full", 0.80, 3, 0.01, 0.817, "S", True),
        ("koniq10k", "no_positive", 0.70, 1, np.nan, np.nan, "", False),
        ("koniq10k", "no_negative", 0.79, 1, np.nan, np.nan, "", True),
        ("koniq10k", "untrained", np.nan, 1, np.nan, np.nan, "", None),
    ]
    columns = ["dataset", "variant", "value", "n", "sd", "published", "standing", "within"]
    frame = pd.DataFrame(rows, columns=columns).assign(statistic="srcc", low=0.75, high=0.85, units=90)
    return frame.assign(protocol=np.where(frame["sd"].notna(), RUNS, "one run"))


def test_each_variant_and_the_published_figure_are_held_against_the_seeds() -> None:
    table = seeds.table(spread(), LABELS)
    shown = [[cell.text for cell in (row[1], *row[3:])] for row in table.rows]
    assert shown == [
        ["full", "3", "0.800", "0.010", "0.817 (S)", "within"],
        ["no positive", "1", "0.700", "–", "–", "beyond"],
        ["no negative", "1", "0.790", "–", "–", "within"],
        ["untrained", "1", "–", "–", "–", "–"],
    ]
    assert table.rows[0][4].small == "[0.750, 0.850]"
    assert "mean of 3 seeds (27, 28, 29)" in table.notes[0]


def test_the_sentence_names_what_seeds_do_not_explain() -> None:
    assert seeds.sentences(spread(), LABELS) == [
        "KonIQ-10k: over 3 seeds the SRCC of full is 0.800 with a standard deviation of 0.010; of 2 variants "
        "1 differ by more than another seed would: no positive."
    ]


def test_fewer_than_ten_references_are_held_against_nothing() -> None:
    """However many runs: values and spread stand, no word of within or beyond, and it is said why."""
    few = spread().assign(units=9)
    table = seeds.table(few, LABELS)
    assert {row[-1].text for row in table.rows} == {"–"}
    assert [row[4].text for row in table.rows] == ["0.800", "0.700", "0.790", "–"]
    assert any("fewer than 10 references" in note for note in table.notes)
    assert not any("fewer than" in note for note in seeds.table(few.assign(units=10), LABELS).notes)
    assert seeds.sentences(few, LABELS) == [
        "KonIQ-10k: over 3 seeds the SRCC of full is 0.800 with a standard deviation of 0.010; no variant is "
        "held against that: 9 references or pictures decide nothing, 10 would be needed."
    ]
    assert "1 differ" in seeds.sentences(few.assign(units=10), LABELS)[0]


def test_no_further_seed_says_how_to_ask_for_some(run: Run) -> None:
    header = b"variant,dataset,statistic,value,low,high,n,protocol,published,standing\n"
    assert "ablation.seeds" in seeds.show(run, Source("results/tables/seeds.csv", "ablation", header))
    assert "dvc repro ablation" in seeds.show(run, Source("results/tables/seeds.csv", "ablation", None))
    assert "over 3 seeds" in seeds.show(run, run.source("results/tables/seeds.csv"))
