"""Notebooks executed in two kernels and rendered as pages.

A kernel is emptied before each: starting one and importing seaborn takes longer than most pages.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_core.utils import ensure_event_loop
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines

from benchmark import files, naming
from benchmark.method import Trained
from benchmark.reporting import explorer
from benchmark.reporting.gathered import FOLDER
from benchmark.reporting.gathered import files as small_copies
from benchmark.reporting.pages import MenuEntry, menu_entry, page
from benchmark.reporting.run import Run, ablations
from experiments.pages.kernel import NAME, kernel
from experiments.runs import stage

NOTEBOOKS = Path("notebooks")
CODE = ("benchmark", "experiments", "methods", "notebooks")
PICTURES = "pictures"  # the page that leads to all pictures of each data set
#: Emptying a kernel searches all that it holds for garbage: what is imported by now is left out of the next.
EMPTIED = "%reset -sf\n__import__('gc').freeze()"
SITE = "No-reference image quality, measured"
KERNELS = 2  # side by side, half a gigabyte each


def read(name: str, notebooks: Path = NOTEBOOKS) -> Any:
    """Read the notebook of a page.

    Raises
    ------
    ValueError
        If there is none; the message says which name was probably meant.
    """
    path = notebooks / f"{name}.ipynb"
    if not path.is_file():
        known = sorted(file.stem for file in notebooks.glob("*.ipynb"))
        raise ValueError(f"{path} is missing; {naming.hint(name, known)}")
    return nbformat.read(path, as_version=4)


class OneKernel(Engine):
    """Papermill engine that executes a notebook in a kernel which is running already."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **given: Any) -> None:
        """Execute the notebook that papermill manages; ``given`` holds the kernel's manager and client."""
        notebook = PapermillNotebookClient(nb_man, km=given["manager"], kernel_name=kernel_name)
        notebook.kc = given["client"]
        try:
            notebook.execute()
        finally:
            # nbclient would wait for this kernel once more for each notebook when Python ends.
            atexit.unregister(notebook._cleanup_kernel)


papermill_engines.register("one_kernel", OneKernel)


def check_parameters(name: str, notebook: Any, parameters: Mapping[str, object]) -> None:
    """Check that a notebook declares every parameter: papermill would only warn.

    Raises
    ------
    ValueError
        Naming the parameters that it does not declare, and those it does.
    """
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    declared = [
        line.split("=")[0].strip() for cell in tagged for line in cell.source.splitlines() if "=" in line
    ]
    unknown = [key for key in parameters if key not in declared]
    if unknown:
        known = ", ".join(declared) or "none"
        raise ValueError(
            f"notebooks/{name}.ipynb: unknown parameters {', '.join(unknown)}; it declares: {known}"
        )


def execute(notebook: Any, parameters: Mapping[str, object], running: Mapping[str, Any]) -> Any:
    """Execute a notebook in a running :func:`kernel` from an empty namespace; nothing is saved."""
    emptied = nbformat.from_dict(notebook)
    emptied.cells = [nbformat.v4.new_code_cell(EMPTIED), *emptied.cells]
    options = {"engine_name": "one_kernel", "kernel_name": NAME, "language": "python", "progress_bar": False}
    return papermill.execute_notebook(emptied, None, dict(parameters), **options, **running)


def report(
    names: Sequence[str],
    parameters: Mapping[str, object] | None = None,
    *,
    pages: Sequence[str] | None = None,
    notebooks: Path = NOTEBOOKS,
    reports: Path = stage.REPORTS,
    running: Mapping[str, Any] | None = None,
) -> None:
    """Make the pages ``names`` (all of ``pages`` where none is named) in the folder ``reports``.

    Parameters
    ----------
    names
        Notebooks without ending.
    parameters
        Passed to every notebook: ``results``, ``data``, ``models``, ``params``, ``commit``.
    pages
        The menu; by default ``report.pages`` of the settings.
    notebooks, reports
        Folders read and written.
    running
        A :func:`kernel` to use; by default two are started, and ended with the last page.
    """
    listed = stage.start(torch=False).report.pages if pages is None else pages
    sources = {name: read(name, notebooks) for name in dict.fromkeys([*listed, *names])}
    menu = [menu_entry(name, source) for name, source in sources.items()]
    given = {"commit": commit()} | dict(parameters or {})
    for name, source in sources.items():
        check_parameters(name, source, given)
    run = Run(**{key: str(value) for key, value in given.items()})
    note = ablation_note(given.get("models", stage.MODELS))
    explored = explorers(run) if PICTURES in sources else {}
    place = 1 + [entry.name for entry in menu].index(PICTURES) if explored else 0
    menu[place:place] = [entry for entry, _ in explored.values()]
    asked = [
        entry
        for entry in menu
        if not names or entry.name in names or (entry.name in explored and PICTURES in names)
    ]

    def write(entry: MenuEntry, executed: Any) -> None:
        files.write_text(reports / f"{entry.name}.html", page(executed, entry, menu, SITE, note))

    def work(entries: Sequence[MenuEntry], used: Mapping[str, Any]) -> None:
        for entry in entries:
            write(entry, execute(sources[entry.name], given, used))

    def work_aside(entries: Sequence[MenuEntry]) -> None:
        with contextlib.closing(ensure_event_loop()), kernel() as used:
            work(entries, used)

    own = [entry for entry in asked if entry.name in sources]
    if running:  # only the thread that started it can use it
        work(own, running)
        own = []
    with ThreadPoolExecutor(KERNELS) as pool:
        working = pool.map(work_aside, filter(None, (own[k::KERNELS] for k in range(KERNELS))))
        for entry in asked:
            if entry.name in explored:
                write(entry, explored[entry.name][1]())
        list(working)  # raises what was raised there
    if explored and (not names or PICTURES in names):
        shutil.rmtree(reports / FOLDER, ignore_errors=True)
        for name, content in small_copies(run).items():
            files.write_bytes(reports / name, content)


def explorers(run: Run) -> dict[str, tuple[MenuEntry, Callable[[], Any]]]:
    """Entries in the menu of the pages that hold every picture of a data set, and what makes each."""
    found: dict[str, tuple[MenuEntry, Callable[[], Any]]] = {}
    for dataset in run.scored:
        if dataset in run.records:
            title = explorer.title(run, dataset)
            cells = [nbformat.v4.new_markdown_cell(title)]
            entry = menu_entry(explorer.page_of(dataset), nbformat.v4.new_notebook(cells=cells))
            found[entry.name] = entry, functools.partial(_explorer, run, dataset, title)
    return found


def _explorer(run: Run, dataset: str, title: str) -> Any:
    """Notebook, as if executed, of the page that holds every picture of a data set."""
    shown = {"text/html": explorer.body(run, dataset)}
    output = nbformat.v4.new_output("display_data", shown)
    cells = [nbformat.v4.new_markdown_cell(title), nbformat.v4.new_code_cell(outputs=[output])]
    return nbformat.v4.new_notebook(cells=cells)


def ablation_note(models: Any) -> str:
    """Say of which methods this run shows an ablation; "" where all are as their profile states them."""
    read = {
        path.parent.name: Trained.read(path.parent) for path in sorted(Path(models).glob("*/method.json"))
    }
    said = [f"{name} is its ablation {of}" for name, of in ablations(read).items()]
    return f"In this run {' and '.join(said)}, not the method as its profile states it." if said else ""


def commit() -> str:
    """Return the commit of the checkout, marked where files differ from it; "" outside a checkout.

    A file of code that git does not know, such as a method of one's own, is a difference too. An archive of
    the suite that was unpacked within another repository is no checkout: that one does not hold its files.
    """

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
        return "" if done.returncode else done.stdout.strip()

    try:
        if not git("ls-files", "dvc.yaml") or not (head := git("rev-parse", "HEAD")):
            return ""
    except FileNotFoundError:
        return ""
    # dvc.lock is written by the very run that makes the pages.
    changed = git("diff", "--name-only", "HEAD", "--", ".", ":(exclude)dvc.lock")
    unknown = git("ls-files", "--others", "--exclude-standard", "--", *CODE)
    return head[:12] + (" with changes" if changed or unknown else "")
