"""Pages of records: how far each was checked, what it learnt, nothing that anybody wrote executed."""

import json
import re
import shutil
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from benchmark import exchange
from benchmark.datasets.prepared import load
from benchmark.exchange import Record, ranked
from benchmark.exchange.making import figures
from benchmark.leaderboard import Entry, pages
from benchmark.method import version
from experiments.cli import app
from tests.exchange.checkout import change_after_preparing, iqa


def simulated(like, methods=30, datasets=12):
    """Records of many methods on many data sets, with figures drawn at random."""
    draw = np.random.default_rng(0)
    for method in range(methods):
        for dataset in range(datasets):
            told = like.model_dump(mode="json")
            told["method"] |= {"name": f"m{method:02d}", "version": f"{method:064x}"}
            told["method"]["card"] |= {"title": f"Method {method}", "opinions_of": f"set{method % 40:02d}"}
            told["dataset"] |= {"name": f"set{dataset:02d}", "title": f"Set {dataset} (simulated)"}
            value = float(draw.uniform(0, 0.9))
            told["values"][0] |= {"value": value, "low": value - 0.05, "high": value + 0.05}
            yield Record.model_validate(told)


@pytest.fixture
def like(sent):
    return Record.model_validate(json.loads(sent.read_text()))


def entries(records, standing="reported"):
    return [Entry(r, "lab", standing, f"records/{r.method.name}/{r.dataset.name}.json") for r in records]


def test_thirty_methods_on_twelve_sets_have_a_row_and_a_column_each(like):
    made_of = entries(simulated(like))
    site = pages(made_of)
    assert list(site) == ["index", "records", *(f"set-set{dataset:02d}" for dataset in range(12))]
    assert all(site["index"].count(f">Method {method}</span>") == 1 for method in range(30))
    heads = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", site["index"])
    assert heads[5:17] == [f"Set {dataset}" for dataset in range(12)]
    value = made_of[17 * 12 + 5].record.values[0].value
    row = site["index"].split(">Method 17</span>")[1].split("</tr>")[0]
    assert re.findall(r"<span>(0\.\d{3}†?|–)</span>", row)[5] == f"{value:.3f}"
    # Method 3 has learnt from the opinions of set 3, and of no other.
    row = site["index"].split(">Method 3</span>")[1].split("</tr>")[0]
    assert [i for i, text in enumerate(re.findall(r"<span>(0\.\d+†?)</span>", row)) if "†" in text] == [3]


def test_a_page_has_a_row_for_every_record_and_a_link_to_each(like):
    made_of = entries(simulated(like, 4, 3))
    text = pages(made_of)["records"]
    assert text.count('<th scope="row"') == 12
    links = re.findall(r'<a href="(records/[^"]*)">', text)
    assert sorted(links) == sorted(entry.file for entry in made_of)
    strange = [replace(made_of[0], file="records/a b#c?.json")]
    assert 'href="records/a%20b%23c%3F.json"' in pages(strange)["records"]


def test_what_a_data_set_is_called_is_not_its_sender_s_to_say(like):
    told = like.model_dump(mode="json")
    told["dataset"]["title"] = "KADID-10k"
    made_of = entries([like, Record.model_validate(told)])
    for text in pages(made_of, titles={"lab": "Lab"}).values():
        assert "KADID" not in text


def test_releases_of_one_name_are_told_apart(like):
    told = like.model_dump(mode="json")
    told["dataset"]["manifest_sha256"] = "ab" * 32
    other = Record.model_validate(told)
    assert "Releases are told apart" not in pages(entries([like]))["set-lab"]
    site = pages(entries([like, other]))
    assert "<span>abababab</span>" in site["set-lab"]
    assert site["index"].count('<th scope="row"') == 2  # neither takes the other's place
    told["method"] |= {"version": "cd" * 32}
    for name, text in pages(entries([like, other, Record.model_validate(told)])).items():
        assert "Releases are told apart" in text, name
        assert name == "set-lab" or "release abababab" in text, name


@pytest.mark.parametrize("order", [("verified", "reported"), ("reported", "verified")])
def test_a_row_is_no_better_checked_than_the_least_of_its_records(like, order):
    told = like.model_dump(mode="json")
    told["dataset"]["name"] = "other"
    records = (like, Record.model_validate(told))
    made_of = [
        replace(entry, standing=standing) for entry, standing in zip(entries(records), order, strict=True)
    ]
    row = pages(made_of)["index"].split('<th scope="row"')[1].split("</tr>")[0]
    assert ("<span>reported</span>" in row, "<span>verified</span>" in row) == (True, False)


def test_a_plcc_after_another_curve_is_said_to_be_one(like):
    told = like.model_dump(mode="json")
    told["protocol"]["mapping"] = "logistic5"
    site = pages(entries([like, Record.model_validate(told)]))
    for name in ("set-lab", "records"):
        for curve in ("logistic4", "logistic5"):
            assert f"PLCC after {curve}" in site[name]
    assert "Protocol:" not in site["set-lab"]  # the two have none in common


def test_two_that_share_the_first_rank_are_not_both_called_second(like):
    data = load("lab", "data")
    opinions = data.manifest["mos"].to_numpy()
    made_of = entries([like, like])
    given = {
        name: on(like, data, scores) for name, scores in (("a", opinions), ("b", opinions), ("c", -opinions))
    }
    found = ranked(given, data)
    files = {"a": made_of[0].file, "b": "records/other.json"}
    made_of = [made_of[0], replace(made_of[0], file="records/other.json", sender="else")]
    text = pages(made_of, ranks={"lab": found.assign(method=found["method"].replace(files))})["set-lab"]
    assert len(re.findall(r"<span>1\.5 a</span>", text)) == 2


def test_a_method_that_looks_at_other_pictures_is_marked(like):
    told = like.model_dump(mode="json")
    told["method"]["card"] |= {"transductive": True, "opinions_of": "lab"}
    for name in ("records", "set-lab"):
        assert "<span>zero-shot</span>" in pages(entries([like]))[name]
        text = pages(entries([Record.model_validate(told)]))[name]
        assert "<span>learnt from this data set, transductive</span>" in text


def test_what_nobody_knows_it_learnt_from_is_marked_as_such(like):
    told = like.model_dump(mode="json")
    told["method"]["card"] |= {"opinion_aware": True, "opinions_of": ""}
    text = pages(entries([Record.model_validate(told)]))["index"]
    assert "‡</span>" in text
    # Two names of one set of photographs, and a data set that was learnt from here.
    for change in ({"opinions_of": "lab"}, {"opinions_of": "other lab"}):
        told["method"]["card"] |= change
        assert "†</span>" in pages(entries([Record.model_validate(told)]))["index"]
    told["method"] |= {"rated": "elsewhere"}
    told["method"]["card"] |= {"opinions_of": ""}
    text = pages(entries([Record.model_validate(told)]))["index"]
    assert "‡</span>" not in text
    assert "†</span>" not in text


SEEN = "pictures of Lab, synthetically degraded; no quality scores"


def test_pictures_that_a_card_names_are_learnt_from_as_opinions_are(like):
    data = load("lab", "data")
    opinions = data.manifest["mos"].to_numpy()
    seen, scores = on(like, data, opinions, training_data=SEEN)
    site = pages(entries([seen]))
    assert "†</span>" in site["index"]
    for name in ("records", "set-lab"):
        assert "<span>learnt from this data set</span>" in site[name]
        assert "zero-shot" not in site[name]
    assert ranked({"seen": (seen, scores)}, data).empty
    proxy = seen.model_dump(mode="json")
    proxy["dataset"] |= {"rated_by": "proxy"}
    assert "†</span>" not in pages(entries([Record.model_validate(proxy)]))["index"]


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({}, "zero-shot, "),
        ({"training_data": SEEN}, "learnt from this data set, "),
        ({"opinions_of": "lab", "opinion_aware": True}, "learnt from this data set, "),
        ({"opinion_aware": True}, "exposure to this data set not known, "),
        ({"transductive": True}, "transductive, "),
    ],
)
def test_a_record_says_zero_shot_only_where_it_is_and_one_of_before_holds(like, sent, card, words):
    """Earlier versions wrote zero-shot into all; what else is said of it does not hold."""
    data, told = load("lab", "data"), like.model_dump(mode="json")
    told["method"]["card"] |= card
    method = Record.model_validate(told).method
    anew = figures(pd.read_csv(sent.with_suffix(".csv")), data, method, like.protocol)
    assert [row["statistic"] for row in anew] == [row["statistic"] for row in told["values"]]
    assert next(row for row in anew if row["statistic"] == "srcc")["protocol"].startswith(words)
    assert any("zero-shot" in row["protocol"] for row in told["values"])
    wrong = [row | {"protocol": row["protocol"].replace(words, "learnt from another, ")} for row in anew]
    for values, outcome in ((anew, "holds"), (told["values"], "holds"), (wrong, "fails")):
        record = Record.model_validate(told | {"values": values})
        checks = {
            one.what: one for one in exchange.check(record, sent.with_suffix(".csv").read_bytes(), data)
        }
        assert checks["figures"].outcome == outcome, checks["figures"].why


def test_the_order_of_the_records_does_not_matter(like):
    made_of = entries(simulated(like, 3, 2))
    assert pages(made_of) == pages(made_of[::-1])


def test_what_a_sender_wrote_is_text(like):
    told = like.model_dump(mode="json")
    told["method"]["card"] |= {
        "title": "<script>alert(1)</script>",
        "training_data": '"><img src=x onerror=1>',
    }
    told["dataset"]["title"] = "<b>Lab</b>"
    for text in pages(entries([Record.model_validate(told)]), ["<i>left</i>"]).values():
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "<b>Lab" not in text
        assert "<i>left" not in text


def test_a_folder_becomes_pages_that_tell_measured_from_verified_from_reported(sent, tmp_path):
    assert iqa("add", sent, "--from", "friend").exit_code == 0
    folder = tmp_path / "second/results/records"
    for name in ("models", "results/scores"):
        shutil.copytree(tmp_path / "first" / name, tmp_path / "second" / name)
    (folder / "sharpness").mkdir()
    for ending in (".json", ".csv"):
        (folder / f"sharpness/lab{ending}").write_bytes(sent.with_suffix(ending).read_bytes())
    told = json.loads(sent.read_text())
    told["dataset"]["name"] = "elsewhere"
    other = folder / "received/stranger/sharpness/elsewhere.json"
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps(told))
    told["method"]["weights_sha256"] = "0" * 64
    bad = folder / "received/cheat/sharpness/lab.json"
    bad.parent.mkdir(parents=True)
    bad.write_text(json.dumps(told))
    done = CliRunner().invoke(app, ["leaderboard", "--out", "site"])
    assert done.exit_code == 0, done.output
    assert "3 records, 1 left out" in done.output
    index = (tmp_path / "second/site/index.html").read_text()
    rows = re.findall(r"<tr>\s*<th scope=\"row\".*?</tr>", index, re.S)
    standing = {
        re.findall(r"<span>([^<]*)</span>", row)[1]: re.findall(r"<span>([^<]*)</span>", row)[2]
        for row in rows
    }
    assert standing == {"here": "measured here", "friend": "verified", "stranger": "reported"}
    assert "received/cheat/sharpness/lab.json: method: its version" in index
    link = re.search(r'href="(records/[^"]*)"', (tmp_path / "second/site/set-lab.html").read_text())[1]
    assert (tmp_path / "second/site" / link).is_file()


def test_what_others_sent_stays_theirs_whatever_folder_is_asked_for(sent, tmp_path):
    assert iqa("add", sent, "--from", "friend").exit_code == 0
    folder = tmp_path / "second/results/records/received"
    for place in (folder, folder / "friend", "results/records/received/friend/sharpness", sent.parent):
        assert leaderboard(place, "--out", "site").exit_code == 0
        index = (tmp_path / "second/site/index.html").read_text()
        unsaid = place == sent.parent
        assert "<span>measured here</span>" not in index
        assert "<span>verified</span>" in index
        assert f"<span>{'not said' if unsaid else 'friend'}</span>" in index


@pytest.mark.parametrize("other", [None, "scores", "version", "nothing scored"])
def test_only_what_this_checkout_has_scored_is_measured_here(sent, tmp_path, monkeypatch, other):
    monkeypatch.chdir(tmp_path / "first")
    if other == "scores":
        scores = tmp_path / "first/results/scores/sharpness/lab.csv"
        scores.write_text(scores.read_text() + "\n")
    elif other == "version":
        path = tmp_path / "first/models/sharpness/method.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"code_sha256": "0" * 64}))
    elif other:
        shutil.rmtree(tmp_path / "first/results/scores")
    assert leaderboard(sent.parent.parent, "--out", "site").exit_code == 0
    index = (tmp_path / "first/site/index.html").read_text()
    assert ("<span>here</span>" in index, "<span>measured here</span>" in index) == (not other, not other)
    assert ("<span>not said</span>" in index, "<span>verified</span>" in index) == (bool(other), bool(other))


def test_how_many_pictures_have_no_score_stands_in_every_cell(like):
    told = like.model_dump(mode="json")
    told["method"]["name"] = "lacking"
    told["scores"] |= {"rows": 20, "missing": 3}  # of 24
    made_of = pages(entries([like, Record.model_validate(told)]))
    for page in ("index", "records", "set-lab"):
        rows = re.findall(r"<tr>\s*<th scope=\"row\".*?</tr>", made_of[page], re.S)
        said = {("lacking" in row, "7 of 24 pictures without a score" in row) for row in rows}
        assert said == {(True, True), (False, False)}


def test_every_page_says_which_set_no_human_rated(like):
    told = like.model_dump(mode="json")
    told["dataset"] |= {"name": "made", "title": "Photographs (degraded)", "rated_by": "proxy"}
    made_of = pages(entries([like, Record.model_validate(told)]))
    for page in ("index", "records", "set-made"):
        assert "Photographs: full-reference proxy, no human rated these." in made_of[page]
        assert "Photographs (proxy)" in made_of[page]
    assert "proxy, no human" not in made_of["set-lab"]


def test_a_set_that_has_changed_since_it_was_prepared_settles_nothing(sent, tmp_path):
    says = change_after_preparing(tmp_path / "second")
    done = leaderboard(sent.parent.parent, "--out", "site")
    assert done.exit_code == 0, done.output
    assert re.search(says, done.output)
    index = (tmp_path / "second/site/index.html").read_text()
    assert "<span>reported</span>" in index
    assert "<span>verified</span>" not in index


def leaderboard(*words):
    return CliRunner().invoke(app, ["leaderboard", *(str(word) for word in words)])


def test_what_is_no_record_is_left_out_and_stops_nothing(sent, tmp_path):
    (sent.parent / "zz.json").write_text('{"sur\\u0000prise\\n::error::": 1}')
    done = leaderboard(sent.parent.parent, "--out", "site")
    assert done.exit_code == 0, done.output
    assert "1 records, 1 left out" in done.output
    index = (tmp_path / "second/site/index.html").read_text()
    assert "sharpness/zz.json: is not a record of version 1" in index
    assert "\n::error::" not in index


def test_the_same_records_give_the_same_bytes_and_what_is_gone_leaves_nothing(sent, tmp_path):
    told = json.loads(sent.read_text())
    told["dataset"]["name"] = "elsewhere"
    more = sent.with_name("elsewhere.json")
    more.write_text(json.dumps(told))
    files = lambda top: {p.relative_to(top): p.read_bytes() for p in top.rglob("*") if p.is_file()}  # noqa: E731
    for out in ("a", "b"):
        assert leaderboard(sent.parent.parent, "--out", out).exit_code == 0
    assert files(tmp_path / "second/a") == files(tmp_path / "second/b")
    assert (tmp_path / "second/a/set-elsewhere.html").is_file()
    more.unlink()
    for out in ("a", "c"):
        assert leaderboard(sent.parent.parent, "--out", out).exit_code == 0
    assert files(tmp_path / "second/a") == files(tmp_path / "second/c")


def test_nothing_but_a_leaderboard_is_written_over(sent, tmp_path):
    (tmp_path / "records").mkdir()
    sent.parent.rename(tmp_path / "records/sharpness")
    done = leaderboard(tmp_path / "records", "--out", tmp_path)
    assert "would mix" in str(done.exception)
    assert (tmp_path / "records/sharpness/lab.json").is_file()
    (tmp_path / "home").mkdir()
    (tmp_path / "home/index.html").write_text("<title>Mine</title>")
    done = leaderboard(tmp_path / "records", "--out", tmp_path / "home")
    assert "of no leaderboard" in str(done.exception)


def on(like, data, scores, **changes):
    """A record of made-up scores of a data set, and the file beside it."""
    names = data.manifest["image"]
    text = pd.DataFrame({"image": names, "score": scores}).to_csv(index=False).encode()
    told = like.model_dump(mode="json")
    told["method"]["card"] |= changes
    return Record.model_validate(told), text


def test_ranks_are_of_records_that_scored_everything_and_learnt_nothing_there(like):
    data = load("lab", "data")
    opinions, draw = data.manifest["mos"].to_numpy(), np.random.default_rng(1)
    noisy = opinions + draw.normal(0, 25, len(opinions))
    best = opinions + draw.normal(0, 1, len(opinions))
    lacking = opinions.astype(float).copy()
    lacking[3] = np.nan
    given = {
        "best": on(like, data, best),
        "near": on(like, data, np.round(best / 4)),
        "noisy": on(like, data, noisy),
        "turned": on(like, data, -best),
        "lacking": on(like, data, lacking),
        "learnt": on(like, data, opinions, opinions_of="lab"),
        "unknown": on(like, data, opinions, opinion_aware=True),
    }
    found = ranked(given, data)
    place = found[found["statistic"].eq("rank")].set_index("method")
    wanted = {
        name: stats.spearmanr(pd.read_csv(BytesIO(text))["score"], opinions).statistic
        for name, (_, text) in given.items()
        if name in ("best", "near", "noisy", "turned")
    }
    assert list(place.index) == sorted(wanted, key=wanted.get, reverse=True)
    assert place.loc["turned", "value"] == 4
    letters = {name: set(text) for name, text in place["letters"].items()}
    assert letters["best"] & letters["near"]
    assert not letters["best"] & letters["turned"]
    assert ranked({"learnt": given["learnt"]}, data).empty


def test_ranks_are_the_same_whichever_way_scores_and_opinions_run(like):
    data, draw = load("lab", "data"), np.random.default_rng(2)
    opinions = data.manifest["mos"].to_numpy()
    given = {name: opinions + draw.normal(0, wide, len(opinions)) for name, wide in (("a", 5), ("b", 40))}
    upright = {name: on(like, data, scores) for name, scores in given.items()}
    wanted = ranked(upright, data)
    falling = replace(
        data,
        record=replace(data.record, higher_is_better=False),
        manifest=data.manifest.assign(mos=100 - data.manifest["mos"]),
    )
    pd.testing.assert_frame_equal(ranked(upright, falling), wanted)
    told, scores = on(like, data, -given["b"], higher_is_better=False)
    turned = told.model_copy(update={"method": told.method.model_copy(update={"higher_is_better": False})})
    pd.testing.assert_frame_equal(ranked({"a": upright["a"], "b": (turned, scores)}, data), wanted)
    assert list(wanted["method"].unique()) == ["a", "b"]
    assert set(wanted["n"]) == set(wanted["units"]) == {len(opinions)}


def test_every_cell_of_a_row_is_its_record_s_and_the_best_stands_first(like):
    made_of = []
    for name, value in (("none", None), ("low", 0.2), ("high", 0.7)):
        told = like.model_dump(mode="json")
        told["method"] |= {"name": name, "rated": "elsewhere" if name == "low" else ""}
        told["cost"] = {"width": 9, "height": 9, "parameters": 2_098_778, "multiply_adds": 1_219_054_592}
        for row in told["values"]:
            if row["statistic"] == "srcc":
                row |= {"value": value, "low": 0.1, "high": 0.8, "n": 1717}
            elif row["statistic"] in ("krcc", "plcc"):
                row |= {"value": {"krcc": 0.3, "plcc": -0.4}[row["statistic"]], "low": None, "high": None}
        made_of += entries([Record.model_validate(told)])
    ranks = pd.DataFrame(
        [{"method": made_of[1].file, "statistic": "rank", "value": 2, "low": 1, "high": 3, "letters": "ab"}]
    )
    text = pages(made_of, ranks={"lab": ranks})["set-lab"]
    rows = re.findall(r"<tr>\s*<th scope=\"row\".*?</tr>", text, re.S)
    cells = [re.findall(r"<span>(.*?)</span>(?: <small>(.*?)</small>)?", row) for row in rows]
    assert [row[0][1] for row in cells] == ["high", "low", "none"]
    assert cells[1][3:11] == [
        *(("aware", ""), ("2 ab", "[1, 3]"), ("0.200", "[0.100, 0.800]"), ("0.300", ""), ("−0.400", "")),
        *(("1,717", ""), ("1.22", ""), ("2.1", "")),
    ]
    assert [row[3][0] for row in cells] == ["unaware", "aware", "unaware"]
    assert cells[0][4] == ("–", "")


def test_a_method_that_says_one_thing_of_every_picture_stops_no_ranking(like):
    data = load("lab", "data")
    opinions = data.manifest["mos"].to_numpy()
    given = {"flat": on(like, data, np.ones(len(opinions))), "good": on(like, data, opinions)}
    found = ranked(given, data)
    place = found[found["statistic"].eq("rank")].set_index("method")
    assert place.loc["good", "value"] == 1
    assert "flat" not in place.index or place.loc["flat", "value"] != 1
    assert ranked({"flat": given["flat"]}, data) is not None


def test_cost_is_that_of_the_version_and_what_nothing_cheaper_beats_is_named(like, tmp_path, monkeypatch):
    assert like.cost is None
    monkeypatch.chdir(tmp_path / "first")
    tables = tmp_path / "first/results/tables"
    tables.mkdir(parents=True)
    head = "method,width,height,parameters,weight_bytes,multiply_adds,peak_bytes,signature\n"
    for of_version, counted in ((like.method.version[:12], 7), ("0" * 12, None)):
        (tables / "cost.csv").write_text(f"{head}sharpness,512,384,5,9,7,9,method={of_version}\n")
        assert iqa("export", tmp_path / "again").exit_code == 0
        cost = exchange.read(tmp_path / "again/sharpness/lab.json").cost
        assert (cost and cost.multiply_adds) == counted

    def at(title, adds, value, parameters=1):
        told = like.model_dump(mode="json")
        told["method"] |= {"name": title}
        told["method"]["card"] |= {"title": title}
        told["cost"] = {"width": 9, "height": 9, "parameters": parameters, "multiply_adds": adds}
        srcc = next(row for row in told["values"] if row["statistic"] == "srcc")
        srcc |= {"value": value, "low": value - 0.1, "high": value + 0.1}
        return Record.model_validate(told)

    records = [
        at("None", 20, 0.1, 0),  # no network
        at("Small", 10, 0.5),
        at("Worse", 10, 0.4),
        at("Dear", 900, 0.3),
        at("Best", 999, 0.7),
    ]
    lacking = at("Lacking", 5, 0.9).model_dump(mode="json")
    lacking["scores"] |= {"rows": 20, "missing": 3}
    records.append(Record.model_validate(lacking))  # of fewer pictures, perhaps of the easy ones
    page = pages(entries(records, "verified"))["set-lab"]
    assert "Front: None 0.100, Small 0.500, Best 0.700." in page
    assert "multiply-adds not counted" in page
    assert "in part" in page
    assert "against cost" not in pages(entries(records[:1], "verified"))["set-lab"]
    assert "against cost" not in pages(entries(records))["set-lab"]  # nobody has looked at those figures
    assert "Made by stage" not in page
    assert "From <code>records</code>" in page


def test_versions_of_a_method_stand_by_their_days_and_a_day_is_nothing_else(sent, tmp_path):
    folder = tmp_path / "second/results/records/received/friend/sharpness"
    days = {"b": '"2026-03-01"', "a": '"2026-05-01"', "c": '"<b>soon</b>"'}
    told = json.loads(sent.read_text())
    for name, day in days.items():
        told["method"]["load"] = {"variant": name}
        one = told["method"]
        one["version"] = version(one["code_sha256"], one["weights_sha256"], one["load"])
        (folder / name).mkdir(parents=True)
        (folder / name / "lab.json").write_text(json.dumps(told))
        (folder / name / "lab.machine.json").write_text(f'{{"made": {day}}}')
        days[name] = one["version"][:12]
    done = CliRunner().invoke(app, ["leaderboard", "--out", "site"])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "second/site/versions.html").read_text()
    assert "soon" not in page
    shown = re.findall(r">(2026-\d\d-\d\d|not said|[0-9a-f]{12})<", page)
    assert shown == ["not said", days["c"], "2026-03-01", days["b"], "2026-05-01", days["a"]]
