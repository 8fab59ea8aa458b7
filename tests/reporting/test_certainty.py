"""Ranks and what could have been shown, as a page says them."""

import numpy as np
import pandas as pd

from benchmark import evidence
from benchmark.reporting import certainty
from benchmark.reporting.run import Run
from benchmark.tables import differences
from tests.reporting.test_tables import LABELS, text, tidy

RANKS = tidy(
    method=["a", "b", "c", "a", "b", "c"], dataset="koniq10k", statistic=["rank"] * 3 + ["first"] * 3,
    value=[1, 2, 3, 0.8, 0.2, 0.0], low=[1, 1, 3] + [np.nan] * 3, high=[2, 2, 3] + [np.nan] * 3,
    letters=["a", "a", "b"] + [np.nan] * 3,
)  # fmt: skip
OVERALL = RANKS.drop(columns="dataset").assign(protocol="rank by the mean over 2 data sets: demo koniq10k")
VALUES = tidy(method=["a", "b", "c"], dataset="koniq10k", value=[0.9, 0.88, 0.1], n=100)


def test_the_overview_says_each_rank_with_its_interval_and_letters():
    table = certainty.overview(VALUES, None, RANKS, OVERALL, LABELS)
    assert [row[1].small.splitlines()[-1] for row in table.rows] == [
        "rank 1 to 2, a", "rank 1 to 2, a", "rank 3, b",
    ]  # fmt: skip
    assert [row[2].text for row in table.rows] == ["rank 1 to 2, a", "rank 1 to 2, a", "rank 3, b"]
    assert table.columns[-1].label == certainty.ALL
    assert any("Demo (proxy), KonIQ-10k" in note for note in table.notes)


def test_without_certain_ranks_nothing_is_said_of_them():
    bare = RANKS.assign(low=np.nan, high=np.nan)
    for ranks, overall in ((bare, OVERALL.head(0)), (None, None)):
        table = certainty.overview(VALUES, None, ranks, overall, LABELS)
        assert not any("rank" in cell.small for row in table.rows for cell in row)
        assert certainty.KEY not in table.notes
        assert len(table.columns) == 2


def test_the_figure_names_ranks_for_who_cannot_see_it():
    drawing = certainty.ranked(RANKS, OVERALL, LABELS)
    assert "KonIQ-10k: Alpha rank 1 to 2, a, Beta rank 1 to 2, a, Untrained backbone rank 3, b" in drawing.alt
    written = [text.get_text() for axis in drawing.figure.axes for text in axis.texts]
    assert written[:3] == ["a  80%", "a  20%", "b  0%"]


def test_too_few_references_are_said_in_place_of_the_figure(tmp_path):
    tables = tmp_path / "tables"
    tables.mkdir()
    RANKS.assign(low=np.nan).to_csv(tables / "ranks.csv", index=False)
    OVERALL.head(0).to_csv(tables / "overall.csv", index=False)
    run = Run(results=str(tmp_path))
    sources = [run.source(f"results/tables/{name}.csv") for name in ("ranks", "overall")]
    assert f"a data set with {evidence.ENOUGH} references" in certainty.show_ranks(run, *sources)


def test_beside_what_is_not_clear_stands_what_could_have_been():
    tests = tidy(
        dataset="koniq10k", method_a="a", method_b=["b", "c", "c"], value=[0.02, 0.001, 0.8], n=100,
        p=[0.2, 0.8, 0.0], p_holm=[0.4, 0.8, 0.0], resolvable=[0.05, 0.004, 0.03],
        p_equivalent=[0.6, 0.01, 1],
    )  # fmt: skip
    table = differences(tests, LABELS)
    assert [row[-3:] for row in text(table)] == [
        ["no", "0.050", "not shown"],
        ["no", "0.004", "yes"],
        ["yes", "0.030", "no"],
    ]
    least = tidy(
        dataset="koniq10k", statistic=[f"resolvable_{k}" for k in ("least", "median", "most")],
        value=[0.004, 0.03, 0.05], n=100, units=25,
    )  # fmt: skip
    assert text(certainty.resolvable(least, LABELS)) == [
        ["KonIQ-10k", "100", "25", "0.004", "0.030", "0.050"]
    ]


def test_what_a_new_set_would_show():
    frame = pd.concat(
        [
            tidy(method=["a"], statistic="mean", value=0.7, low=0.6, high=0.78, n=9),
            tidy(method=["a"], statistic="new_set", value=0.7, low=0.2, high=0.9, n=9),
            tidy(method=["a"], statistic="spread", value=0.3, n=9),
            OVERALL,
        ]
    )
    table = certainty.new_sets(frame, LABELS)
    assert text(table) == [["Alpha", "9", "0.700", "", "0.300"]]
    assert [cell.small for cell in table.rows[0]][2:4] == ["[0.600, 0.780]", "[0.200, 0.900]"]
    assert "this run has fewer" in certainty.new_sets(OVERALL, LABELS).notes[0]


def test_the_ceiling_stands_with_each_share_of_it():
    top = tidy(dataset="koniq10k", statistic=["reliability", "ceiling_srcc"], value=[0.96, 0.98], n=100)
    shares = tidy(
        method=["a", "b", "a", "a"], dataset=["koniq10k"] * 3 + ["demo"], value=[0.9, 0.5, 0.7, 0.6], n=100,
        statistic=["srcc_of_ceiling", "srcc_of_ceiling", "srcc_upper_half", "srcc_upper_half"],
    )  # fmt: skip
    whole, (methods,) = certainty.ceiling(top, LABELS), certainty.shares(shares, LABELS)
    assert certainty.shares(shares.query("statistic != 'srcc_of_ceiling'"), LABELS) == []
    assert text(whole) == [["KonIQ-10k", "0.960", "0.980"]]
    assert [column.label for column in methods.columns[1:]] == ["Share of the ceiling", "SRCC, upper half"]
    assert text(methods) == [["Alpha", "0.900", "0.700"], ["Beta", "0.500", "–"]]
    assert methods.rows[0][1].mark == "best"
