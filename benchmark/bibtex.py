"""BibTeX entries: told apart by key, taken apart into fields, said in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable

_HEAD = re.compile(r"@(\w+)\s*\{\s*([^\s,{}]+)\s*,")
_FIELD = re.compile(r"(\w+)\s*=\s*(?=\{)")
#: What every entry must name, so that it can be cited.
NEEDED = ("title", "author", "year")


def entries(text: str) -> dict[str, str]:
    """Return each entry of ``text`` by its key, in order.

    Raises
    ------
    ValueError
        If the text holds anything but entries ``@type{key, field = {value}, ...}``, an entry lacks a title,
        an author or a year, or a key stands for two entries.
    """
    found: dict[str, str] = {}
    at = 0
    while rest := text[at:].lstrip():
        at = len(text) - len(rest)
        head = _HEAD.match(rest)
        if head is None:
            raise ValueError(f"no BibTeX entry: {rest[:60]!r}; it starts with @type{{key,")
        end = at + _closed(rest)
        key, entry = head[2], text[at:end]
        if lacking := [name for name in NEEDED if name not in fields(entry)]:
            raise ValueError(f"BibTeX entry {key} lacks {', '.join(lacking)} (values stand in braces)")
        if found.get(key, entry) != entry:
            raise ValueError(f"the BibTeX key {key} stands for two entries")
        found[key] = entry
        at = end
    return found


def fields(entry: str) -> dict[str, str]:
    """Return the fields of an entry by their names in small letters, values without the outer braces."""
    found, at = {}, entry.index(",")
    while match := _FIELD.search(entry, at):
        at = match.end() + _closed(entry[match.end() :])
        found[match[1].lower()] = " ".join(entry[match.end() + 1 : at - 1].split())
    return found


def _closed(text: str) -> int:
    """Return the length of ``text`` up to where its first brace is closed."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if character == "}" and depth == 0:
            return place + 1
    raise ValueError(f"a brace is not closed in BibTeX: {text[:60]!r}")


def said(entry: str) -> str:
    """Return an entry as a citation of one line: surnames, title, where, year."""
    known = {name: value.replace("{", "").replace("}", "") for name, value in fields(entry).items()}
    names = [person.split(",")[0].strip() for person in known["author"].split(" and ")]
    where = known.get("journal") or known.get("booktitle") or known.get("howpublished") or ""
    if not where and "eprint" in known:
        where = f"arXiv {known['eprint']}"
    number = f"({known['number']})" if "number" in known else ""
    volume = f" {known['volume']}{number}" if "volume" in known else ""
    parts = [f"{where}{volume}"] if where else []
    return f"{', '.join(names)}: {known['title']}. {', '.join([*parts, known['year']])}"


def library(texts: Iterable[str]) -> str:
    """Return the entries of all texts as one ``.bib`` file, each entry once."""
    found: dict[str, str] = {}
    for text in texts:
        found |= entries(text)
    return "\n\n".join(found.values()) + "\n" if found else ""
