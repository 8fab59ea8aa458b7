"""`iqa compare`: anybody's files of scores."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from benchmark.protocols import Resampling
from benchmark.protocols.compare import compare
from experiments.cli import app

run = CliRunner()


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch):
    """A hundred say as well as a thousand which file is which."""
    monkeypatch.setitem(compare.__kwdefaults__, "how", Resampling(100))


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
        ("image,score\na,high\n", "row 2, column 'score': 'high': write a number"),
        (
            "image,score\na,1\nb,inf\n",
            "row 3, column 'score': 'inf': write a number or leave it empty, this is not a finite",
        ),
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


@pytest.mark.parametrize(
    ("column", "word", "least"),
    [("mos_std", "-0.1", "0"), ("level", "-1", "0"), ("ratings", "0", "1"), ("ratings", "many", None)],
)
def test_what_cannot_be_of_ratings_is_refused_with_file_and_row(files, column, word, least):
    mos = pd.read_csv(files[0] / "mos.csv").assign(**{column: "2"})
    mos.loc[3, column] = word
    mos.to_csv(files[0] / "mos.csv", index=False)
    said = f"less than {least}" if least else "not a finite number"
    with pytest.raises(ValueError, match=rf"mos\.csv: row 5, column '{column}': '{word}': .*{said}"):
        raise invoke(files[0]).exception


def test_numbers_of_ratings_may_be_missing(files):
    mos = pd.read_csv(files[0] / "mos.csv").assign(mos_std="0.3", ratings="20")
    whole = mos.drop(index=[0])
    mos.loc[0, ["mos_std", "ratings"]] = "n/a"
    shares = []
    for number, table in enumerate((mos, whole)):
        table.to_csv(files[0] / "mos.csv", index=False)
        done = invoke(files[0], "--b-lower", "--out", str(files[0] / f"{number}.csv"))
        assert done.exit_code == 0, done.exception
        shares.append(pd.read_csv(files[0] / f"{number}.csv").set_index(["method", "statistic"]))
    one, other = (table.loc[("good", "srcc_of_ceiling")] for table in shares)
    assert one["value"] == pytest.approx(other["value"])
    assert one["n"] == other["n"] == 79


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


ODD = ["NA", "nan", "null", "None", "007", "1e5", "True", "N/A"]


def test_references_count_however_their_column_is_spelt(files):
    folder, *_ = files
    mos = pd.read_csv(folder / "mos.csv")
    for column in ("reference", "Reference", " REFERENCE"):
        mos.assign(**{column: [f"r{k % 12}" for k in range(80)]}).to_csv(folder / "mos.csv", index=False)
        done = invoke(folder, "--b-lower")
        assert "bootstrap of references (12)" in done.output, (column, done.exception)


def test_images_and_references_keep_names_that_look_like_something_else(files):
    """The same files with plain names in place of odd ones give the same numbers: nothing is lost."""
    folder = files[0]
    tables = {name: pd.read_csv(folder / f"{name}.csv") for name in ("good", "poor", "mos")}
    tables["mos"]["reference"] = [f"r{k % 12}" for k in range(80)]
    found = []
    for odd in (ODD, [f"plain{k}" for k in range(len(ODD))]):
        for name, table in tables.items():
            named = table.assign(image=[*odd, *table["image"][len(odd) :]])
            if name == "mos":
                named["reference"] = named["reference"].replace(
                    dict(zip(["r0", "r1", "r2"], odd, strict=False))
                )
            named.to_csv(folder / f"{name}.csv", index=False)
        done = invoke(folder, "--b-lower")
        assert (done.exit_code, done.exception) == (0, None)
        found.append(done.stdout)
    assert found[0] == found[1]
    assert "bootstrap of references (12)" in found[0]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_of_spreadsheets_give_the_same_numbers(files, mark, encoding):
    folder = files[0]
    before = invoke(folder, "--b-lower").stdout
    for name in ("good", "mos"):
        frame = pd.read_csv(folder / f"{name}.csv")
        frame.to_csv(folder / f"{name}.csv", index=False, sep=mark, decimal=",", encoding=encoding)
    assert invoke(folder, "--b-lower").stdout == before


def respell(folder, name, spell):
    frame = pd.read_csv(folder / f"{name}.csv", dtype={"image": str})
    frame.assign(image=spell(frame["image"])).to_csv(folder / f"{name}.csv", index=False)


def test_images_in_another_folder_or_case_are_matched_and_that_is_said(files):
    folder = files[0]
    before = invoke(folder, "--b-lower").stdout
    respell(folder, "good", lambda names: "pics/" + names.str.upper())
    done = invoke(folder, "--b-lower")
    assert done.stdout == before
    assert "good.csv: 80 of 80 images are spelt otherwise" in done.stderr
    assert "such as 'pics/000.PNG' with '000.png'" in done.stderr


def test_ambiguous_images_are_named_and_nothing_is_computed(files):
    folder = files[0]
    respell(folder, "good", lambda names: ["a/x.png", "b/x.png", *names[2:]])
    respell(folder, "mos", lambda names: ["x.png", *names[1:]])
    done = invoke(folder, "--b-lower")
    assert "'a/x.png' ('x.png'), 'b/x.png' ('x.png')" in str(done.exception)
    assert done.stdout == ""


def test_images_that_are_missing_over_or_without_score_are_named(files):
    folder = files[0]
    respell(folder, "poor", lambda names: ["extra.png", *names[1:]])
    frame = pd.read_csv(folder / "good.csv")
    frame["score"] = frame["score"].astype(str).where(frame.index >= 2, ["NA", ""] * 40)
    frame.to_csv(folder / "good.csv", index=False)
    done = invoke(folder, "--b-lower")
    assert done.exit_code == 0
    for words in (
        "poor.csv: 1 images are not in",
        "'extra.png'",
        "poor.csv: 1 images of",
        "are missing: '000.png'",
        "good.csv: 2 images have no score and are left out: '000.png', '001.png'",
    ):
        assert words in done.stderr
    assert "1 of 80 scores missing" in done.stdout


def state(folder, name, **columns):
    """Add columns to a file of scores, as ``iqa score`` writes them."""
    pd.read_csv(folder / f"{name}.csv").assign(**columns).to_csv(folder / f"{name}.csv", index=False)


@pytest.mark.parametrize("stated", [{"direction": "lower"}, {"method": "niqe"}, {"method": "trained:niqe"}])
def test_the_direction_comes_from_the_file(files, stated):
    folder = files[0]
    expected = invoke(folder, "--b-lower").stdout
    state(folder, "poor", **stated)
    done = invoke(folder)
    assert done.stdout == expected
    assert "poor.csv: lower is better, by " in done.stderr
    assert "good.csv: takes higher numbers for better; --a-lower says" in done.stderr
    assert invoke(folder, "--b-lower").stdout == expected


def test_the_name_of_a_file_states_a_known_method(files):
    folder = files[0]
    expected = invoke(folder, "--b-lower").stdout.replace("poor", "niqe")
    (folder / "poor.csv").rename(folder / "niqe.csv")
    paths = [str(folder / f"{name}.csv") for name in ("good", "niqe")]
    done = run.invoke(app, ["compare", *paths, "--scores", str(folder / "mos.csv")])
    assert done.stdout == expected
    done = run.invoke(app, ["compare", *paths, "--scores", str(folder / "mos.csv"), "--b-higher"])
    assert "higher is better by --b-higher, lower by the card of niqe" in str(done.exception)


@pytest.mark.parametrize(
    ("stated", "options", "says"),
    [
        ({"direction": "higher", "method": "niqe"}, [], "'direction', lower by the card of niqe"),
        ({"direction": "higher"}, ["--b-lower"], "lower is better by --b-lower, higher by its column"),
        ({"method": "qualiclip"}, ["--b-lower"], "by --b-lower, higher by the card of qualiclip"),
        ({"direction": ["higher", "lower"] * 40}, [], "'direction' says higher and lower"),
        ({"direction": "up"}, [], "row 2, column 'direction': 'up': write higher or lower"),
        ({"method": ["niqe", "brisque"] * 40}, [], "holds the scores of niqe, brisque"),
    ],
)
def test_directions_that_contradict_are_an_error_and_no_conclusion(files, stated, options, says):
    state(files[0], "poor", **stated)
    done = invoke(files[0], *options)
    assert says in str(done.exception)
    assert "poor.csv" in str(done.exception)
    assert done.stdout == ""


def test_scores_of_a_run_and_the_manifest_of_a_set_say_their_own_directions(files, tmp_path):
    folder = files[0]
    expected = invoke(folder, "--b-lower", "--mos-lower").stdout.replace("poor", "mine")
    for name, key in (("good", "good"), ("poor", "mine")):
        (tmp_path / f"results/scores/{key}").mkdir(parents=True)
        (tmp_path / f"models/{key}").mkdir(parents=True)
        (folder / f"{name}.csv").rename(tmp_path / f"results/scores/{key}/lab.csv")
        about = json.dumps({"higher_is_better": key == "good"})
        (tmp_path / f"models/{key}/method.json").write_text(about)
    (tmp_path / "data/lab").mkdir(parents=True)
    (folder / "mos.csv").rename(tmp_path / "data/lab/manifest.csv")
    (tmp_path / "data/lab/record.json").write_text(json.dumps({"higher_is_better": False}))
    paths = [str(tmp_path / f"results/scores/{key}/lab.csv") for key in ("good", "mine")]
    manifest = str(tmp_path / "data/lab/manifest.csv")
    done = run.invoke(app, ["compare", *paths, "--scores", manifest])
    assert done.stdout == expected
    assert "good runs against the opinions" in done.stderr
    done = run.invoke(app, ["compare", *paths, "--scores", manifest, "--mos-higher"])
    assert "--mos-higher, lower by" in str(done.exception)


def test_scores_in_exactly_the_reversed_order_are_named(tmp_path):
    """They have no interval that could lie below 0."""
    names = [f"{k}.png" for k in range(12)]
    opinions, scores = tmp_path / "opinions.csv", tmp_path / "turned.csv"
    pd.DataFrame({"image": names, "mos": range(12)}).to_csv(opinions, index=False)
    pd.DataFrame({"image": names, "score": range(12, 0, -1)}).to_csv(scores, index=False)
    done = run.invoke(app, ["compare", str(scores), str(scores), "--scores", str(opinions), "--mos-higher"])
    assert "runs against the opinions (srcc -1.000)" in done.stderr
