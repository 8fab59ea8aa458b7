"""Stage `gmad` on a run whose answers are known."""

import json
import re

import pandas as pd
import pytest

from benchmark.gmad.study import questions, study_name
from experiments.stages import gmad
from tests.stages.planted import METHODS, SETS, change, keep, rows


def values(table, statistic, dataset):
    frame = table("gmad")
    part = frame[frame["statistic"].eq(statistic) & frame["dataset"].eq(dataset)]
    return part.set_index("method")["value"]


@pytest.mark.parametrize("dataset", SETS)
def test_the_perfect_method_wins_and_the_reversed_one_wins_no_attack(table, dataset):
    attacks = values(table, "aggressiveness", dataset)
    assert attacks["qualiclip"] == attacks["turned"] == attacks.max()
    assert attacks["reversed"] == attacks["constant"] == 0
    strength = values(table, "rank_score", dataset)
    assert strength["qualiclip"] == pytest.approx(strength["turned"])
    assert strength.idxmin() == "constant"
    assert strength["qualiclip"] == strength.max()
    assert strength["noisy"] < strength["rated"]
    assert attacks["noisy"] < attacks["rated"]


def test_every_attack_of_the_perfect_method_is_judged_right(made):
    """Also where the opinions fall: people prefer the picture that a perfect attacker puts higher."""
    pairs = pd.read_csv(made / "results/gmad/pairs.csv")
    assert pairs.groupby("dataset")["judge"].unique().str[0].to_dict() == {
        "koniq10k": "mos", "csiq": "mos", "toy": "proxy"
    }  # fmt: skip
    for dataset, part in pairs.dropna(subset="low_image").groupby("dataset"):
        quality = rows(str(dataset)).set_index("image")["quality"]
        gap = quality[part["high_image"]].to_numpy() - quality[part["low_image"]].to_numpy()
        assert ((part["preference"] > 0) == (gap > 1e-9)).all()
        assert ((part["preference"] < 0) == (gap < -1e-9)).all()
        right = part[part["attacker"].isin(["qualiclip", "turned"])]
        assert (right["preference"] >= 0).all()
        assert (part.loc[part["attacker"].eq("reversed"), "preference"] <= 0).all()


def test_the_references_of_each_set_are_what_is_drawn(planted, monkeypatch):
    """Images are of one reference to the competition where the manifest has them so, and only there."""
    given, run = {}, gmad.competition
    monkeypatch.setattr(
        gmad,
        "competition",
        lambda *args, **how: given.update({how["dataset"]: how["references"]}) or run(*args, **how),
    )
    gmad.gmad()
    assert set(given) == set(SETS)
    for dataset, own in given.items():
        manifest = pd.read_csv(planted / f"data/{dataset}/manifest.csv").set_index("image")
        reference = manifest["reference"].loc[own.index]
        expected = reference if reference.notna().all() else pd.Series(own.index, own.index)
        assert (pd.crosstab(own, expected) > 0).sum().eq(1).all()
        assert own.nunique() == expected.nunique()
    assert any(not own.is_unique for own in given.values())
    written = pd.read_csv(planted / "results/tables/gmad.csv").query("statistic == 'aggressiveness'")
    pairs = pd.read_csv(planted / "results/gmad/pairs.csv")
    for row in written.to_dict("records"):
        own = pairs["dataset"].eq(row["dataset"]) & pairs["attacker"].eq(row["method"])
        met = pd.unique(pairs.loc[own, ["low_image", "high_image"]].to_numpy().ravel())
        assert row["units"] == given[row["dataset"]][met].nunique()


def test_deviations_of_the_ratings_make_a_preference_surer(table):
    """With them a difference of a few deviations is plain; without, it drowns in the spread of the set."""
    for dataset in ("koniq10k", "csiq"):
        assert values(table, "aggressiveness", dataset)["qualiclip"] > 95
    assert values(table, "aggressiveness", "toy")["qualiclip"] < 60


def test_rows_say_who_judged_and_are_signed(table):
    frame, matrix = table("gmad"), table("gmad_matrix")
    said = dict(zip(frame["dataset"], frame["protocol"], strict=True))
    # To a method with one score for all every picture ties: it attacks eight others at six levels.
    how = r"gMAD, 6 levels, half-width 9; differences count against the [^;]*; "
    how += r"in (\d+) of (\d+) pairs others tie, and the first by name was taken"
    how += r"; n counts pairs; bootstrap of (pairs|references) \(\d+\) x1000"
    tied = {name: re.fullmatch(how, text) for name, text in said.items()}
    assert all(int(found[1]) >= 48 and int(found[2]) > 4 * int(found[1]) for found in tied.values())
    assert said["csiq"].endswith("references (10) x1000")
    assert len(frame) == len(SETS) * len(METHODS) * 3
    assert len(matrix) == len(SETS) * len(METHODS) * (len(METHODS) - 1) * 3
    assert frame["signature"].str.contains(r"\|method=[0-9a-f]{12}\|data=[0-9a-f]{12}$").all()
    assert matrix["signature"].str.contains(r"\|method=[0-9a-f]{12}\+[0-9a-f]{12}\|data=").all()
    against = matrix[matrix["statistic"].eq("aggressiveness") & matrix["dataset"].eq("csiq")]
    won = against.set_index(["method_a", "method_b"])["value"]
    assert won["qualiclip", "noisy"] > 90
    assert won["reversed", "noisy"] == 0


def answers(folder, dataset, pairs, people=3):
    """Files as the study page saves them, of people who all see quality as it is."""
    asked, quality = questions(pairs), rows(dataset).set_index("image")["quality"]
    folder.mkdir(parents=True)
    for person in range(people):
        said = [
            {"pair": row.pair, "left": row.first, "right": row.second, "seconds": 1.0, "strength": 60}
            | {"choice": "right" if quality[row.second] > quality[row.first] else "left"}
            for row in asked.itertuples()
        ]
        content = {"format": "gmad-answers-1", "study": study_name(asked["pair"]), "subject": f"s{person}"}
        (folder / f"{person}.json").write_text(json.dumps({**content, "answers": said}))


def test_people_who_answered_judge_the_pairs_anew(planted, made):
    pairs = pd.read_csv(made / "results/gmad/pairs.csv")
    folder = planted / "experiments/answers/csiq"
    answers(folder, "csiq", pairs[pairs["dataset"].eq("csiq")])
    keep(planted, sets=["csiq"])
    change(planted, gmad={"answers": {"csiq": "experiments/answers/csiq"}})
    gmad.gmad()
    judged = pd.read_csv(planted / "results/tables/gmad.csv").query("statistic == 'aggressiveness'")
    assert set(judged["judge"]) == {"mos", "people"}
    people = judged.query("judge == 'people'").set_index("method")["value"]
    assert people["qualiclip"] == pytest.approx(60)
    assert people["reversed"] == people["constant"] == 0


def test_images_without_score_or_opinion_take_no_part(planted, capsys):
    keep(planted, ["qualiclip", "noisy"], ["csiq", "toy"])
    path = planted / "results/scores/noisy/csiq.csv"
    frame = pd.read_csv(path)
    frame.loc[:4, "score"] = None
    frame.to_csv(path, index=False)
    path = planted / "data/csiq/manifest.csv"
    manifest = pd.read_csv(path)
    manifest.loc[5, "mos"] = None
    manifest.to_csv(path, index=False)
    gmad.gmad()
    said = capsys.readouterr().out
    assert "csiq: 6 images lack a score or a judgement and take no part" in said
    assert "toy" not in said
    pairs = pd.read_csv(planted / "results/gmad/pairs.csv").query("dataset == 'csiq'")
    assert not set(manifest["image"][:6]) & {*pairs["low_image"], *pairs["high_image"]}


def test_answers_outside_the_watched_folder_or_missing_are_refused(planted):
    pairs = pd.DataFrame()
    with pytest.raises(ValueError, match="must lie below experiments/answers"):
        gmad.judged_by_people(pairs, "csiq", "elsewhere", 1)
    with pytest.raises(ValueError, match="must lie below experiments/answers"):
        gmad.judged_by_people(pairs, "csiq", "experiments/answers/../elsewhere", 1)
    with pytest.raises(ValueError, match=r"holds no \.json files"):
        gmad.judged_by_people(pairs, "csiq", "experiments/answers/csiq", 1)
