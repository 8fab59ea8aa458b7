"""The sentences of the front page, from the tables that the stages made of the planted run."""

from __future__ import annotations

import html
import re

import pandas as pd
import pytest

from benchmark.reporting.findings import SAYERS, findings
from benchmark.reporting.run import Run
from tests.stages.planted import METHODS


def sentences(root, **paths):
    run = Run(str(root / "results"), str(root / "data"), str(root / "models"), str(root / "params.yaml"))
    shown = html.unescape(re.sub(r"<[^>]+>", "\n", str(findings(run))))
    return [line.strip() for line in shown.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def said(made):
    return sentences(made)


def one(said, start):
    found = [line for line in said if line.startswith(start)]
    assert len(found) == 1, said
    return found[0]


def test_the_best_is_a_perfect_method_and_the_last_the_reversed_one(said):
    for title, learnt in (("KonIQ-10k", {"Rated", "Named"}), ("CSIQ", {"Opinions", "Taught"})):
        [line] = [line for line in said if f"agrees best with the human scores of {title}:" in line]
        best, other = ("Qualiclip", "Turned") if line.startswith("Qualiclip") else ("Turned", "Qualiclip")
        assert line.startswith(
            f"{best} agrees best with the human scores of {title}: SRCC 1.000 "
            "(no interval: every resample is the same), n = 40; "
            "Reversed agrees least, −1.000 (no interval: every resample is the same); "
        )
        assert f"; not significantly worse: {other}; not tested: " in line
        # A method that has learnt from the set is not among those that are named.
        assert not learnt & set(re.findall(r"\w+", line))
    assert any("agrees best with the scores of Toy (" in line for line in said)


def test_published_figures_beside_perfect_orders_are_not_judged(said):
    """Those of 40 pictures in the order of their opinions have no interval that could hold another figure."""
    assert one(said, "No published SRCC value") == (
        "No published SRCC value is judged: each is of other pictures than this run scored, or ours beside "
        "it has no interval or rests on too few pictures."
    )


def test_the_ablation_runs_from_the_lowest_to_the_highest(said):
    line = one(said, "Ablation on CSIQ")
    assert re.fullmatch(
        r"Ablation on CSIQ: SRCC runs from −1\.000 \(no interval: every resample is the same\) \(untrained\) "
        r"to 0\.9\d\d \[0\.9\d\d, 0\.9\d\d\] \(full\)\.",
        line,
    )


def test_the_best_probe_is_one_that_has_not_seen_its_test_set(said, table):
    line = one(said, "Across data sets")
    assert line.startswith("Across data sets, the best probe is Qualiclip, trained on")
    frame = table("cross_dataset")
    there = frame[frame["statistic"].eq("srcc") & frame["train"].ne(frame["test"])]
    fair = there[there["overlap"].astype(str).eq("False")]
    best = fair.sort_values("value").iloc[-1]
    titles = {"koniq10k": "KonIQ-10k", "csiq": "CSIQ", "toy": "Toy"}
    assert f"trained on {titles[best['train']]}" in line
    assert f"tested on {titles[best['test']]}" in line
    assert f"SRCC {best['value']:.3f}" in line


def test_gmad_names_the_strongest_first(said, table):
    frame = table("gmad")
    for dataset, title in (("koniq10k", "KonIQ-10k"), ("csiq", "CSIQ"), ("toy", "Toy")):
        line = one(said, f"gMAD on {title}")
        ranks = frame[frame["statistic"].eq("rank_score") & frame["dataset"].eq(dataset)]
        few = ranks.loc[ranks["units"] < 10, "method"].str.capitalize()
        ranks = ranks[ranks["units"] >= 10]
        strength = {row["method"].capitalize(): row["value"] for row in ranks.to_dict("records")}
        line, _, apart = line.partition(". Not ranked, on fewer than 10 references or pictures: ")
        assert apart.rstrip(".") == ", ".join(few)
        listed = re.search(r"the best first: (.*[^.])\.?$", line)[1].split("; ")
        names = [one.split()[0] for one in listed]
        assert [strength[name] for name in names] == sorted(strength.values(), reverse=True)
        assert set(names[:2]) == {"Qualiclip", "Turned"}
        assert names[-1] == "Constant" or "Constant" in set(few)
        assert len(names) + len(few) == len(METHODS)


def test_studies_name_the_data_set_that_they_were_made_of(tmp_path):
    params = tmp_path / "params.yaml"
    params.write_text("sweep: {dataset: lab}\ngradcam: {dataset: other}\n")
    run = Run(models="nowhere", data="nowhere", params=str(params))
    for name, said in (
        ("sweep_order", "rising intensity on lab (SRCC"),
        ("gradcam", "region on other (pointing"),
    ):
        assert said in one(list(SAYERS[name](WRITTEN[name][0], run)), "")


def rows(**columns):
    return pd.DataFrame(columns)


#: Small tables whose sentence is written out.
WRITTEN = {
    "cross_dataset": (
        rows(
            method=["a", "a", "b", "b", "b"],
            train=["x", "y", "x", "y", "x"],
            test=["y", "x", "y", "x", "x"],
            statistic="srcc",
            value=[0.6, 0.99, 0.7, None, 1.0],
            low=[0.5, 0.9, 0.6, None, 1.0],
            high=[0.7, 1.0, 0.8, None, 1.0],
            n=40,
            overlap=[False, True, False, False, False],
        ),
        [
            "Across data sets, the best probe is b, trained on x and tested on y: "
            "SRCC 0.700 [0.600, 0.800], n = 40."
        ],
    ),
    "gmad": (
        rows(
            dataset="x",
            judge=["mos", "mos", "mos", "mos", "people", "people"],
            method=["a", "b", "c", "d", "a", "b"],
            statistic=["rank_score"] * 3 + ["resistance"] + ["rank_score"] * 2,
            value=[-0.4, 0.5, 0.1, 99, 0.3, -0.3],
            low=[-0.6, 0.3, -0.3, 90, 0.1, None],
            high=[-0.2, 0.7, 0.5, 100, 0.5, None],
            n=40,
        ),
        [
            "gMAD on x, judged by opinion scores, ranks by rank score, the best first: "
            "b 0.500 [0.300, 0.700]; c 0.100 [−0.300, 0.500]; a −0.400 [−0.600, −0.200].",
            "gMAD on x, judged by people, ranks by rank score, the best first: a 0.300 [0.100, 0.500]; "
            "b −0.300 (no interval: too little data).",
        ],
    ),
    "ablation": (
        rows(
            dataset="x",
            variant=["one_pair", "full", "broken", "untrained"],
            statistic="srcc",
            value=[0.5, 0.7, None, -0.1],
            low=[0.4, 0.6, None, -0.2],
            high=[0.6, 0.8, None, 0.0],
            n=40,
        ),
        ["Ablation on x: SRCC runs from −0.100 [−0.200, 0.000] (untrained) to 0.700 [0.600, 0.800] (full)."],
    ),
    "sweep_order": (
        rows(
            method=["a", "a", "b", "b"],
            statistic=["srcc_level", "srcc_level", "srcc_level", "monotone_share"],
            value=[0.4, 0.6, -0.25, 0.9],
            n=40,
        ),
        [
            "Agreement of the score with rising intensity (SRCC with level, mean over types): "
            "a 0.500, b −0.250."
        ],
    ),
    "gradcam": (
        rows(
            method=["a", "a", "b", "b"],
            target=["positive", "negative", "positive", "positive"],
            distortion=["all", "all", "all", "jpeg"],
            statistic=["pointing_game", "pointing_game", "pointing_game", "pointing_game"],
            value=[0.5, 0.7, 0.25, 0.9],
            n=40,
        ),
        ["gradCAM points into the degraded region (pointing game, mean over prompts): a 0.600, b 0.250."],
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_small_table_is_said_as_written_here(name):
    frame, expected = WRITTEN[name]
    assert list(SAYERS[name](frame, Run(models="nowhere", data="nowhere", params="nowhere"))) == expected


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (0.3, "significantly worse (paired, Holm): c"),
        (-0.3, "ahead on the pictures that all have scored (paired, Holm): c"),
    ],
)
def test_a_method_that_lacks_scores_is_not_the_best_and_who_is_ahead_not_worse(tmp_path, gap, said):
    (tmp_path / "tables").mkdir()
    tests = rows(dataset="x", method_a=["b"], method_b=["c"], statistic="srcc", value=gap, p_holm=[0.01])
    tests.to_csv(tmp_path / "tables/differences.csv", index=False)
    about = {"dataset": "x", "statistic": "srcc", "published": float("nan"), "overlap": False}
    frame = rows(method=["a", "b", "c"], value=[0.9, 0.7, 0.6], low=0.5, high=0.95, n=[20, 40, 40], **about)
    run = Run(str(tmp_path), models="nowhere", data="nowhere", params="nowhere")
    assert next(SAYERS["zero_shot"](frame, run)) == (
        "b agrees best with the human scores of x: SRCC 0.700 [0.500, 0.950], n = 40; c agrees least, 0.600 "
        f"[0.500, 0.950]; {said}; lacking scores, and so not compared: a."
    )


def test_variants_that_are_level_with_the_full_one_are_named_with_what_could_have_been_told(tmp_path):
    (tmp_path / "tables").mkdir()
    rows = [
        ("x", "full", "one_pair", "srcc", 0.4, 0.05),
        ("x", "broken", "full", "srcc", 0.9, 0.08),
        ("x", "full", "untrained", "srcc", 0.01, 0.3),
        ("x", "one_pair", "broken", "srcc", 1.0, 0.5),
        ("x", "full", "untrained", "plcc", 0.7, 0.6),
        ("y", "full", "untrained", "srcc", 0.7, 0.7),
    ]
    columns = ["dataset", "variant_a", "variant_b", "statistic", "p_holm", "resolvable"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "tables/ablation_differences.csv", index=False)
    frame, expected = WRITTEN["ablation"]
    run = Run(str(tmp_path), models="nowhere", data="nowhere", params="nowhere")
    assert list(SAYERS["ablation"](frame, run)) == [
        *expected,
        "On x full is not told apart from one pair, broken (paired, Holm); a difference of 0.080 would have "
        "been, with a power of 80%.",
    ]
    path = tmp_path / "tables/ablation_differences.csv"
    pd.read_csv(path).assign(resolvable=float("nan")).to_csv(path, index=False)
    run = Run(str(tmp_path), models="nowhere", data="nowhere", params="nowhere")
    assert (
        list(SAYERS["ablation"](frame, run))[1]
        == "On x full is not told apart from one pair, broken (paired, Holm)."
    )


@pytest.mark.parametrize("name", ["cross_dataset", "gmad", "ablation"])
def test_a_table_without_any_number_says_nothing(name):
    frame = WRITTEN[name][0].assign(value=float("nan"))
    assert list(SAYERS[name](frame, Run(models="nowhere", data="nowhere", params="nowhere"))) == []
