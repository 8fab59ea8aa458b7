"""Few references decide nothing, wherever a page could look as if they did."""

import numpy as np
import pandas as pd
import pytest

from benchmark import evidence
from benchmark.gmad import competition, references_of
from benchmark.protocols import Resampling, compare, differences, discrimination, wins, zero_shot
from benchmark.reporting import significance
from benchmark.reporting.findings import SAYERS
from benchmark.reporting.run import Run
from benchmark.tables import comparison, gradcam, marks, overview, verdict
from benchmark.tables import differences as differences_table
from tests.draws import generator
from tests.reporting.test_tables import LABELS, tidy

ENOUGH, FEW = evidence.ENOUGH, evidence.ENOUGH - 1
BOTH = pytest.mark.parametrize(("references", "decided"), [(ENOUGH, True), (FEW, False)])


def rated(references, each=20):
    """A manifest, and three methods of which the first is plainly the best."""
    g = generator(references)
    names = [f"r{k}" for k in range(references) for _ in range(each)]
    images = [f"{name}_{k}" for k, name in enumerate(names)]
    mos = g.normal(size=len(names))
    manifest = pd.DataFrame({"image": images, "mos": mos, "mos_std": 0.3, "reference": names})
    frames = {
        name: pd.DataFrame({"image": images, "score": mos + noise * g.normal(size=len(names))})
        for name, noise in (("a", 0.1), ("b", 1.0), ("c", 3.0))
    }
    return frames, manifest


UP = {"higher_is_better": dict.fromkeys("abc", True), "mos_higher_is_better": True}


def test_ten_is_the_number():
    assert ENOUGH == 10
    assert (evidence.decides(10), evidence.decides(9), evidence.decides(np.nan)) == (True, False, False)
    assert evidence.decided({"n": 1000, "units": 4}) is False
    assert evidence.decided({"n": 1000, "units": np.nan}) is True
    assert evidence.decided({"value": 0.5}) is False


def test_clusters_are_references_and_pictures_where_there_are_none():
    frame = pd.DataFrame({"image": ["1", "2", "3", "4"], "reference": ["a", "a", "", None]})
    assert evidence.contents(frame) == 3
    assert evidence.contents(frame.assign(reference=None)) == 4
    assert evidence.contents(frame[["image"]]) == 4


@BOTH
def test_no_p_no_win_and_no_power_of_few_references(references, decided):
    frames, manifest = rated(references)
    table = differences(frames, manifest, **UP, how=Resampling(100))
    for column in ("p", "p_holm", "resolvable", "p_equivalent"):
        assert table[column].notna().all() == decided, column
    assert table[["value", "low", "high", "error"]].notna().all(axis=None)
    counted = wins(table).set_index(["method_a", "method_b"])
    assert counted.loc[("a", "c")].tolist() == [int(decided), 0, 0]
    areas, tests = discrimination(frames, manifest, **UP)
    assert tests[["p", "p_holm", "p_delong"]].notna().all(axis=None) == decided
    assert (areas["units"] == references).all()
    shown = differences_table(table.assign(dataset="demo", published=np.nan, standing=""), LABELS)
    assert (evidence.UNMARKED in shown.notes) != decided


@BOTH
def test_the_closed_forms_of_two_files_need_as_many_pictures(references, decided):
    frames, manifest = rated(references, 1)
    found = compare(frames["a"], frames["b"], manifest[["image", "mos"]], how=Resampling(100))
    assert found.closed_forms.empty != decided
    assert found.differences["p_meng"].notna().any() == decided


@BOTH
def test_nothing_is_bold_or_underlined_of_few_references(references, decided):
    frames, manifest = rated(references)
    one = {"higher_is_better": True, "mos_higher_is_better": True, "how": Resampling(100)}
    tables = [zero_shot(frame, manifest, **one).assign(method=name) for name, frame in frames.items()]
    whole = pd.concat(tables, ignore_index=True).assign(dataset="demo", published=np.nan, standing="")
    assert (whole["units"] == references).all()
    pairs = differences(frames, manifest, **UP, how=Resampling(100)).assign(dataset="demo", p_holm=0.5)
    assert marks(whole, ["dataset"], pairs).ne("").any() == decided
    for table in (*comparison(whole, pairs, LABELS), overview(whole, pairs, LABELS)):
        assert any(cell.mark for row in table.rows for cell in row) == decided
        assert (evidence.UNMARKED in table.notes) != decided
        assert any(note.startswith("Bold") for note in table.notes) == decided
    row = whole[whole["statistic"].eq("srcc")].iloc[0].to_dict()
    assert (verdict(row | {"published": 0.1}) == "higher") == decided


@BOTH
def test_gmad_ranks_nobody_on_few_references(references, decided):
    frames, manifest = rated(references, 4)
    scores = pd.DataFrame({name: frame.set_index("image")["score"] for name, frame in frames.items()})
    scaled = (scores.rank() - 1) * 100 / (len(scores) - 1)
    mos = manifest.set_index("image")["mos"]
    table = competition(scaled, mos, dataset="demo", references=references_of(manifest)).table
    ranks = table[table["statistic"].eq("rank_score")]
    assert ranks["units"].ge(ENOUGH).all() == decided
    assert marks(table, ["dataset"]).ne("").any() == decided
    [said] = SAYERS["gmad"](table, Run(models="nowhere", data="nowhere", params="nowhere"))
    assert ("best first" in said) == decided
    assert ("references or pictures decide nothing" in said) != decided


@pytest.mark.parametrize(("value", "best"), [(0.95, []), (0.5, ["a"])])
def test_nothing_is_the_best_behind_what_rests_on_too_few(value, best):
    frame = tidy(
        method=["a", "b", "c"], dataset="demo", statistic="aggressiveness", value=[0.9, 0.1, value], n=24,
        units=[ENOUGH, ENOUGH, FEW],
    )  # fmt: skip
    assert frame["method"][marks(frame, ["dataset"]).eq("best")].tolist() == best


@pytest.mark.parametrize(("pictures", "decided"), [(ENOUGH, True), (FEW, False)])
def test_maps_of_few_pictures_point_nowhere_in_particular(pictures, decided):
    frame = tidy(
        method=["a", "b"], target="score", distortion="all", statistic="pointing_game", value=[0.9, 0.1],
        n=pictures,
    )  # fmt: skip
    (table,) = gradcam(frame, LABELS)
    assert any(cell.mark for row in table.rows for cell in row) == decided
    [said] = SAYERS["gradcam"](frame, Run(models="nowhere", data="nowhere", params="nowhere"))
    assert ("decide nothing" in said) != decided


NOWHERE = Run(models="nowhere", data="nowhere", params="nowhere", results="nowhere")


def test_the_verdicts_that_a_sentence_counts_are_those_of_the_tables():
    """By hand: .62 lies beyond [.45, .55], and within what a figure of a hundredth of the pictures allows."""
    rows = {"method": ["a"], "dataset": "x", "value": [0.5], "low": 0.45, "high": 0.55, "n": 4000}
    rows |= {"units": 4000, "overlap": False, "published": 0.62, "published_part": "", "standing": "V"}
    for n, inside in ((np.nan, 0), (40, 1)):
        said = list(
            SAYERS["zero_shot"](tidy(**(rows | {"published_n": n, "published_splits": np.nan})), NOWHERE)
        )
        assert said[-1] == (
            f"Of 1 published SRCC values, {inside} lie within our 95% interval, widened where they are of "
            "fewer pictures."
        )


@BOTH
def test_no_sentence_names_a_best_of_few_references(references, decided):
    rows = {"method": ["a", "b"], "dataset": "x", "value": [0.9, 0.1], "n": 400, "units": references}
    rows |= {"overlap": False}
    said = next(SAYERS["zero_shot"](tidy(**rows), NOWHERE))
    assert ("a agrees best" in said) == decided
    if not decided:
        assert said == (
            "x cannot tell which method agrees best with the human scores of x: 9 references or pictures "
            "decide nothing, 10 would be needed. SRCC runs from 0.100 to 0.900."
        )
    [said] = SAYERS["ablation"](tidy(**(rows | {"variant": ["full", "none"]})), NOWHERE)
    assert ("cannot tell one variant from another" in said) != decided
    crossed = tidy(**(rows | {"train": "y", "test": "x"}))
    assert bool(list(SAYERS["cross_dataset"](crossed, NOWHERE))) == decided
    levels = tidy(method=["a", "b"], statistic="srcc_level", value=[0.9, 0.1], n=references)
    [said] = SAYERS["sweep_order"](levels, NOWHERE)
    assert ("decide nothing" in said) != decided
    types = tidy(**(rows | {"distortion": "jpeg"}))
    assert bool(significance.worst(types, LABELS).rows) == decided
