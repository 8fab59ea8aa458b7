"""The documents: links lead somewhere, commands are ones that the suite understands, Python runs."""

import ast
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from experiments.cli import app

TOP = Path(__file__).parents[1]
PAGES = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>.+?) -->\n\n?)?"
    r"(?:^```python\n(?P<python>.*?)^```|^```(?:sh)?\n(?P<shell>.*?)^```|(?P<indented>(?:^    [^\n]*\n)+))",
    flags=re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"(\w+=\S+ )*(iqa|make|dvc|python|torchrun|git|uv|ray|\.|find|export) ")
#: Blocks of commands or Python that test_docs_run.py leaves out.
NOT_RUN = 27


def named(pages):
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


def anchors(text):
    """Anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code(text):
    """Lines of indented and of fenced blocks, continued ones joined."""
    fenced = re.findall(r"^```(?!python|yaml|mermaid)\w*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    indented = [line for line in outside.splitlines() if line.startswith("    ")]
    return [line.strip() for line in "\n".join([*fenced, *indented]).replace("\\\n", " ").splitlines()]


def blocks(page):
    """Kind, text and reason of each block that holds commands or Python, in order."""
    for found in BLOCK.finditer(page.read_text()):
        text = found["python"] or found["shell"] or found["indented"]
        lines = [line.removeprefix("    ") for line in text.replace("\\\n", " ").splitlines()]
        if found["python"]:
            yield "python", text, found["reason"]
        elif all(COMMAND.match(line) for line in lines if line.strip()):
            yield "shell", "\n".join(lines), found["reason"]


def commands():
    found = []
    for page in PAGES:
        for line in code(page.read_text()):
            if re.match(r"(\w+=\S+ )*(iqa|make|dvc|python -m|torchrun) ", line):
                found.append(pytest.param(line, id=f"{page.name}: {line}"))
    return found


@named(PAGES)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(file.read_text()), f"{page.name} links to {target}"


def test_every_page_is_reached_from_the_readme():
    seen, todo = set(), [TOP / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        files = (
            (page.parent / target.partition("#")[0]).resolve() for target in LINK.findall(page.read_text())
        )
        todo += [file for file in files if file.suffix == ".md" and file.exists()]
    assert not {page.name for page in PAGES} - {page.name for page in seen}


@pytest.mark.parametrize("line", commands())
def test_commands_are_understood(line):
    words = [word for word in shlex.split(line, comments=True) if not re.match(r"[A-Z_]+=", word)]
    if words[0] == "iqa":
        check_iqa(words[1:])
    elif words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (TOP / "Makefile").read_text(), flags=re.MULTILINE)
        assert words[1] in targets
    elif words[0] == "dvc":
        check_dvc(words[1:])
    else:
        module = words[words.index("-m") + 1]
        assert (TOP / (module.replace(".", "/") + ".py")).is_file() or (
            TOP / module.replace(".", "/")
        ).is_dir()


def check_iqa(words):
    """Parse a command as the command line does, without running it."""
    command, context = get_command(app), None
    while words and hasattr(command, "commands"):
        name, *words = words
        assert name in command.commands, f"there is no command {name!r}"
        command = command.commands[name]
    files = [word for word in words if word != "…"]
    context = command.make_context(command.name, list(files), resilient_parsing="..." in files)
    assert context.command is command


def check_dvc(words):
    from dvc.cli.parser import get_main_parser

    assert get_main_parser().parse_args(words).cmd


@named([page for page in PAGES if "```python" in page.read_text()])
def test_python_is_valid_and_imports_what_exists(page):
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL):
        tree = ast.parse(block)
        imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        exec(compile(ast.Module(imports, []), page.name, "exec"), {})
        assert tree.body


def test_as_many_blocks_are_not_run_as_are_known_and_each_says_why():
    """A block more is one that nobody runs: make it run, or say why not and count it here."""
    skipped = [(page.name, reason) for page in PAGES for _, _, reason in blocks(page) if reason]
    assert [name for name, reason in skipped if len(reason) < 10] == []
    assert len(skipped) == NOT_RUN
