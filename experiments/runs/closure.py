"""The code that a number rests on: a module, and all of the suite that it imports, however far.

Imports are read from the source, those inside functions too. What a module imports by a name that is only
known when it runs (a method, a maker of a data set) is not a part of it; whoever asks names that one as well.
"""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Any

import grimp
from grimp.exceptions import SourceSyntaxError

ROOMS = ("benchmark", "methods", "experiments")
TOP = Path(__file__).parents[2]

#: Imports that no number follows.
APART = {
    # It says where the pictures lie; which they are, their digests say.
    ("benchmark.datasets.prepared.linked", "benchmark.datasets.catalogue"),
    # It puts into words that a picture is missing.
    ("benchmark.datasets.prepared.linked", "benchmark.datasets._spelling"),
}
#: Modules that no number follows.
ASIDE = {
    "benchmark": "re-exports",
    "benchmark.datasets": "re-exports",
    "benchmark.files": "writes, locks and places files; what is in them is others' work",
    "benchmark.arrays": "names of types",
    "benchmark.naming": "which names serve, and words about those that do not",
    "benchmark.files.digests": "of benchmark.files",
    "benchmark.files.writing": "of benchmark.files",
    "benchmark.files.room": "of benchmark.files",
    "benchmark.files.names": "of benchmark.files",
    "benchmark.files.locks": "of benchmark.files",
    "benchmark.files.web": "asks servers; what is fetched is known by its digest",
    "experiments.stages": "how often a process looks for garbage",
    "experiments.process": "how a process begins and ends",
    "experiments.warm": "which process does the work",
    "experiments.settings": "checks params.yaml; every value reaches a stage through its params",
    "experiments.settings.foreseen": "of experiments.settings",
    "experiments.settings.names": "of experiments.settings",
    "experiments.settings.reading": "of experiments.settings",
    "experiments.settings.sections": "of experiments.settings",
    "experiments.runs.closure": "finds code",
}


def closure(*modules: str) -> list[Path]:
    """Python files of modules and of all that they import from the suite, sorted.

    Parameters
    ----------
    *modules
        Names such as ``"experiments.stages.score"`` or ``"methods.qualiclip"``; all of a package belongs to
        it.

    Raises
    ------
    ValueError
        If a file of the suite is no Python.
    """
    graph = _graph()
    seen: set[str] = set()
    waiting = [inner for name in modules for inner in (name, *graph.find_descendants(name))]
    while waiting:
        name = waiting.pop()
        if name in seen or name in ASIDE or describes(name):
            continue
        seen.add(name)
        imported = graph.find_modules_directly_imported_by(name)
        waiting += [other for other in imported if (name, other) not in APART]
        waiting += [name.rpartition(".")[0]] if "." in name else []
    return sorted(map(_file_of, seen))


@functools.cache
def describes(module: str) -> bool:
    """Whether a module holds a doc string and nothing else, as rooms do that only say what they are."""
    return all(isinstance(node, ast.Expr) for node in ast.parse(_file_of(module).read_text()).body)


@functools.cache
def _graph() -> Any:
    try:
        return grimp.build_graph(*ROOMS, exclude_type_checking_imports=True, cache_dir=None)
    except SourceSyntaxError as error:
        raise ValueError(f"{error.filename}: is not Python (line {error.lineno}: {error.text})") from error


def _file_of(module: str) -> Path:
    path = Path(*module.split("."))
    file = TOP / path.with_suffix(".py")
    return file if file.is_file() else TOP / path / "__init__.py"
