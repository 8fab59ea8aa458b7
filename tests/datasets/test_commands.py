"""The commands that list, show and bring data sets, as a user types them."""

import re

import pytest

from benchmark.datasets import catalogue
from experiments.commands.datasets import card, state
from tests.datasets.releases import lines
from tests.datasets.typed import iqa
from tests.loopback import Loopback


@pytest.mark.parametrize("name", catalogue.names())
def test_every_record_has_a_card(name):
    entry = catalogue.entry(name)
    said = dict(re.findall(r"^  (\w+) +(.*)", card(entry), re.MULTILINE))
    assert said["licence"] == entry.licence
    if entry.score:
        assert entry.score.name in said["score"]
        assert ("within a reference alone" in said["score"]) == entry.score.within
        assert ("ratings" in said) == (entry.score.ratings is not None)


def test_the_table_says_what_is_here(here):
    (here / "downloads/agiqa3k/images").mkdir(parents=True)
    (here / "downloads/agiqa3k/images/a.png").touch()
    lines(here / "downloads/agiqa3k/data.csv", ["name,mos_quality,std_quality", "a.png,1,.1"])
    (here / "downloads/tid2013").mkdir()
    table = iqa("datasets").stdout.splitlines()
    found = {line.split()[0]: line for line in table}
    assert len(table) == 1 + len(catalogue.names())
    assert "1 of 2982 images" in found["agiqa3k"]
    assert "incomplete (iqa verify tid2013)" in found["tid2013"]
    assert found["koniq10k"].split()[1:3] == ["10073", "no"]


def test_a_set_that_lacks_only_its_split_is_not_called_complete(here):
    entry = catalogue.entry("flive").model_copy(update={"counts": {"images": 1}})
    lines(here / "downloads/flive/labels_image.csv", ["name,mos", "EE371R/a.jpg,50"])
    picture = here / "downloads/flive/database/EE371R/a.jpg"
    picture.parent.mkdir(parents=True)
    picture.touch()
    assert state(entry) == "incomplete (iqa verify flive)"
    lines(here / "downloads/flive/labels640.csv", ["mos_image,name_image", "50,EE371R/a.jpg"])
    lines(here / "downloads/flive/labels=640_padded.csv", ["name_image,is_valid", "EE371R/a.jpg,True"])
    assert state(entry) != "complete"  # no picture of the train and of the test split


def test_a_card_says_direction_terms_steps_and_faults():
    card = iqa("datasets", "clive").stdout
    for words in (
        "higher is better",
        "--accept-terms",
        "Fill the form",
        "first seven",
        "@article{ghadiyaram",
    ):
        assert words in card
    assert "lower is better" in iqa("datasets", "csiq").stdout
    assert "short side 512" in iqa("datasets", "spaq").stdout


def test_downloads_of_several_sets_go_on_past_one_that_fails(here, monkeypatch):
    monkeypatch.setenv("IQA_OFFLINE", "1")
    ended = iqa("download", "agiqa1k", "clive", "kadid10k")
    assert ended.exit_code == 3
    assert "agiqa1k: cannot be fetched by a program" in ended.stderr
    assert "clive: read its terms first" in ended.stderr
    assert "IQA_OFFLINE forbids" in ended.stderr
    assert "3 of 3 are missing" in ended.stderr
    assert isinstance(iqa("download").exception, ValueError)


def test_addresses_are_asked_what_they_offer(here, monkeypatch):
    entry = catalogue.entry("agiqa3k")
    images, scores = entry.sources[0].files
    zipped, table, page = (
        "/" + url.removeprefix("https://") for url in (images.urls[0], scores.urls[0], entry.page)
    )
    files, faulty = {zipped: b"x" * 5_000_000, table: b"y" * scores.size, page: b"page"}, {}
    monkeypatch.delenv("IQA_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Loopback(files, lambda number, path: faulty.get(path, "right")).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url)
        ended = iqa("datasets", "--check-sources", "agiqa3k")
        assert ended.exit_code == 0, ended.output
        assert [line.split()[:2] for line in ended.stdout.splitlines()] == [["yes", "agiqa3k"]] * 3
        assert "0.005 GB" in ended.stdout
        assert all(headers["Range"] == "bytes=0-0" for _, headers in server.requests)
        faulty[zipped], files[table] = "404", b"moved"
        ended = iqa("datasets", "--check-sources", "agiqa3k")
    assert ended.exit_code == 3
    assert f"{images.urls[0]}: answered 404" in ended.stdout
    assert f"offers 5 bytes, the record says {scores.size}" in ended.stdout
    assert ended.stderr == "3 addresses, 2 faults\n"
    ended = iqa("datasets", "--check-sources", "agiqa3k")  # the server is gone
    assert ended.stdout.count("the connection failed (Connection refused)") == 3


def test_the_paper_profile_names_data_sets_of_the_catalogue():
    from experiments.commands.download import of_profile

    named = {
        "koniq10k",
        "clive",
        "flive",
        "spaq",
        "agiqa1k",
        "agiqa3k",
        "live",
        "csiq",
        "tid2013",
        "kadis700k",
    }
    assert named <= set(of_profile("paper"))


@pytest.mark.parametrize("command", ["datasets", "verify", "download"])
def test_of_a_set_that_the_suite_makes_it_is_said_what_makes_it(here, command):
    with pytest.raises(ValueError, match=r"leaves: is made by the suite.*`dvc repro prepare@leaves`"):
        iqa(command, "leaves", catch_exceptions=False)
