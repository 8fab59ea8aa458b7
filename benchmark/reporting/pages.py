"""An executed notebook becomes a page that needs nothing outside itself."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mistune

from benchmark.reporting.html import TEMPLATES, Html, render

_HEADING = re.compile(r"<h2>(.*?)</h2>")
_FILE = re.compile(r'<a class="button" download="([^"]*)" href="(data:[^"]*)">([^<]*)</a>')


@dataclass(frozen=True)
class MenuEntry:
    """One page in the menu: file name without ending, title, and its first paragraph as HTML."""

    name: str
    title: str
    summary: Html


def menu_entry(name: str, notebook: Any) -> MenuEntry:
    """Read title and summary from the first cell of a notebook.

    Raises
    ------
    ValueError
        If the notebook does not start with a title and a paragraph.
    """
    first = notebook.cells[0] if notebook.cells else None
    match = re.match(r"# (.+?)\n+(.+?)(\n\n|$)", first.source, re.S) if first is not None else None
    if first is None or first.cell_type != "markdown" or match is None:
        raise ValueError(
            f"notebooks/{name}.ipynb: the first cell must be markdown, `# Title` and a paragraph"
        )
    return MenuEntry(name, match[1].strip(), Html(mistune.html(match[2])))


def page(notebook: Any, entry: MenuEntry, menu: Sequence[MenuEntry], site: str, note: str = "") -> str:
    """Render an executed notebook as one HTML page: prose and results, no code.

    Parameters
    ----------
    notebook
        Executed notebook (a node of nbformat).
    entry
        This page's entry in ``menu``.
    menu
        All pages, in the order of the menu.
    site
        What the menu is headed by.
    note
        What every page must say first, if anything.

    Returns
    -------
    str
        HTML that asks no host for anything and is the same whenever the notebook's results are.
    """
    return framed("\n".join(_cell(cell) for cell in notebook.cells), entry, menu, site, note)


def framed(body: str, entry: MenuEntry, menu: Sequence[MenuEntry], site: str, note: str = "") -> str:
    """Set HTML between the menu and the page's end; see `page`."""
    body, sections = _anchored(_once(body))
    style, script = ((TEMPLATES / name).read_text() for name in ("page.css", "page.js"))
    return render(
        "page.html", body=Html(body), entry=entry, menu=menu, sections=sections, site=site,
        note=note, style=Html(style), script=Html(script), missing=body.count('class="missing"'),
        unpublished='class="proxy terms"' in body,
    )  # fmt: skip


def _cell(cell: Any) -> str:
    if cell.cell_type == "markdown":
        return str(mistune.html(cell.source))
    return "\n".join(_output(output) for output in cell.get("outputs", ()))


def _output(output: Any) -> str:
    """Return what a cell's output shows; warnings hold paths and addresses, so they go to the terminal."""
    if output.output_type == "stream":
        if output.name == "stderr":
            sys.stderr.write(output.text)
            return ""
        return str(render("text.html", text=output.text))
    data = output.get("data", {})
    if "text/html" in data:
        return str(data["text/html"])
    return str(render("text.html", text=data["text/plain"])) if "text/plain" in data else ""


def _once(body: str) -> str:
    """Keep the first copy of every file that a page offers; later buttons hand out that one (``page.js``)."""
    places: dict[str, str] = {}

    def link(match: re.Match[str]) -> str:
        content, label = match[2], match[3]
        if content in places:
            return f'<button type="button" class="again" data-of="{places[content]}" hidden>{label}</button>'
        places[content] = f"file-{len(places) + 1}"
        return match[0].replace("<a ", f'<a id="{places[content]}" ', 1)

    return _FILE.sub(link, body)


def _anchored(body: str) -> tuple[str, list[tuple[str, str]]]:
    """Give every section heading an anchor; return the body and (anchor, heading) of each."""
    sections: list[tuple[str, str]] = []

    def anchor(match: re.Match[str]) -> str:
        text = re.sub(r"<.*?>", "", match[1])
        name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
        sections.append((name, text))
        return f'<h2 id="{name}">{match[1]}</h2>'

    return _HEADING.sub(anchor, body), sections
