"""`iqa gmad`: from the pairs of a competition to a page, and from answers to a ranking."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmark.gmad import competition
from benchmark.gmad.study import pair_name, study_name
from experiments.cli import app
from experiments.runs import stage
from experiments.stages import gmad as gmad_stage

run = CliRunner()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A competition of a method that knows, one that guesses, one that is backwards; 40 pictures."""
    rng = np.random.default_rng(0)
    names = [f"{k:02d}.png" for k in range(40)]
    truth = pd.Series(np.linspace(0, 100, 40), index=names)
    guess = pd.Series(rng.permutation(truth.to_numpy()), index=names)
    scores = pd.DataFrame({"knows": truth, "guesses": guess, "backwards": 100 - truth})
    found = competition(scores, truth, dataset="toy", seed=1)
    (tmp_path / "data/toy").mkdir(parents=True)
    for name in names:
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(tmp_path / "data/toy" / name)
    found.pairs.to_csv(tmp_path / "pairs.csv", index=False)
    monkeypatch.setattr(stage, "DATA", tmp_path / "data")
    return tmp_path, truth, found.pairs


def answers(folder, pairs, truth, subject, noise):
    """A subject who prefers the picture of the higher truth, mistaken now and then."""
    rng = np.random.default_rng(len(subject))
    asked = pairs[pairs["low_image"].notna() & pairs["low_image"].ne(pairs["high_image"])]
    couples = {
        pair_name(a, b): tuple(sorted((a, b)))
        for a, b in zip(asked["low_image"], asked["high_image"], strict=True)
    }
    said = []
    for name, (left, right) in couples.items():
        right_wins = truth[right] + noise * rng.normal() > truth[left]
        answer = {"pair": name, "left": left, "right": right, "strength": 60, "seconds": 2.0}
        said.append(answer | {"choice": "right" if right_wins else "left"})
    content = {
        "format": "gmad-answers-1",
        "study": study_name(list(couples)),
        "subject": subject,
        "answers": said,
    }
    (folder / f"{subject}.json").write_text(json.dumps(content))


def test_from_the_pairs_to_a_page_and_from_answers_to_a_ranking(place, monkeypatch):
    folder, truth, pairs = place
    out = folder / "study.html"
    options = ["--dataset", "toy", "--pairs", str(folder / "pairs.csv")]
    done = run.invoke(app, ["gmad", "judge", *options, "--out", str(out), "--limit", "5"])
    assert (done.exit_code, done.exception) == (0, None)
    content = json.loads(out.read_text().split('id="study">')[1].split("</script>")[0])
    assert len(content["pairs"]) == 5
    for subject in ("a", "bb", "ccc"):
        answers(folder, pairs, truth, subject, 10)
    files = [str(folder / f"{subject}.json") for subject in ("a", "bb", "ccc")]
    done = run.invoke(app, ["gmad", "tally", *files, *options, "--out", str(folder / "people")])
    assert (done.exit_code, done.exception) == (0, None)
    table = pd.read_csv(folder / "people/gmad.csv")
    assert set(table["judge"]) == {"people"}
    assert "3 of 3 subjects kept" in table["protocol"][0]
    strength = table[table["statistic"].eq("rank_score")].set_index("method")["value"]
    assert strength.idxmax() == "knows"
    assert pd.read_csv(folder / "people/subjects.csv")["subject"].tolist() == ["a", "bb", "ccc"]
    # The stage counts the same answers when `gmad.answers` names their folder, below the one that it watches.
    with pytest.raises(ValueError, match="must lie below experiments/answers"):
        gmad_stage.judged_by_people(pairs, "toy", str(folder), 0)
    monkeypatch.setattr(gmad_stage, "ANSWERS", folder.parent)
    same = gmad_stage.judged_by_people(pairs, "toy", str(folder), 0)
    merged = same.table.merge(table, on=["method", "statistic"])
    np.testing.assert_allclose(merged["value_x"], merged["value_y"], rtol=1e-6)
    with pytest.raises(ValueError, match=r"no \.json files"):
        gmad_stage.judged_by_people(pairs, "toy", str(folder / "data"), 0)


def test_what_is_missing_is_named(place, tmp_path):
    folder = place[0]
    for options, message in (
        (
            ["--dataset", "toys", "--pairs", str(folder / "pairs.csv")],
            "has no pairs of 'toys'; it has those of toy",
        ),
        (["--dataset", "toy", "--pairs", str(folder / "nowhere.csv")], "dvc repro gmad"),
    ):
        done = run.invoke(app, ["gmad", "judge", *options, "--out", str(tmp_path / "x.html")])
        assert isinstance(done.exception, ValueError)
        assert message in str(done.exception)
