import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.reporting.latex import latex
from benchmark.reporting.studies import retrieval
from benchmark.tables import (
    PROXY,
    Cell,
    Column,
    Labels,
    Table,
    comparison,
    differences,
    distortions,
    gradcam,
    marks,
    pivot,
    verdict,
)
from benchmark.terms import amount, number, p_value, percent, statistic

LABELS = Labels(
    {"a": "Alpha", "b": "Beta", "c": "Untrained backbone"},
    {"demo": "Demo (no human ratings)", "koniq10k": "KonIQ-10k"},
    frozenset({"demo"}),
)


def tidy(**columns: object) -> pd.DataFrame:
    """Return tidy rows; columns not given take their usual values."""
    usual = {"statistic": "srcc", "low": -1.0, "high": 1.0, "n": 10, "protocol": "whole set"}
    return pd.DataFrame(usual | {"published": np.nan, "standing": ""} | columns)


def text(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


@given(st.floats(-2000, 2000) | st.floats(-1e-3, 1e-3), st.integers(0, 4))
def test_numbers_read_back(value: float, decimals: int) -> None:
    shown = number(value, decimals)
    if shown[0] in "<>":  # too small to be shown, and not 0
        bound = float(shown[1:].replace("−", "-"))
        assert abs(bound) == pytest.approx(10**-decimals)
        assert 0 < value < bound if shown[0] == "<" else bound < value < 0
        return
    assert value == 0 or float(shown.replace("−", "-").replace(",", "")) != 0
    assert float(shown.replace("−", "-").replace(",", "")) == pytest.approx(value, abs=0.51 * 10**-decimals)
    assert "-" not in shown
    assert not re.fullmatch(r"−[0.]+", shown)


def test_a_missing_number_is_a_dash() -> None:
    assert [show(float("nan")) for show in (number, p_value, percent)] == ["–"] * 3


@pytest.mark.parametrize(
    ("show", "value", "shown"),
    [
        (p_value, 0.0, "< 0.001"), (p_value, 1e-9, "< 0.001"), (p_value, 0.001, "0.001"),
        (p_value, 0.2, "0.200"),
        (percent, 0.0, "0%"), (percent, 0.004, "< 1%"), (percent, 0.25, "25%"), (percent, 0.998, "> 99%"),
        (percent, 1.0, "100%"),
        (amount, 2.7252e-5, "0.0000273"), (amount, 4.5, "4.5"), (amount, 38.316, "38.3"),
        (amount, 12345.6, "12,346"),
        (number, 0.0004, "< 0.001"), (number, -0.0004, "> −0.001"), (number, -0.0, "0.000"),
        (number, 0.0006, "0.001"),
    ],
)  # fmt: skip
def test_what_is_small_is_not_shown_as_nothing(show, value, shown) -> None:
    assert show(value) == shown


@given(st.floats(-1, 1), st.floats(0, 0.5), st.floats(-1, 1))
def test_verdict_agrees_exactly_within_the_interval(value: float, half: float, published: float) -> None:
    said = verdict({"published": published, "low": value - half, "high": value + half, "n": 40})
    assert said == (
        "agrees" if abs(published - value) <= half else "higher" if value > published else "lower"
    ) or np.isclose(abs(published - value), half)


def test_no_verdict_without_a_published_figure_or_interval() -> None:
    assert verdict({"published": np.nan, "low": 0.1, "high": 0.2, "n": 40}) == ""
    assert verdict({"published": 0.1, "low": np.nan, "high": np.nan, "n": 40}) == ""


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=6), st.sampled_from(["srcc", "rmse"]))
def test_best_is_the_greatest_or_for_an_error_the_least(values: list[int], name: str) -> None:
    frame = tidy(method=[f"m{i}" for i in range(len(values))], dataset="demo", statistic=name, value=values)
    goal = max(values) if name == "srcc" else min(values)
    assert (marks(frame, ["dataset"]) == "best").tolist() == [value == goal for value in values]


def test_a_statistic_that_nobody_described_has_no_best() -> None:
    assert statistic("half_life").label == "half life"
    frame = tidy(method=["a", "b"], dataset="demo", statistic="half_life", value=[1.0, 2.0])
    assert (marks(frame, ["dataset"]) == "").all()


@pytest.mark.parametrize("swapped", [False, True])
def test_not_significantly_worse_needs_the_paired_test_of_the_same_data_set(swapped: bool) -> None:
    frame = tidy(method=["a", "b", "c"], dataset="demo", value=[0.9, 0.85, 0.1])
    first, second = (["b", "c"], ["a", "a"]) if swapped else (["a", "a"], ["b", "c"])
    tests = tidy(dataset="demo", method_a=first, method_b=second, value=0.0, p=0.1, p_holm=[0.05, 0.049])
    assert marks(frame, ["dataset"], tests).tolist() == ["best", "level", ""]
    elsewhere = tests.assign(dataset="koniq10k")
    assert marks(frame, ["dataset"], elsewhere).tolist() == ["best", "", ""]


def test_what_lacks_scores_of_some_pictures_is_marked_nowhere_and_that_is_said() -> None:
    frame = tidy(method=["a", "b", "c"], dataset="demo", value=[0.9, 0.8, 0.7], n=[20, 40, 40])
    assert marks(frame, ["dataset"]).tolist() == ["", "best", ""]
    learnt = frame.assign(n=[40, 39, 39], overlap=["True", "False", "False"])  # is nobody's rival
    assert marks(learnt, ["dataset"]).tolist() == ["", "best", ""]
    (table,) = comparison(frame, None, LABELS)
    assert any("judged on fewer pictures" in note for note in table.notes)
    (table,) = comparison(frame.assign(n=40), None, LABELS)
    assert not any("judged on fewer pictures" in note for note in table.notes)


@pytest.mark.parametrize("swapped", [False, True])
def test_who_is_ahead_on_the_pictures_that_all_have_scored_is_not_called_worse(swapped: bool) -> None:
    """The tests are on fewer pictures than the values where a third method lacks some."""
    frame = tidy(method=["a", "b", "c"], dataset="demo", value=[0.9, 0.85, 0.1], n=[40, 40, 20])
    first, second, sign = ("b", "a", 1) if swapped else ("a", "b", -1)
    tests = tidy(dataset="demo", method_a=[first], method_b=[second], value=0.2 * sign, p=0.01, p_holm=0.02)
    assert marks(frame, ["dataset"], tests).tolist() == ["best", "level", ""]
    assert marks(frame, ["dataset"], tests.assign(value=-0.2 * sign)).tolist() == ["best", "", ""]


def test_comparison_puts_published_ours_and_verdict_side_by_side() -> None:
    frame = tidy(
        method=["a", "b", "a", "b"], dataset="koniq10k", statistic=["srcc", "srcc", "krcc", "krcc"],
        value=[0.8, 0.5, 0.6, 0.4], low=[0.79, 0.4, 0.5, 0.3], high=[0.81, 0.6, 0.7, 0.5],
        published=[0.817, 0.551, np.nan, np.nan], standing=["S", "V", "", ""],
    )  # fmt: skip
    (table,) = comparison(frame, None, LABELS)
    assert [column.label for column in table.columns] == ["Method", "Published", "Ours", "Verdict", "KRCC"]
    assert text(table) == [
        ["Alpha", "0.817 (S)", "0.800", "lower", "0.600"],
        ["Beta", "0.551 (V)", "0.500", "agrees", "0.400"],
    ]
    assert [row[2].small for row in table.rows] == ["[0.790, 0.810]", "[0.400, 0.600]"]
    assert [row[2].mark for row in table.rows] == ["best", ""]
    assert any("(S) a second hand" in note for note in table.notes)


def test_a_method_without_a_statistic_leaves_a_dash_in_its_place() -> None:
    frame = tidy(method=["a", "b", "b"], dataset="demo", statistic=["srcc", "srcc", "plcc"], value=[1, 2, 3])
    (table,) = comparison(frame, None, LABELS)
    assert text(table) == [["Alpha", "1.000", "–"], ["Beta", "2.000", "3.000"]]


def test_each_method_has_a_column_of_what_it_finds_type_by_type_with_its_chance() -> None:
    keys = ["method", "distortion", "statistic", "value"]
    rows = [
        (method, kind, name, value)
        for method, of_type in (("a", 0.5), ("b", 0.25))
        for kind, chance in (("all", 0.2), ("blur", 0.125), ("noise", np.nan))
        for name, value in (("retrieval_type", of_type), ("chance_type", chance), ("retrieval_level", 0.9))
    ]
    frame = tidy(**pd.DataFrame(rows, columns=keys), dataset="demo").assign(low=np.nan, high=np.nan)
    _, table = retrieval(frame, LABELS)
    assert [column.label for column in table.columns] == ["Data set", "Distortion", "Alpha", "Beta"]
    shown = [[(cell.text, cell.small) for cell in row[1:]] for row in table.rows]
    assert shown == [
        [("blur", ""), ("0.500", "chance 0.125"), ("0.250", "chance 0.125")],
        [("noise", ""), ("0.500", "chance –"), ("0.250", "chance –")],
    ]


def test_a_proxy_is_called_one() -> None:
    frame = tidy(method=["a", "c"], dataset="demo", value=[0.1, 0.2])
    (table,) = comparison(frame, None, LABELS)
    assert table.caption.startswith("Demo (proxy)")
    assert LABELS.proxy_note(table.datasets) == f"Demo: {PROXY}."
    assert PROXY in latex(table, LABELS.proxy_note(table.datasets))
    assert text(table)[1][0] == "Untrained backbone"
    assert LABELS.proxy_note(["koniq10k"]) == ""


def test_a_value_without_an_interval_has_no_brackets() -> None:
    frame = tidy(method=["a", "b"], dataset="demo", value=[0.1, 0.2], low=[np.nan, 0.1], high=[np.nan, 0.3])
    (table,) = comparison(frame, None, LABELS)
    assert [row[1].small for row in table.rows] == ["", "[0.100, 0.300]"]
    assert (
        table.notes[0] == "In brackets the 95% interval; none where the data are too few, or as said below."
    )


def test_a_published_figure_without_an_interval_of_ours_stands_without_a_verdict() -> None:
    known = {"published": 0.5, "standing": "V"}
    frame = tidy(method=["a", "b"], dataset="demo", value=[0.1, 0.2], low=[np.nan, 0.1], high=[np.nan, 0.3])
    table = pivot(frame.assign(**known), ["method"], ["dataset"], LABELS, caption="")
    assert table.rows[0][1].small == "published\n0.500 (V)"
    assert table.rows[1][1].small == "[0.100, 0.300]\npublished\n0.500 (V): lower"


def test_notes_state_n_and_what_all_protocols_share_once() -> None:
    frame = tidy(
        method=["a", "b"], dataset="demo", value=[0.1, 0.2], n=[10, 1200],
        protocol=["whole set; fit failed; seed 1", "whole set; seed 1"],
    )  # fmt: skip
    (table,) = comparison(frame, None, LABELS)
    assert "n = 10 to 1,200; whole set; seed 1." in table.notes
    assert "SRCC (Alpha): fit failed." in table.notes
    assert sum("seed 1" in note for note in table.notes) == 1


@given(st.permutations([(m, d, s) for m in "abc" for d in ("demo", "koniq10k") for s in ("srcc", "plcc")]))
def test_pivot_puts_every_value_where_its_keys_say(keys: list[tuple[str, str, str]]) -> None:
    values = {key: place / 100 for place, key in enumerate(keys)}
    method, dataset, name = zip(*keys, strict=True)
    frame = tidy(method=method, dataset=dataset, statistic=name, value=list(values.values()))
    table = pivot(frame, ["method"], ["dataset", "statistic"], LABELS, caption="")
    for key, value in values.items():
        heads = [(column.group, column.label) for column in table.columns]
        place = heads.index((LABELS.dataset(key[1]), key[2].upper()))
        (row,) = [row for row in table.rows if row[0].text == LABELS.method(key[0])]
        assert row[place].value == value
    groups = [column.group for column in table.columns[1:]]
    assert groups == sorted(groups, key=groups.index), "columns of one group must stand together"
    assert list(dict.fromkeys(groups)) == list(dict.fromkeys(map(LABELS.dataset, dataset))), "as they come"


def test_best_of_each_distortion_is_sought_among_methods() -> None:
    frame = tidy(
        method=["a", "b", "a", "b"], dataset="demo", distortion=["jpeg", "jpeg", "jitter", "jitter"],
        value=[0.9, 0.1, 0.2, 0.3],
    )  # fmt: skip
    table = distortions(frame, LABELS)
    assert [[cell.mark for cell in row[2:]] for row in table.rows] == [["best", ""], ["", "best"]]


def test_differences_of_variants_read_like_those_of_methods() -> None:
    frame = tidy(
        dataset="demo", variant_a="full", variant_b=["no_positive", "untrained"], value=[0.01, 0.5],
        p=[0.5, 1e-9], p_holm=[0.5, np.nan],
    )  # fmt: skip
    table = differences(frame, LABELS)
    assert text(table)[0] == ["Demo (proxy)", "full", "no positive", "SRCC", "0.010", "0.500", "0.500", "no"]
    assert text(table)[1][-3:] == ["< 0.001", "–", "–"]


LINES = st.text("abc &%$#_{}\\~^−–≥<>ü", max_size=12)


@given(st.lists(st.tuples(LINES, LINES, st.sampled_from(["", "best", "level"])), min_size=1, max_size=4))
def test_latex_keeps_its_shape_whatever_the_text(cells: list[tuple[str, str, str]]) -> None:
    rows = tuple((Cell("name"), Cell(a, b, mark=mark)) for a, b, mark in cells)
    table = Table("x_1", (Column("Method", words=True), Column("Ours", "SRCC")), rows, ("n & more",))
    made = latex(table)
    bare = re.sub(r"\\[\\&%$#_{}]|\\text(backslash|asciitilde|asciicircum)\{\}", "", made.replace(r" \\", ""))
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    assert not set("#%~^_") & set(bare)
    body = made[made.index(r"\midrule") : made.index(r"\bottomrule")].splitlines()[1:]
    assert len(body) == len(cells)
    assert all(re.sub(r"\\&", "", line).count("&") == 1 for line in body)


def test_latex_spans_the_columns_of_a_group() -> None:
    columns = (Column("Method", words=True), Column("Published", "SRCC"), Column("Ours", "SRCC"), Column("n"))
    made = latex(Table("", columns, ((Cell("a"),) * 4,)))
    assert r" & \multicolumn{2}{c}{SRCC} &  \\" in made
    assert r"\cmidrule(lr){2-3}" in made
    assert r"\begin{tabular}{lrrr}" in made


def test_a_floor_is_never_the_best() -> None:
    names = ["a", "b", "a_shuffled", "random_map"]
    frame = tidy(method=names, target="score", distortion="all", statistic="auc", value=[0.6, 0.5, 0.7, 0.8])
    (table,) = gradcam(frame, LABELS)
    assert [row[2].mark for row in table.rows] == ["best", "", "", ""]
    assert table.rows[2][0].text == "Alpha, weights shuffled"


def test_a_figure_of_another_part_stands_without_a_verdict_and_says_which():
    rows = {"value": 0.5, "low": 0.45, "high": 0.55, "n": 1000, "published": 0.7, "standing": "S"}
    said = {"published_part": "official test split", "published_low": 0.6, "published_high": 0.7}
    frame = tidy(method=["a", "b"], dataset="koniq10k", statistic=["srcc", "srcc_test"], **rows, **said)
    assert [verdict(row) for row in frame.to_dict("records")] == ["", "lower"]
    table = pivot(frame, ["method"], ["statistic"], LABELS, caption="")
    assert table.rows[0][1].small.endswith("0.700 (S)\nofficial test split\nsources: 0.600 to 0.700")
    near = {"published": 0.58, "published_n": 100.0, "published_part": "", "statistic": "srcc"}
    assert verdict(rows | near) == "agrees"
    assert verdict(rows | near | {"published_n": np.nan}) == "lower"
