"""BibTeX entries: read by pybtex, told apart by key, said in one line, written as one file."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pybtex.database import Entry, Person, parse_string
from pybtex.exceptions import PybtexError
from pybtex.richtext import Text

#: What every entry must name, so that it can be cited.
NEEDED = ("title", "author", "year")


@functools.cache
def entries(text: str) -> Mapping[str, Entry]:
    """Return each entry of ``text`` by its key, in order; abbreviations (``@string``) stand in full.

    Raises
    ------
    ValueError
        If the text is no BibTeX or holds no entry though it is not empty, an entry lacks a title, an author
        or a year, or a key stands for two entries.
    """
    try:
        found = dict(parse_string(text, "bibtex").entries)
    except PybtexError as error:
        raise ValueError(f"no valid BibTeX: {error}") from error
    if text.strip() and not found:
        raise ValueError(f"no BibTeX entry: {text.strip()[:60]!r}; one starts with @type{{key,")
    for key, entry in found.items():
        if lacking := [name for name in NEEDED if not (entry.fields.get(name) or entry.persons.get(name))]:
            raise ValueError(f"BibTeX entry {key} lacks {', '.join(lacking)}")
    return MappingProxyType(found)


def said(entry: Entry) -> str:
    """Return an entry as a citation of one line: surnames, title, where, year."""
    known = {name.lower(): str(Text.from_latex(value)) for name, value in entry.fields.items()}
    where = known.get("journal") or known.get("booktitle") or known.get("howpublished") or ""
    if not where and "eprint" in known:
        where = f"arXiv {known['eprint']}"
    number = f"({known['number']})" if "number" in known else ""
    volume = f" {known['volume']}{number}" if "volume" in known else ""
    parts = [f"{where}{volume}"] if where else []
    names = ", ".join(map(_surname, entry.persons["author"]))
    return f"{names}: {known['title']}. {', '.join([*parts, known['year']])}"


def library(texts: Iterable[str]) -> str:
    """Return the entries of all texts as one ``.bib`` file, each entry once.

    Raises
    ------
    ValueError
        As `entries`.
    """
    found: dict[str, Entry] = {}
    for text in texts:
        for key, entry in entries(text).items():
            if found.setdefault(key, entry) != entry:
                raise ValueError(f"the BibTeX key {key} stands for two entries")
    return "\n\n".join(_written(key, entry) for key, entry in found.items()) + "\n" if found else ""


def _surname(person: Person) -> str:
    return str(Text.from_latex(" ".join([*person.prelast_names, *person.last_names])))


def _written(key: str, entry: Entry) -> str:
    """Write an entry with its values in braces; pybtex itself would escape signs that are escaped already."""
    people = {role: " and ".join(map(str, persons)) for role, persons in entry.persons.items()}
    lines = [f"  {name} = {{{value}}}" for name, value in [*people.items(), *entry.fields.items()]]
    return f"@{entry.original_type}{{{key},\n" + ",\n".join(lines) + "\n}"
