"""Blocks of a page as HTML: tables, figures, galleries, cards, notes on what is missing."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from PIL import Image

from benchmark.figures import Drawing
from benchmark.reporting.html import Html, render
from benchmark.reporting.latex import latex
from benchmark.reporting.source import Source
from benchmark.tables import Table

SIDE = 288  # longest side of a picture on a page, pixels
#: In the place of a picture where the settings have none.
LEFT_OUT = (b"", "left out (report.pictures: none)")


def table(
    made: Table, source: Source, proxy: str = "", cite: str = "", beside: Sequence[Source] = ()
) -> Html:
    """Show a table; the files behind it, its LaTeX and what to cite (BibTeX) hang on buttons.

    ``beside`` are the files that further columns, marks and ranks are from.
    """
    spans = [(group, len(list(members))) for group, members in groupby(made.columns, key=lambda c: c.group)]
    return render(
        "table.html",
        table=made,
        spans=spans if any(group for group, _ in spans) else [],
        sources=[source, *beside],
        stem=Path(source.name).stem,
        csv=[(Path(one.name).stem, one.content or b"") for one in (source, *beside)],
        latex=latex(made, proxy).encode(),
        cite=cite.encode(),
        proxy=proxy,
        stacked=len(made.columns) + _intervals(made) > 9 or _lines(made) > 1,
        filter=len(made.rows) > 8 or any(column.facet for column in made.columns),
    )


def _intervals(made: Table) -> int:
    """Return how many columns hold intervals, which make a cell twice as wide."""
    return sum(any(row[place].small for row in made.rows) for place in range(len(made.columns)))


def _lines(made: Table) -> int:
    """Return the lines of the smaller text of a cell, at most."""
    return max((cell.small.count("\n") + 1 for row in made.rows for cell in row), default=1)


def figure(
    drawing: Drawing, encoded: Mapping[str, bytes], sources: Sequence[Source], proxy: str = ""
) -> Html:
    """Show a figure, its PNG in the page and its SVG and PDF on buttons."""
    with Image.open(io.BytesIO(encoded["png"])) as picture:
        size = picture.size
    stem = Path(sources[0].name).stem
    return render(
        "figure.html", drawing=drawing, sources=sources, proxy=proxy, size=size, stem=stem, **encoded
    )


def sheet(png: bytes, caption: str, alt: str, source: Source) -> Html:
    """Show a picture that a stage has left, pixel for pixel."""
    with Image.open(io.BytesIO(png)) as opened:
        size = opened.size
    return render("sheet.html", png=png, caption=caption, alt=alt, source=source, size=size)


def empty(name: str) -> Html:
    """Say that a file is there and holds nothing."""
    return render("empty.html", name=name)


def missing(name: str, command: str) -> Html:
    """Say that a file is missing and what makes it."""
    return render("missing.html", name=name, command=command)


def picture(path: Path, short_side: int = 0) -> tuple[bytes, str]:
    """Return a picture reduced to ``SIDE`` without sharpening, as JPEG; or no bytes and the reason."""
    from benchmark.images import ImageError, read  # a page without pictures need not wait for torch
    from benchmark.pictures.thumbnails import encoded, reduced

    try:
        return encoded(reduced(read(path, short_side), SIDE), quality=92), ""
    except ImageError as error:
        return b"", "the file is missing" if not path.exists() else str(error).replace(str(path), path.name)


def gallery(
    caption: str,
    groups: Mapping[str, Sequence[tuple[Path, str]]],
    source: Source,
    proxy: str = "",
    terms: Sequence[str] = (),
    pictures: bool = True,
) -> Html:
    """Show pictures in groups, each with its caption; or their names alone, where there are to be none.

    ``terms`` say why they are not to be published.
    """
    shown = {
        heading: [(*(picture(path) if pictures else LEFT_OUT), path.name, text) for path, text in tiles]
        for heading, tiles in groups.items()
    }
    said = [words for words in terms if words and pictures]
    return render(
        "gallery.html", caption=caption, groups=shown, source=source, proxy=proxy, side=SIDE, terms=said
    )


def terms(said: Sequence[str]) -> list[Html]:
    """Say of pictures, above or below them, why they are not to be published."""
    return [render("terms.html", words=words) for words in said]


def cards(entries: Mapping[str, Mapping[str, str]]) -> Html:
    """Show cards: a title each, and terms with what they mean."""
    return render("cards.html", entries=entries)


def download(name: str, content: str, kind: str, label: str) -> Html:
    """Return a button that saves ``content`` as the file ``name``."""
    return render("download.html", name=name, content=content.encode(), kind=kind, label=label)


def facts(terms: Mapping[str, str]) -> Html:
    """Show a list of terms with their values."""
    return render("facts.html", terms=terms)
