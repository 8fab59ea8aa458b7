"""A data set's record as Croissant, the JSON-LD by which catalogues of data sets describe themselves.

M. Akhtar et al., "Croissant: a metadata format for ML-ready datasets", DEEM 2024; version 1.0 of the format,
https://docs.mlcommons.org/croissant/docs/croissant-spec.html.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from typing import Any

from benchmark.datasets.catalogue import Entry, File
from benchmark.provenance import bibtex

_TERMS = (
    *("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet"),
    *("format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet"),
    *("references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField"),
    "transform",
)
#: The context that version 1.0 prescribes.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "sc": "https://schema.org/",
    **{term: f"cr:{term}" for term in _TERMS},
}


def croissant(entry: Entry) -> dict[str, Any]:
    """Describe a data set as its record states it.

    The files are those of the first source. The format asks for a digest of each file or the mark of a data
    set that may change: where no digest is published, it is marked so, for nobody can tell. The table of
    opinions is described where it is a CSV file of its own, with the columns as they are released; what
    preparing makes of them (scaling, direction) is not.

    Returns
    -------
    dict
        JSON-LD of ``sc:Dataset``.
    """
    cited = list(bibtex.entries(entry.bibtex).values())
    files = entry.sources[0].files if entry.sources else ()
    made: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": entry.name,
        "alternateName": entry.title,
        "description": " ".join(_described(entry)),
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": entry.licence,
        "url": entry.page,
        "citeAs": entry.bibtex.strip(),
        "distribution": [_file(file) for file in files],
    }
    if cited:
        made["datePublished"] = cited[0].fields["year"]
    if any(file.sha256 is None for file in files):
        made["isLiveDataset"] = True
    if records := list(_opinions(entry, files)):
        made["recordSet"] = records
    return made


def _described(entry: Entry) -> Iterator[str]:
    yield f"{entry.title}: {entry.short}." if entry.short else f"{entry.title}."
    if entry.counts:
        yield f"{', '.join(f'{count:,} {what}' for what, count in entry.counts.items())}."
    if entry.score:
        better = "higher" if entry.score.higher_is_better else "lower"
        yield f"Opinions: {entry.score.name}; {better} is better."
    if entry.steps:
        yield entry.steps
    yield from entry.faults
    yield from (f"Not verified: {what}." for what in entry.unverified)


def _file(file: File) -> dict[str, Any]:
    kind, packed = mimetypes.guess_type(file.name)
    made: dict[str, Any] = {
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "contentUrl": file.urls[0],
        "encodingFormat": {"gzip": "application/gzip"}.get(packed or "", kind or "application/octet-stream"),
    }
    if file.size is not None:
        made["contentSize"] = f"{file.size} B"
    if file.sha256:
        made["sha256"] = file.sha256
    else:
        made["description"] = "No digest of this file is published."
    return made


def _opinions(entry: Entry, files: tuple[File, ...]) -> Iterator[dict[str, Any]]:
    """Describe tables of opinions that are CSV files of their own."""
    names = [file.name for file in files if file.name.endswith(".csv")]
    for layout in entry.layout:
        table = layout.get("scores")
        if layout["reader"] != "table" or table not in names:  # a list of names is of files in an archive
            continue
        columns = {"opinion": layout["mos"], "deviation": layout.get("mos_std")}
        of_names = re.findall("{([^}:]+)", layout["image"])
        if len(of_names) == 1:
            columns = {"image": of_names[0], **columns}
        yield {
            "@type": "cr:RecordSet",
            "@id": "opinions",
            "name": "opinions",
            "field": [
                _field(name, str(table), column, "sc:Text" if name == "image" else "sc:Float")
                for name, column in columns.items()
                if column
            ],
        }
        return


def _field(name: str, table: str, column: str, kind: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"opinions/{name}",
        "name": name,
        "dataType": kind,
        "source": {"fileObject": {"@id": table}, "extract": {"column": column}},
    }
