"""Which tests execute a line, and how long each takes: the fast suite run once under coverage.

``python -m tests.covered`` surveys the whole fast suite into ``.mutants/``; with test files behind it, those
again. The run loads this module as a plugin of pytest, which writes the times down.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import CoverageData

from tests.conftest import TOGETHER

FOLDER = Path(".mutants")
LINES, TIMES = FOLDER / "coverage", FOLDER / "times.jsonl"
#: What `make test` runs.
FAST = "not slow and not page"
PACKAGES = ("benchmark", "methods", "experiments")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write down how long a test, or what it stands on, took; of several processes the first hears of all."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with TIMES.open("a") as book:
            book.write(json.dumps([report.nodeid, report.when, report.duration]) + "\n")


def survey(paths: list[str]) -> int:
    """Run the fast suite, or some files of it, and note which test executes which line."""
    FOLDER.mkdir(exist_ok=True)
    known = TIMES.read_text().splitlines(keepends=True) if paths and TIMES.exists() else []
    TIMES.write_text("".join(line for line in known if not json.loads(line)[0].startswith(tuple(paths))))
    if not paths:
        LINES.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-m", FAST, "-p", "tests.covered"]
    command += ["-n", "auto", "--maxprocesses", "4", "--cov-context=test", "--cov-report=", "--cov-append"]
    command += [f"--cov={name}" for name in PACKAGES]
    environment = {**os.environ, "COVERAGE_FILE": str(LINES.resolve())}
    return subprocess.run([*command, *paths], env=environment).returncode


def neighbourhood(test: str) -> str:
    """Return the file of a test, or the folder whose tests share one run."""
    file = test.split("::")[0]
    return next((folder for folder in TOGETHER if file.startswith(f"{folder}/")), file)


class Survey:
    """What `survey` found."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.near: dict[str, list[str]] = defaultdict(list)
        self.shared: dict[str, float] = defaultdict(float)  # the longest that fixtures of these took
        for test, when, took in map(json.loads, TIMES.read_text().splitlines()):
            if when == "call":
                self.seconds[test] = took
                self.near[neighbourhood(test)].append(test)
            elif when == "setup":
                self.shared[neighbourhood(test)] = max(self.shared[neighbourhood(test)], took)
        data = CoverageData(str(LINES))
        data.read()
        self.data = CoverageData(no_disk=True)  # a forked process would begin the file anew
        self.data.update(data)
        data.close()

    def executing(self, file: str, lines: range | None) -> dict[str, bool]:
        """Tests that execute a line of these, or any of the file, and whether they do so themselves.

        What a fixture executes before a test, others may stand on: all tests of that file count.
        """
        found: dict[str, bool] = {}
        for line, contexts in self.data.contexts_by_lineno(str(Path(file).resolve())).items():
            if lines is None or line in lines:
                for test, _, phase in (context.rpartition("|") for context in contexts if context):
                    found[test] = True
                    if phase != "run":
                        found = dict.fromkeys(self.near[neighbourhood(test)], False) | found
        return {test: own for test, own in found.items() if test in self.seconds}


def statement(source: str, line: int) -> range | None:
    """Return the lines of the innermost statement inside a function that a line is part of.

    None where the line runs when the module is imported: constants, defaults, decorators.
    """
    found = None
    for node in _inside_functions(ast.parse(source)):
        body = getattr(node, "body", None)
        last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno
        if node.lineno <= line <= last:
            found = range(node.lineno, last + 1)
    return found


def _inside_functions(tree: ast.AST) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for inner in (inner for part in node.body for inner in ast.walk(part)):
                if isinstance(inner, ast.stmt):
                    yield inner


if __name__ == "__main__":
    sys.exit(survey(sys.argv[1:]))
