import numpy as np
import pandas as pd
import pytest

from benchmark.reporting import significance
from benchmark.reporting.run import Run
from benchmark.tables import Labels, comparison, pivot
from tests.reporting.test_tables import LABELS, text, tidy

TESTS = pd.DataFrame(
    {
        "method_a": ["a", "a", "b"],
        "method_b": ["b", "c", "c"],
        "median_difference": [0.1, 0.4, 0.3],
        "n": 4,
        "p": 0.125,
        "p_holm": 0.375,
        "smallest_p": 0.125,
        "p_nemenyi": [0.8, 0.01, 0.2],
    }
)
MEANS = pd.DataFrame(
    {"method": list("abc"), "mean_rank": [1.2, 1.8, 3.0], "n": 4, "p": 0.02, "critical_difference": 1.66}
).assign(power=0.31, left_out="")


def test_wins_are_read_against_the_column():
    frame = pd.DataFrame(
        [("b", "a", 0, 1, 2), ("a", "b", 2, 1, 0)], columns=["method_a", "method_b", "wins", "ties", "losses"]
    )
    table = significance.wins(frame, None, LABELS)
    assert text(table) == [["Alpha", "–", "2–1–0", "+2"], ["Beta", "0–1–2", "–", "−2"]]


def test_tests_over_data_sets_show_what_could_have_been_significant():
    table = significance.across(TESTS, tidy(dataset=["demo", "koniq10k"], value=0.5), LABELS)
    # A p that no outcome could have brought below .05 is not shown as one.
    assert text(table)[1] == ["Alpha", "Untrained backbone", "0.400", "4", "–", "–", "0.125", "–"]
    many = TESTS.assign(smallest_p=0.004, chance=0.81)
    assert text(significance.across(many, None, LABELS))[1][4:] == ["0.125", "0.375", "0.004", "81%"]
    assert any("no outcome could be significant" in note for note in table.notes)
    assert (table.methods, table.datasets) == (frozenset("abc"), frozenset({"demo", "koniq10k"}))


def test_diagram_states_its_power():
    drawing = significance.critical_difference(MEANS, TESTS, LABELS)
    assert "over 4 data sets" in drawing.caption
    assert "is 0.31" in drawing.caption
    assert drawing.alt == "Mean ranks: Alpha 1.20, Beta 1.80, Untrained backbone 3.00."


@pytest.mark.parametrize(("count", "said"), [(2, "this run has 2"), (0, "fewer than two")])
def test_few_data_sets_give_no_diagram(tmp_path, count, said):
    tables = tmp_path / "tables"
    tables.mkdir()
    MEANS.assign(n=count).head(3 * bool(count)).to_csv(tables / "mean_ranks.csv", index=False)
    TESTS.to_csv(tables / "across_sets.csv", index=False)
    run = Run(results=str(tmp_path))
    sources = [
        run.source(f"results/tables/{name}.csv") for name in ("mean_ranks", "across_sets", "zero_shot")
    ]
    assert said in str(significance.ranks(run, *sources))
    missing = Run(results=str(tmp_path / "none"))
    shown = significance.ranks(missing, *(missing.source(s.name) for s in sources))
    assert "dvc repro evaluate" in str(shown)


def test_worst_type_is_that_of_each_method():
    frame = tidy(
        method=["a", "a", "b", "b", "b"], dataset="demo", distortion=["jpeg", "blur", "jpeg", "blur", "blur"],
        statistic=["srcc"] * 4 + ["srcc_level"], value=[0.5, 0.1, -0.2, 0.9, -1.0],
    )  # fmt: skip
    table = significance.worst(frame, LABELS)
    assert [row[2:] for row in text(table)] == [["blur (of 2)", "0.100"], ["jpeg (of 2)", "−0.200"]]


def test_structure_of_pictures_of_one_size_is_said_to_be_undefined():
    frame = tidy(method=["a"], dataset="demo", statistic="srcc_pixels", value=np.nan)
    assert "Undefined" in significance.structure(frame, LABELS).notes[0]
    known = frame.assign(statistic="srcc_bytes_per_pixel", value=0.4)
    assert text(significance.structure(known, LABELS)) == [["Alpha", "0.400"]]


def test_areas_have_a_best():
    frame = tidy(method=["a", "b"], dataset="koniq10k", statistic="auc_better_worse", value=[0.9, 0.8])
    assert [row[1].mark for row in significance.areas(frame, LABELS).rows] == ["best", ""]


def test_what_is_not_known_is_shown_so_and_never_best():
    frame = tidy(
        method=["a", "b", "c"], dataset="demo", value=[0.9, 0.5, 0.4], overlap=["unknown", False, True]
    )
    (table,) = comparison(frame, None, LABELS)
    assert [row[1].text for row in table.rows] == ["0.900‡", "0.500", "0.400†"]
    assert [row[1].mark for row in table.rows] == ["", "", ""]
    assert [note[0] for note in table.notes if note[0] in "†‡"] == ["†", "‡"]
    areas = tidy(
        method=["a", "b", "c"], dataset="koniq10k", statistic="auc_better_worse", value=[0.9, 0.8, 0.7],
        overlap=["unknown", "False", "False"],
    )  # fmt: skip
    assert [row[1].mark for row in significance.areas(areas, LABELS).rows] == ["", "best", ""]


@pytest.mark.parametrize("overlap", [True, "True", np.True_])
def test_who_has_learnt_from_the_test_set_is_marked_and_never_best(overlap):
    frame = tidy(
        method=["a", "b", "c"], dataset="demo", value=[0.9, 0.5, 0.4], overlap=[overlap, False, False]
    )
    (table,) = comparison(frame, None, LABELS)
    assert text(table)[0] == ["Alpha", "0.900†"]
    assert [row[1].mark for row in table.rows] == ["", "best", ""]
    assert any(note.startswith("†") for note in table.notes)
    crossed = pivot(frame, ["method"], ["dataset"], Labels(), caption="", among=["dataset"])
    assert [row[1].mark for row in crossed.rows] == ["", "best", ""]
    (clean,) = comparison(frame.assign(overlap=False), None, LABELS)
    assert not any("†" in cell.text for row in clean.rows for cell in row)
