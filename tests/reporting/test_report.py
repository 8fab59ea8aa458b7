import base64
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from papermill.exceptions import PapermillExecutionError

from benchmark.reporting.pages import menu_entry
from experiments.pages.kernel import kernel
from experiments.pages.notebooks import NOTEBOOKS, check_parameters, commit, execute, read, report
from tests.reporting.conftest import roots
from tests.reporting.results import EXPLORERS, PAGES

SOURCES = sorted((Path(__file__).parents[2] / NOTEBOOKS).glob("*.ipynb"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_notebooks_are_committed_clean(path: Path) -> None:
    source = json.loads(path.read_text())
    read_back = nbformat.reads(path.read_text(), 4)
    nbformat.validate(read_back)
    code = [cell for cell in source["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    ids = [cell["id"] for cell in source["cells"]]
    assert len(set(ids)) == len(ids)
    lines = [line.strip() for cell in code for line in cell["source"]]
    imported = [line for line in lines if re.match(r"(from|import) ", line)]
    allowed = r"from benchmark import (figures|tables)(, tables)?|from benchmark\.reporting[.\w]* import \w+"
    assert all(re.fullmatch(allowed, line) for line in imported), imported
    assert menu_entry(path.stem, read_back).title


def test_every_notebook_is_a_page() -> None:
    assert [path.stem for path in SOURCES] == sorted(PAGES)


def test_a_misspelt_page_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'zero_shot'"):
        read("zeroshot")


def test_a_notebook_without_title_is_refused() -> None:
    untitled = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("no title")])
    with pytest.raises(ValueError, match=r"notebooks/x\.ipynb.*# Title"):
        menu_entry("x", untitled)


def notebook(source: str) -> nbformat.NotebookNode:
    cells = [
        nbformat.v4.new_markdown_cell("# Title\n\nA paragraph.", id="title"),
        nbformat.v4.new_code_cell('results = "results"', id="parameters", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(source, id="code"),
    ]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=spec)


def test_pages_name_the_commit_and_whether_files_differ_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    def git(*words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
        return subprocess.run(["git", *who, *words], capture_output=True, text=True, check=True).stdout

    assert commit() == ""
    git("init", "-q")
    for name in ("code.py", "dvc.lock", "dvc.yaml"):
        (tmp_path / name).write_text("one")
    git("add", ".")
    git("commit", "-qm", "first")
    head = git("rev-parse", "--short=12", "HEAD").strip()
    assert commit() == head
    (tmp_path / "dvc.lock").write_text("another")  # the run that makes the pages writes it
    (tmp_path / "notes.txt").write_text("of one's own")
    assert commit() == head
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods/mine.py").write_text("one")  # of which the commit knows nothing
    assert commit() == f"{head} with changes"
    (tmp_path / "methods/mine.py").unlink()
    archive = tmp_path / "unpacked"
    archive.mkdir()
    (archive / "dvc.yaml").write_text("one")
    monkeypatch.chdir(archive)  # the commit is that of another project
    assert commit() == ""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.py").write_text("another")
    assert commit() == f"{head} with changes"


def test_an_unknown_parameter_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown parameters resluts; it declares: results"):
        check_parameters("x", notebook("1"), {"resluts": "r"})
    check_parameters("x", notebook("1"), {"results": "r"})


def test_notebooks_in_one_kernel_do_not_see_each_other_and_a_failing_one_stops() -> None:
    with kernel() as started:
        execute(notebook("left = 1"), {}, started)
        second = execute(notebook("results, 'left' in globals()"), {"results": "r"}, started)
        with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
            execute(notebook("1 / 0"), {}, started)
    assert second.cells[-1].outputs[0].data["text/plain"] == "('r', False)"
    assert not started["manager"].has_kernel


def test_two_kernels_make_what_one_makes_and_a_failing_notebook_is_said(
    tree: Path, tmp_path: Path, running: Mapping[str, Any]
) -> None:
    sources, given = tmp_path / "notebooks", roots(tree)
    sources.mkdir()
    names = ["one", "two", "three", "four", "five"]
    for name in names:
        made = notebook(f"left_{name} = 1\n[n for n in dir() if n.startswith('left')]")
        made.cells[1].source = "\n".join(f"{key} = ''" for key in given)
        nbformat.write(made, sources / f"{name}.ipynb")
    folders = {"pages": names, "notebooks": sources}
    report([], given, **folders, reports=tmp_path / "two")  # type: ignore[arg-type]
    report([], given, **folders, reports=tmp_path / "one", running=running)  # type: ignore[arg-type]
    for name in names:
        page = (tmp_path / "two" / f"{name}.html").read_text()
        assert page == (tmp_path / "one" / f"{name}.html").read_text()
        assert f"[&#x27;left_{name}&#x27;]" in page or f"[&#39;left_{name}&#39;]" in page
    made.cells[-1].source = "1 / 0"
    nbformat.write(made, sources / "five.ipynb")
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        report([], given, **folders, reports=tmp_path / "failed")  # type: ignore[arg-type]


def test_two_runs_at_two_places_make_the_same_bytes(
    tree: Path, site: Path, tmp_path: Path, running: Mapping[str, Any]
) -> None:
    elsewhere = shutil.copytree(tree, tmp_path / "another place")
    names = ["gmad", "gradcam", "provenance", "pictures"]
    report(names, roots(elsewhere), pages=PAGES, reports=tmp_path / "reports", running=running)
    made = {path.relative_to(tmp_path / "reports") for path in (tmp_path / "reports").rglob("*.*")}
    pages = {Path(f"{name}.html") for name in [*names, *EXPLORERS]}
    assert made == pages | {path.relative_to(site) for path in site.glob("pictures/*/*")}
    for path in made:
        assert (tmp_path / "reports" / path).read_bytes() == (site / path).read_bytes(), path


@pytest.mark.page
def test_a_run_that_has_made_nothing_yet_still_has_all_pages(
    tree: Path, tmp_path: Path, running: Mapping[str, Any]
) -> None:
    shutil.copy(tree / "params.yaml", tmp_path)
    report([], roots(tmp_path), pages=PAGES, reports=tmp_path / "reports", running=running)
    pages = {path.stem: path.read_text() for path in (tmp_path / "reports").iterdir()}
    assert sorted(pages) == sorted(PAGES)  # and none of a data set, for none is there
    stages = {"zero_shot": "evaluate", "gmad": "gmad", "gradcam": "studies", "robustness": "studies"}
    for name, stage in stages.items():
        assert f"<code>dvc repro {stage}</code>" in pages[name]
    missing = re.search(r'name="missing" content="(\d+)"', pages["index"])
    assert missing is not None
    assert int(missing[1]) >= 20


def test_pages_hold_no_place_of_this_machine_and_stay_small(site: Path, tree: Path) -> None:
    for path in site.glob("*.html"):
        text = path.read_text()
        assert len(text) < 5e6, path.name
        embedded = re.findall(r"data:(?:text|image/svg)[a-z/+-]+;base64,([\w+/=]+)", text)
        for content in [text, *(base64.b64decode(part).decode() for part in embedded)]:
            assert str(tree) not in content
            assert str(Path.home()) + "/" not in content
            assert not re.search(r"0x[0-9a-f]{8,}", content)


def test_the_csv_behind_a_table_is_the_result_file(site: Path, tree: Path) -> None:
    page = (site / "cross_dataset.html").read_text()
    href = re.search(r'download="cross_dataset\.csv" href="data:text/csv;base64,([^"]+)"', page)
    assert href is not None
    assert base64.b64decode(href[1]) == (tree / "results/tables/cross_dataset.csv").read_bytes()
