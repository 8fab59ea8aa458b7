"""Wrong code on purpose: how many small faults, drawn at random, do the tests notice?

``python -m tests.mutants --count 100`` draws mutants of the packages of `NEAREST`, as many of each, and runs
the tests nearest to each in a copy of the checkout, two copies at a time, until one fails. ``--wide`` runs
the whole fast suite on those that survived, ``--again`` the nearest tests once more, when better tests have
been written. What is done is a line of the journal; a run that was stopped goes on after it. docs/testing.md
says what came of it.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

#: Package -> tests that see it first. A test file that has the module's name goes before them.
NEAREST = {
    "benchmark/statistics": ["tests/statistics", "tests/protocols"],
    "benchmark/protocols": ["tests/protocols", "tests/stages", "tests/statistics"],
    "benchmark/gmad": ["tests/gmad", "tests/stages"],
    "benchmark/attribution": ["tests/test_attribution.py", "tests/stages"],
    "benchmark/robustness": ["tests/robustness", "tests/stages"],
    "benchmark/degradations": ["tests/degradations", "tests/robustness"],
    "methods/qualiclip": [
        *("tests/methods/test_losses.py", "tests/methods/test_readings.py", "tests/methods/test_training.py"),
        *("tests/methods/test_qualiclip_small.py", "tests/stages"),
    ],
    "methods/arniqa": ["tests/methods/test_arniqa.py", "tests/methods/test_arniqa_training.py"],
    "experiments": ["tests/stages", "tests/experiments", "tests/robustness/test_stage.py"],
}
#: Of `experiments`, the stages and what they share; the command line is no part of it.
STAGES = (
    *("ablate", "ablation", "cross_dataset", "evaluate", "cells", "gmad", "gradcam", "prepare", "report"),
    *(
        "results",
        "robustness",
        "score",
        "signing",
        "stage",
        "sweep",
        "train",
        "variants",
        "present",
        "study",
        "studies",
        "subject",
    ),
)
SWAPS: dict[type[ast.AST], str] = {
    **{ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*"},
    **{ast.Pow: "*", ast.MatMult: "*", ast.BitAnd: "|", ast.BitOr: "&", ast.And: "or", ast.Or: "and"},
    **{ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="},
    **{ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in"},
}
#: Functions that give the same for their first two arguments exchanged.
COMMUTES = {"minimum", "maximum", "min", "max", "hypot", "gcd", "logical_and", "logical_or"}


class Mutant(NamedTuple):
    """Characters ``start`` to ``stop`` of a file, and what stands there instead."""

    package: str
    file: str
    source: str
    start: int
    stop: int
    new: str

    @property
    def text(self) -> str:
        return self.source[: self.start] + self.new + self.source[self.stop :]

    @property
    def about(self) -> dict[str, object]:
        name = hashlib.sha256(f"{self.file}\0{self.text}".encode()).hexdigest()[:12]
        line = self.source.count("\n", 0, self.start) + 1
        was = self.source[self.start : self.stop]
        return {"id": name, "file": self.file, "line": line, "was": was, "now": self.new}


def edits(source: str) -> Iterator[tuple[int, int, str]]:
    """Every mutant of a module; messages of errors, annotations and doc strings are left alone."""
    starts = [0]
    for text in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(text.encode()))
    raw = source.encode()

    def place(line: int, column: int) -> int:
        return len(raw[: starts[line - 1] + column].decode())

    def span(node: ast.expr) -> tuple[int, int]:
        return place(node.lineno, node.col_offset), place(node.end_lineno or 0, node.end_col_offset or 0)

    def between(left: ast.expr, right: ast.expr, operator: ast.AST) -> Iterator[tuple[int, int, str]]:
        """Swap the operator between two operands."""
        start, stop = span(left)[1], span(right)[0]
        gap = source[start:stop]
        sign = _SIGNS.get(type(operator))
        if sign and sign in gap:
            at = start + gap.index(sign)
            yield (at, at + len(sign), SWAPS[type(operator)])

    for node in _visited(ast.parse(source)):
        if isinstance(node, ast.BinOp):
            yield from between(node.left, node.right, node.op)
        elif isinstance(node, ast.BoolOp):
            for left, right in zip(node.values, node.values[1:], strict=False):
                yield from between(left, right, node.op)
        elif isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            for left, right, operator in zip(operands, operands[1:], node.ops, strict=False):
                yield from between(left, right, operator)
        elif isinstance(node, ast.UnaryOp):
            start, stop = span(node.operand)
            yield (*span(node), f"({source[start:stop]})")
        elif isinstance(node, ast.Constant) and (new := _constant(node.value)):
            yield (*span(node), new)
        elif isinstance(node, ast.If | ast.IfExp | ast.While):
            start, stop = span(node.test)
            yield (start, stop, f"not ({source[start:stop]})")
        elif isinstance(node, ast.comprehension):
            for start, stop in map(span, node.ifs):
                yield (start, stop, f"not ({source[start:stop]})")
        elif isinstance(node, ast.Return) and node.value and not _none(node.value):
            yield (*span(node.value), "None")
        elif isinstance(node, ast.Call) and _ordered(node):
            (start, mid), (after, stop) = map(span, node.args[:2])
            new = source[after:stop] + source[mid:after] + source[start:mid]
            yield (start, stop, new)


_SIGNS: dict[type[ast.AST], str] = {
    **{ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%"},
    **{ast.Pow: "**", ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.And: "and", ast.Or: "or"},
    **{ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="},
    **{ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in"},
}


def _visited(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs and is no message."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.Raise | ast.JoinedStr | ast.Assert):
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.If) and "__name__" in ast.unparse(child.test):
                continue
            yield child
            yield from _visited(child)


def _constant(value: object) -> str:
    if isinstance(value, bool):
        return str(not value)
    if isinstance(value, int):
        return str(value + 1)
    return repr(value * 2 + 0.1) if isinstance(value, float) else ""


def _none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _ordered(call: ast.Call) -> bool:
    """Whether the order of the first two arguments matters."""
    if len(call.args) < 2 or any(isinstance(node, ast.Starred) for node in call.args[:2]):
        return False
    return ast.unparse(call.func).split(".")[-1] not in COMMUTES


def sources(package: str) -> list[str]:
    if package == "experiments":
        return [f"experiments/{name}.py" for name in STAGES]
    return sorted(str(path) for path in Path(package).rglob("*.py"))


def drawn(packages: list[str], count: int, seed: int) -> list[Mutant]:
    """Draw mutants, from one package after the other; fewer are the first of more."""
    piles = []
    for package in packages:
        texts = {file: Path(file).read_text() for file in sources(package)}
        found = [Mutant(package, file, text, *edit) for file, text in texts.items() for edit in edits(text)]
        random.Random(f"{seed} {package}").shuffle(found)
        piles.append(found)
    return [one for one in chain.from_iterable(zip_longest(*piles)) if one][:count]


def tests_of(mutant: Mutant, wide: bool) -> list[str]:
    """Defaults, the file with the module's name, those near its package, and with ``wide`` all others."""
    path = Path(mutant.file)
    name = path.parent.name if path.name == "__init__.py" else path.stem
    names = (f"test_{path.parent.name}_{name}.py", f"test_{name}.py")
    own = next(filter(None, (sorted(map(str, Path("tests").rglob(name))) for name in names)), [])
    return list(
        dict.fromkeys(
            ["tests/test_defaults.py", *own, *NEAREST[mutant.package], *(["tests"] if wide else [])]
        )
    )


def copied(folder: Path) -> Path:
    """Copy the files that git knows, and those it does not ignore."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines():
        if Path(name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, folder / name)
    return folder


def outcome(tree: Path, tests: list[str], timeout: int) -> str:
    """Run tests in a copy: "survived", or what failed first."""
    # No bytecode: a mutant may have the size and the second of the file that it stands for.
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    environment = {**kept, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    # One process, whatever PYTEST_ADDOPTS says: of several, each would go on to its own first failure.
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
    command += ["-p", "no:xdist", *tests]
    how: dict[str, Any] = {"cwd": tree, "env": environment, "capture_output": True, "text": True}
    try:
        ran = subprocess.run(command, **how, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return "timeout"
    if ran.returncode == 0:
        return "survived"
    said = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if ran.returncode not in (1, 2) and not said:
        return f"pytest ended with {ran.returncode}"  # the process itself died, or could not start
    return said[0].split(" - ")[0] if said else "error"


class Trees:
    """Copies of the checkout; a mutant is judged in one that is free."""

    def __init__(self, folder: Path, count: int, wide: bool, timeout: int) -> None:
        self.free: queue.Queue[Path] = queue.Queue()
        self.wide, self.timeout = wide, timeout
        for number in range(count):
            self.free.put(copied(folder / str(number)))

    def judge(self, mutant: Mutant) -> dict[str, object]:
        tree = self.free.get()
        path = tree / mutant.file
        try:
            path.write_text(mutant.text)
            found = outcome(tree, tests_of(mutant, self.wide), self.timeout)
            return {**mutant.about, "outcome": found, "wide": self.wide}
        finally:
            path.write_text(mutant.source)
            self.free.put(tree)


def check(todo: list[Mutant], trees: Trees) -> None:
    """Nothing but a mutant may make the tests fail: each package is tried as it is first."""
    first = {mutant.package: mutant._replace(start=0, stop=0, new="") for mutant in todo}
    for mutant in first.values():
        if (found := trees.judge(mutant)["outcome"]) != "survived":
            sys.exit(f"{mutant.package}: its tests fail without any mutant: {found}")


def run(todo: list[Mutant], trees: Trees, jobs: int, journal: Path) -> None:
    """Judge mutants, each a line of the journal as it is done."""
    with ThreadPoolExecutor(jobs) as pool, journal.open("a") as book:
        for ended in as_completed(pool.submit(trees.judge, mutant) for mutant in todo):
            about = ended.result()
            book.write(json.dumps(about) + "\n")
            book.flush()
            print(*about.values(), sep=" | ", flush=True)


def read(journal: Path) -> dict[str, dict[str, object]]:
    """The last line of each mutant."""
    lines = journal.read_text().splitlines() if journal.exists() else []
    return {line["id"]: line for line in map(json.loads, lines)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--packages", nargs="+", default=list(NEAREST), choices=list(NEAREST))
    parser.add_argument("--wide", action="store_true", help="the whole fast suite, on survivors")
    parser.add_argument("--again", action="store_true", help="the survivors once more")
    parser.add_argument("--unchecked", action="store_true", help="the tests are known to pass as they are")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds a mutant")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--journal", type=Path, default=Path(".mutants.jsonl"))
    given = parser.parse_args()
    chosen, done = drawn(given.packages, given.count, given.seed), read(given.journal)
    open_ones = {"new", "survived"} if given.wide or given.again else {"new"}
    state = [done.get(str(mutant.about["id"]), {"outcome": "new"})["outcome"] for mutant in chosen]
    todo = [mutant for mutant, outcome in zip(chosen, state, strict=True) if outcome in open_ones]
    if todo:
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            trees = Trees(Path(folder), given.jobs, given.wide, given.timeout)
            if not given.unchecked:
                check(todo, trees)
            run(todo, trees, given.jobs, given.journal)
    done = read(given.journal)
    survived = [
        about for about in (done[str(m.about["id"])] for m in chosen) if about["outcome"] == "survived"
    ]
    print(f"{len(chosen) - len(survived)} of {len(chosen)} killed")
    for about in survived:
        print(*about.values(), sep=" | ")


if __name__ == "__main__":
    main()
