"""The LaTeX of every table of every page, read strictly: what passes needs booktabs and nothing else."""

import base64
import re
from pathlib import Path

import pytest

COMMANDS = {
    *("begin", "end", "centering", "caption", "toprule", "midrule", "bottomrule", "cmidrule", "multicolumn"),
    *("textbf", "underline", "scriptsize", "footnotesize", "par", "smallskip", "geq"),
    *("textbackslash", "textasciitilde", "textasciicircum"),
}
ESCAPED = r"\\[&%$#_{}]"
#: Beyond ASCII: what pdfLaTeX prints from UTF-8 without a package.
PRINTED = set("†äöüßéèáíóñçÄÖÜÉ·×°")


def sources(site: Path) -> list[tuple[str, str]]:
    found = []
    for path in sorted(site.glob("*.html")):
        links = re.findall(r'href="data:text/x-tex;base64,([^"]+)"', path.read_text())
        found += [(path.stem, base64.b64decode(link).decode()) for link in links]
    return found


def faults(text: str) -> list[str]:
    """What LaTeX, or a reader of its output, would stumble over."""
    found = [f"unknown \\{name}" for name in re.findall(r"\\([a-zA-Z]+)", text) if name not in COMMANDS]
    found += [f"character {c!r}" for c in text if ord(c) > 126 and c not in PRINTED]
    bare = re.sub(ESCAPED, "", text)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            found.append("a brace is closed that was not open")
            break
    if depth > 0:
        found.append("a brace stays open")
    begun = re.findall(r"\\(begin|end)\{(\w+)\}", bare)
    if begun != [("begin", "table"), ("begin", "tabular"), ("end", "tabular"), ("end", "table")]:
        found.append(f"environments {begun}")
    if any(line.count("$") % 2 for line in bare.splitlines()):
        found.append("an odd number of $ in a line")
    if set("#%~^_") & set(bare):
        found.append("a special character stands bare")
    spec = re.search(r"\\begin\{tabular\}\{([lr]+)\}", bare)
    columns = len(spec[1]) if spec else 0
    for line in [line for line in bare.splitlines() if line.endswith(r"\\")]:
        wide = sum(int(span) - 1 for span in re.findall(r"\\multicolumn\{(\d+)\}", line))
        if line.count("&") + 1 + wide != columns:
            found.append(f"{line.count('&') + 1 + wide} of {columns} columns: {line[:60]}")
    for first, last in re.findall(r"\\cmidrule\(lr\)\{(\d+)-(\d+)\}", bare):
        if not 1 <= int(first) <= int(last) <= columns:
            found.append(f"a rule from {first} to {last} of {columns} columns")
    return found


def test_the_latex_of_every_table_is_sound(site: Path) -> None:
    found = sources(site)
    assert len(found) > 25
    for page, text in found:
        assert faults(text) == [], page


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (("toprule", "topline"), "unknown"),
        ((r"\end{tabular}", ""), "environments"),
        ((" & ", " "), "columns"),
        ((r"\caption{", r"\caption{{"), "stays open"),
        ((r"\centering", "50 %"), "bare"),
        (("Bold", "∂"), "character"),
    ],
)
def test_damage_is_noticed(site: Path, damage: tuple[str, str], fault: str) -> None:
    text = dict(reversed(sources(site)))["zero_shot"]
    assert damage[0] in text
    assert any(fault in found for found in faults(text.replace(*damage, 1)))
