"""Small faults of a module, and a seeded draw of them: what `tests.mutants` puts into the code."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

#: Of `experiments`, the stages and what they share; the command line is not a part of it.
ROOMS = ("analyses", "runs", "stages")
PACKAGES = (
    *("benchmark/statistics", "benchmark/protocols", "benchmark/gmad", "benchmark/attribution"),
    *("benchmark/robustness", "benchmark/degradations", "methods/qualiclip", "methods/arniqa", "experiments"),
)
SWAPS: dict[type[ast.AST], str] = {
    **{ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*"},
    **{ast.Pow: "*", ast.MatMult: "*", ast.BitAnd: "|", ast.BitOr: "&", ast.And: "or", ast.Or: "and"},
    **{ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="},
    **{ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in"},
}
#: Functions that give the same for their first two arguments exchanged.
COMMUTES = {"minimum", "maximum", "min", "max", "hypot", "gcd", "logical_and", "logical_or"}
#: Keywords that assert, as a statement ``assert`` does, and is left alone too.
ASSERTIONS = {"strict", "frozen"}


class Mutant(NamedTuple):
    """Characters ``start`` to ``stop`` of a file, and what stands there instead."""

    file: str
    source: str
    start: int
    stop: int
    new: str

    @property
    def text(self) -> str:
        return self.source[: self.start] + self.new + self.source[self.stop :]

    @property
    def line(self) -> int:
        return self.source.count("\n", 0, self.start) + 1

    @property
    def name(self) -> str:
        """Digest of the file's name, its line and what is changed there; all else of the file may change."""
        first = self.source.rfind("\n", 0, self.start) + 1
        said = (self.source.splitlines()[self.line - 1].strip(), self.source[first : self.start].strip())
        told = (Path(self.file).name, *said, self.source[self.start : self.stop], self.new)
        return hashlib.sha256("\0".join(told).encode()).hexdigest()[:12]

    @property
    def about(self) -> dict[str, Any]:
        was = self.source[self.start : self.stop]
        return {"id": self.name, "file": self.file, "line": self.line, "was": was, "now": self.new}


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
            if isinstance(child, ast.keyword) and child.arg in ASSERTIONS:
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
    rooms = [f"{package}/{room}" for room in ROOMS] if package == "experiments" else [package]
    return sorted(str(path) for room in rooms for path in Path(room).rglob("*.py"))


def drawn(packages: Sequence[str], count: int, seed: int) -> list[Mutant]:
    """Draw mutants, from one package after the other; fewer are the first of more.

    The order is that of digests of seed and fault, so that a change of the code leaves most of it as it is.
    """

    def place(mutant: Mutant) -> str:
        return hashlib.sha256(f"{seed} {mutant.name}".encode()).hexdigest()

    piles = []
    for package in packages:
        texts = {file: Path(file).read_text() for file in sources(package)}
        found = [Mutant(file, text, *edit) for file, text in texts.items() for edit in edits(text)]
        piles.append(sorted({mutant.name: mutant for mutant in found}.values(), key=place))
    return [one for one in chain.from_iterable(zip_longest(*piles)) if one][:count]
