"""Entries are told apart and read, however BibTeX lets them be written; those of the suite can be cited."""

import pytest

import methods
from benchmark.datasets import catalogue
from benchmark.provenance import bibtex

ONE = """@article{a1,
  author = {Doe, Jane and Roe, Rick},
  title = {The {CLIP} of {A, B}},
  journal = {J},
  volume = {3},
  number = {4},
  year = {2020}
}"""
TWO = """@misc{b,
  author = {Doe, J.},
  title = {T},
  year = {2021},
  eprint = {2101.00001}
}"""
#: The first entry as BibTeX lets it be written too.
SAME = {
    "bare numbers": ONE.replace("{2020}", "2020").replace("{3}", "3").replace("{4}", "4"),
    "quotes": ONE.replace("{Doe, Jane and Roe, Rick}", '"Doe, Jane and Roe, Rick"').replace("{J}", '"J"'),
    "abbreviation": '@string{jj = "J"}\n' + ONE.replace("{J}", "jj"),
    "abbreviation in brackets": "@STRING(jj = {J})\n" + ONE.replace("{J}", "jj"),
    "joined values": ONE.replace("{2020}", '"20" # {20}'),
    "comments": f"% of the paper\n@comment{{nothing}}\nsee also\n{ONE}\nand so on",
    "capitals": ONE.replace("@article", "@Article").replace("title", "Title").replace("year", "YEAR"),
    "brackets": "@article(" + ONE.removeprefix("@article{").removesuffix("}") + ")",
    "last comma": ONE.replace("{2020}\n", "{2020},\n"),
    "lines and spaces": ONE.replace(" = ", "\n=\n   ").replace("The {CLIP}", "The\n     {CLIP}"),
    "first names first": ONE.replace("Doe, Jane and Roe, Rick", "Jane Doe and Rick Roe"),
}


def test_entries_are_told_apart_by_key():
    found = bibtex.entries(f"{ONE}\n\n{TWO}\n")
    assert list(found) == ["a1", "b"]
    assert found["a1"].fields["title"] == "The {CLIP} of {A, B}"
    assert bibtex.entries("") == bibtex.entries(" \n") == {}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_an_entry_is_the_same_however_it_is_written(text: str):
    assert [bibtex.said(entry) for entry in bibtex.entries(text).values()] == [
        "Doe, Roe: The CLIP of A, B. J 3(4), 2020"
    ]
    assert bibtex.library([text]).lower() == f"{ONE}\n".lower()
    assert bibtex.library([bibtex.library([text])]) == bibtex.library([text])


def test_an_entry_is_said_in_a_line():
    assert bibtex.said(bibtex.entries(TWO)["b"]) == "Doe: T. arXiv 2101.00001, 2021"
    text = (
        r'@misc{c, author = {{The {VQEG} Group} and van der Berg, A. and M{\"u}ller, K.}, title = "A \& B",'
    )
    entry = bibtex.entries(text + " year = 1999, howpublished = {Report}}")["c"]
    assert bibtex.said(entry) == "The VQEG Group, van der Berg, Müller: A & B. Report, 1999"


def test_what_is_escaped_or_an_address_is_written_as_it_was_read():
    text = r"@misc{c, author = {A, B}, title = {{50\% of A \& B}}, year = 2000, url = {https://x.y/a_b%7E#c}}"
    again = bibtex.library([text])
    assert r"title = {{50\% of A \& B}}" in again
    assert "url = {https://x.y/a_b%7E#c}" in again


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Doe 2020", "no BibTeX entry: 'Doe 2020'"),
        ("@misc{a, title = {T}, author = {D}}", "entry a lacks year"),
        ("@misc{a, title = {T}, author = {}, year = 2020}", "entry a lacks author"),
        ("@misc{a, title = {T", "no valid BibTeX: .*premature end of file"),
        ("@misc{a, title = tt, author = {D}, year = 2020}", "no valid BibTeX: undefined string .*tt"),
        (f"{TWO} {TWO.replace('Doe', 'Roe')}", "no valid BibTeX: repeated .*: b"),
    ],
)
def test_what_is_no_entry_is_refused(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        bibtex.entries(text)


def test_a_library_holds_each_entry_once():
    assert bibtex.library([TWO, "", f"{ONE}\n{TWO}"]) == f"{TWO}\n\n{ONE}\n"
    assert bibtex.library(["", ""]) == ""
    with pytest.raises(ValueError, match="the BibTeX key b stands for two"):
        bibtex.library([TWO, TWO.replace("Doe", "Roe")])


def test_all_methods_with_a_paper_and_all_data_sets_can_be_cited_together():
    cards = {name: methods.card(name) for name in methods.names()}
    assert [name for name, card in cards.items() if card.paper and not card.bibtex] == []
    records = [catalogue.entry(name) for name in catalogue.names()]
    whole = bibtex.library(
        [*(card.bibtex for card in cards.values()), *(record.bibtex for record in records)]
    )
    found = bibtex.entries(whole)
    assert len(found) >= 8 + len(records)
    assert all(entry.fields["year"].isdigit() for entry in found.values())
