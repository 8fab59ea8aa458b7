"""Entries are told apart and read; those of the suite name what a citation needs."""

import pytest

import methods
from benchmark import bibtex
from benchmark.datasets import catalogue

ONE = """@article{a1,
  title = {The {CLIP} of {A, B}}, author = {Doe, Jane and Roe, Rick},
  journal = {J}, volume = {3}, number = {4}, year = {2020}
}"""
TWO = "@misc{b, title = {T}, author = {Doe, J.}, year = {2021}, eprint = {2101.00001}}"


def test_entries_are_told_apart_by_key():
    assert bibtex.entries(f"{ONE}\n\n{TWO}\n") == {"a1": ONE, "b": TWO}
    assert bibtex.entries("") == {}
    assert bibtex.fields(ONE)["title"] == "The {CLIP} of {A, B}"


def test_an_entry_is_said_in_a_line():
    assert bibtex.said(ONE) == "Doe, Roe: The CLIP of A, B. J 3(4), 2020"
    assert bibtex.said(TWO) == "Doe: T. arXiv 2101.00001, 2021"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Doe 2020", "no BibTeX entry: 'Doe 2020'"),
        ("@misc{a, title = {T}, author = {D}}", "entry a lacks year"),
        ("@misc{a, title = {T}, author = {D}, year = 2020}", "lacks year .*braces"),
        ("@misc{a, title = {T", "not closed"),
        (f"{TWO} {TWO.replace('Doe', 'Roe')}", "key b stands for two"),
    ],
)
def test_what_is_no_entry_is_refused(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        bibtex.entries(text)


def test_a_library_holds_each_entry_once():
    assert bibtex.library([TWO, "", f"{ONE}\n{TWO}"]) == f"{TWO}\n\n{ONE}\n"
    assert bibtex.library(["", ""]) == ""


def test_all_methods_with_a_paper_and_all_data_sets_can_be_cited_together():
    cards = {name: methods.card(name) for name in methods.names()}
    assert [name for name, card in cards.items() if card.paper and not card.bibtex] == []
    records = [catalogue.entry(name) for name in catalogue.names()]
    whole = bibtex.library(
        [*(card.bibtex for card in cards.values()), *(record.bibtex for record in records)]
    )
    found = bibtex.entries(whole)
    assert len(found) >= 8 + len(records)
    assert all(bibtex.fields(entry)["year"].isdigit() for entry in found.values())
