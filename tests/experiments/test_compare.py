"""`iqa compare`: anybody's files of scores."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from experiments.cli import app

run = CliRunner()


@pytest.fixture
def files(tmp_path):
    g = np.random.default_rng(0)
    names = [f"{k:03d}.png" for k in range(80)]
    mos = g.normal(size=80)
    good, poor = mos + 0.3 * g.normal(size=80), -mos + 2 * g.normal(size=80)
    for name, column, values in (("good", "score", good), ("poor", "score", poor), ("mos", "mos", mos)):
        pd.DataFrame({"image": names, column: values}).to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path, good, poor, mos


def invoke(folder, *options):
    paths = [str(folder / f"{name}.csv") for name in ("good", "poor")]
    return run.invoke(app, ["compare", *paths, "--scores", str(folder / "mos.csv"), *options])


def test_says_who_agrees_better_and_how_sure_that_is(files):
    folder, good, poor, mos = files
    done = invoke(folder, "--b-lower", "--out", str(folder / "all.csv"))
    assert (done.exit_code, done.exception) == (0, None)
    table = pd.read_csv(folder / "all.csv").set_index(["method", "statistic"])
    assert table.loc[("good", "srcc"), "value"] == pytest.approx(stats.spearmanr(good, mos).statistic)
    assert table.loc[("poor", "srcc"), "value"] == pytest.approx(stats.spearmanr(-poor, mos).statistic)
    gap = pd.read_csv(folder / "all.csv").query("statistic == 'srcc' and method_a == 'good'").iloc[0]
    assert 0 < gap["low"] < gap["value"] < gap["high"]
    assert gap["p"] < 0.001
    for words in ("good minus poor, paired", "meng", "95% BCa"):
        assert words in done.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,score\na,1\n", "lacks the column 'image': it has name, score"),
        ("image,score\na,high\n", "no number"),
        ("", "no CSV table"),
        ("image,score\nelsewhere,1\n", "share no image"),
        ("image,score\n000.png,1\n000.png,2\n", "'000.png' twice"),
    ],
)
def test_bad_files_are_named(files, content, message):
    (files[0] / "poor.csv").write_text(content)
    done = invoke(files[0])
    assert isinstance(done.exception, ValueError)
    assert message in str(done.exception)
    assert "poor" in str(done.exception)


def test_a_missing_file_is_named(files):
    (files[0] / "mos.csv").unlink()
    assert "mos.csv does not exist" in str(invoke(files[0]).exception)


def test_files_of_one_name_are_told_apart(files, tmp_path):
    folder = files[0]
    (tmp_path / "other").mkdir()
    (folder / "poor.csv").rename(tmp_path / "other" / "good.csv")
    options = ["--scores", str(folder / "mos.csv")]
    done = run.invoke(app, ["compare", str(folder / "good.csv"), str(tmp_path / "other/good.csv"), *options])
    assert "A minus B" in done.output


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_images_give_no_interval_and_no_error(files, n):
    folder = files[0]
    for name in ("good", "poor", "mos"):
        pd.read_csv(folder / f"{name}.csv").head(n).to_csv(folder / f"{name}.csv", index=False)
    done = invoke(folder, "--out", str(folder / "all.csv"))
    assert (done.exit_code, done.exception) == (0, None)
    table = pd.read_csv(folder / "all.csv")
    assert table["low"].isna().all()
    assert table["protocol"].notna().all()
