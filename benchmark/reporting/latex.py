"""A table as LaTeX, to be pasted into a paper."""

from __future__ import annotations

from itertools import groupby

from benchmark.tables import Cell, Table


def latex(table: Table, proxy: str = "") -> str:
    r"""Return ``table`` as a LaTeX ``table`` environment for booktabs (``\usepackage{booktabs}``).

    ``proxy`` is the note that no human rated the pictures; it opens the notes.
    """
    columns = table.columns
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{_escape(table.caption)}}}"]
    lines += [rf"\begin{{tabular}}{{{''.join('l' if c.words else 'r' for c in columns)}}}", r"\toprule"]
    if any(c.group for c in columns):
        spans, rules, at = [], [], 1
        for group, members in groupby(columns, key=lambda c: c.group):
            width = len(list(members))
            spans.append(
                rf"\multicolumn{{{width}}}{{c}}{{{_escape(group)}}}" if group else " & " * (width - 1)
            )
            rules += [rf"\cmidrule(lr){{{at}-{at + width - 1}}}"] if group else []
            at += width
        lines += [" & ".join(spans) + r" \\", " ".join(rules)]
    lines += [" & ".join(_escape(c.label) for c in columns) + r" \\", r"\midrule"]
    lines += [" & ".join(map(_latex_cell, row)) + r" \\" for row in table.rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [
        rf"\par\smallskip{{\footnotesize {_escape(note)}\par}}" for note in (proxy, *table.notes) if note
    ]
    return "\n".join([*lines, r"\end{table}", ""])


def _latex_cell(cell: Cell) -> str:
    text = {"best": r"\textbf{%s}", "level": r"\underline{%s}"}.get(cell.mark, "%s") % _escape(cell.text)
    return text + (rf" {{\scriptsize {_escape(cell.small)}}}" if cell.small else "")


_SPECIAL = {c: "\\" + c for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\n": " ",
    "−": "$-$",
    "–": "--",
    "≥": r"$\geq$",
    "<": r"$<$",
    ">": r"$>$",
}


def _escape(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text)
