"""Where a release begins, and how it is brought here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmark.datasets._files import find_root
from benchmark.datasets.catalogue import Entry


def locate(entry: Entry, folder: Path) -> tuple[dict[str, Any], Path]:
    """Return the layout that a release has and the folder where it begins; a ValueError if it has none."""
    for layout in entry.layout:
        if "file" in layout and folder.is_dir():
            return dict(layout), folder
        single = entry.model_copy(update={"layout": (layout,)})
        root = find_root(folder, wanted_files(single)) if folder.is_dir() else None
        if root is not None:
            return dict(layout), root
    raise ValueError(
        f"{folder}: holds no {entry.title} (looked for {', '.join(wanted_files(entry))}); {how_to_get(entry)}"
    )


def wanted_files(entry: Entry) -> list[str]:
    """Files by which a release is recognised, one per known layout."""
    files: list[str] = []
    for layout in entry.layout:
        if "file" in layout:
            files.append(layout["file"])
        elif layout["reader"] == "listing":
            files += [pattern.rsplit("/", 1)[0] for pattern in layout["where"][:1]]
        else:
            names = layout["scores"]
            files += [names] if isinstance(names, str) else names
    return files


def how_to_get(entry: Entry) -> str:
    """One sentence on how the data set is brought here."""
    if entry.own:
        return f"correct its record, experiments/datasets/{entry.name}.yaml"
    if entry.sources:
        terms = " --accept-terms" if entry.asks else ""
        return f"run `iqa download {entry.name}{terms}`, or see `iqa datasets {entry.name}`"
    return f"{entry.steps} Unpack into downloads/{entry.name} ({entry.page})"
