"""The table of methods: a row for each, held against the cards, the tests it names and what is timed."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from benchmarks.test_methods import MAKERS

import methods

TOP = Path(__file__).parents[1]
PAGE = (TOP / "docs/methods.md").read_text()
COLUMNS = ["method", "year, venue", "learns from", "official weights, licence", "checked against", "ms"]
#: Licences that a card may name; a row names those that its card does.
LICENCES = ("Apache-2.0", "CC BY-NC 4.0", "MIT", "PolyForm Noncommercial", "S-Lab", "University of Texas")
YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def rows():
    """Cells of the table's rows, by the names of its columns."""
    lines = [line.strip("| \n").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    head = lines.index(COLUMNS)
    return [dict(zip(COLUMNS, line, strict=True)) for line in lines[head + 1 :] if line[0].startswith("`")]


ROWS = {row["method"].strip("`"): row for row in rows()}


def named():
    return pytest.mark.parametrize("name", methods.names())


def test_every_method_has_one_row_and_every_row_a_method():
    assert sorted(row["method"].strip("`") for row in rows()) == sorted(methods.names())


@named()
def test_no_cell_is_empty(name):
    assert [column for column, cell in ROWS[name].items() if not cell.strip(" -—")] == []


@named()
def test_the_years_are_those_of_the_card(name):
    card, cell = methods.published(name), ROWS[name]["year, venue"]
    if card.paper:
        assert YEAR.findall(cell)
        assert set(YEAR.findall(cell)) <= set(YEAR.findall(card.paper + card.bibtex))
    else:
        assert "no paper" in cell


@named()
def test_the_licences_are_those_of_the_card(name):
    card, cell = methods.published(name), ROWS[name]["official weights, licence"]
    assert [one for one in LICENCES if one in card.licence and one not in cell] == []
    assert ("state" in card.licence) <= ("stated" in cell)  # "states none", "not stated"
    assert ("no weights" in card.licence) <= ("none" in cell)


@named()
def test_a_row_names_tests_that_speak_of_its_method(name):
    files = re.findall(r"`((?:\w+/)?test_\w+\.py)`", ROWS[name]["checked against"])
    assert files
    words = (name, name.replace("_", "-"), "OpinionUnaware")  # the last is what several methods share
    for file in files:
        text = (TOP / "tests/methods" / file).read_text()
        assert any(word in text for word in words), file


def test_what_runs_here_is_timed_and_all_of_it():
    timed = {name for name, row in ROWS.items() if re.match(r"[\d,.]+(, |$)", row["ms"])}
    assert timed == set(MAKERS) == set(methods.names()) - {"pyiqa", "vlm"}


def test_the_scores_that_are_equal_are_those_of_the_records():
    part = PAGE.partition("## Scores that are equal")[2].partition("\n## ")[0]
    said = re.findall(r"^- `(\w+)`[^:]*: (\d+) and (\d+)", part, re.MULTILINE)
    assert len(said) == 4
    for name, ones, tied in said:
        rows = csv.DictReader((TOP / f"records/reference/{name}/agiqa3k.csv").read_text().splitlines())
        count = Counter(float(row["score"]) for row in rows)
        assert (count[1.0], sum(n for n in count.values() if n > 1)) == (int(ones), int(tied)), name
