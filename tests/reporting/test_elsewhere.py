"""Published figures of methods that a run has and of those that it lacks."""

from pathlib import Path

import pandas as pd

from benchmark.provenance import published
from benchmark.reporting import elsewhere
from benchmark.reporting.run import Run
from tests.reporting.conftest import roots


def test_every_figure_stands_with_its_standing_and_its_version(run: Run) -> None:
    frame = run.source(elsewhere.SOURCE).frame
    table = elsewhere.table(frame, run.labels, setting="zero_shot")
    rows = {row[0].text: row[1] for row in table.rows}
    assert list(rows) == ["QualiCLIP", "Q-Align"]
    assert rows["QualiCLIP"].text == "0.817 (S)"
    assert rows["QualiCLIP"].small == "SRCC 0.815 (S), v1\nPLCC 0.838 (S)\nSRCC from 0.815 to 0.817"
    assert (rows["Q-Align"].text, rows["Q-Align"].small) == ("–", "PLCC, no fit 0.881 (V)")
    assert "CONTRIQUE" in elsewhere.show(run, "same_set")
    assert "arXiv 1 (v3)" in elsewhere.show(run, "same_set")


def test_figures_of_pictures_of_another_size_or_of_a_part_say_so(run: Run) -> None:
    frame = published.of(["koniq10k", "spaq"])
    table = elsewhere.table(frame, run.labels, setting="zero_shot")
    (said,) = [note for note in table.notes if note.startswith("Measured on:")]
    assert "pictures of 512x384, so it stands beside none of ours, official test split" in said
    assert "pictures of short side 448, so it stands beside none of ours" in said
    assert "AAAI 2023 on koniq10k: official test split" in said


def test_no_figure_and_no_file_are_said(run: Run, tmp_path: Path) -> None:
    assert "on another: no figure for a data set of this run" in elsewhere.show(run, "cross_set")
    assert "dvc repro evaluate" in elsewhere.show(Run(**roots(tmp_path)), "cross_set")


def test_of_what_is_published_nothing_is_lost() -> None:
    """Every figure for a data set stands in one of the three tables."""
    figures = published.figures()
    sets = sorted(set(figures["dataset"]) | set(figures["train"]))
    of_sets = published.of(sets)
    pd.testing.assert_frame_equal(of_sets, figures)
    assert set(figures["method"]) <= set(published.TITLES)
    only = published.of(["live", "csiq"])
    assert set(only["dataset"]) == {"live", "csiq"}
    assert set(only.loc[only["setting"].eq("cross_set"), "train"]) == {"live", "csiq"}
