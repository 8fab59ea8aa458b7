"""Releases of the packages that score in a method's place: another one may score otherwise."""

from __future__ import annotations

import ast
from importlib import metadata
from pathlib import Path

#: What the module of such a method says: the names of the packages, as they are installed.
SCORED_BY = "SCORED_BY"


def releases(code: Path) -> list[str]:
    """Name and installed release of every package that scores for a method; its module is not imported.

    Parameters
    ----------
    code
        The method's file, or its folder.
    """
    source = code / "__init__.py" if code.is_dir() else code
    if not source.is_file():
        return []
    return [f"{name} {_installed(name)}" for name in _named(source.read_text(encoding="utf-8"))]


def _named(source: str) -> list[str]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [SCORED_BY]:
            return list(ast.literal_eval(node.value))
    return []


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
