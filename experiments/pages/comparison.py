"""Another run to compare with: a folder, a revision whose results DVC still holds, or records of results."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from benchmark import exchange, files
from benchmark.exchange.record import Value
from benchmark.method import TRAINED, Trained
from benchmark.reporting.compared import compared, tables
from benchmark.reporting.pages import menu_entry, page
from benchmark.reporting.run import Run
from benchmark.tables import read_results
from experiments.pages.notebooks import SITE, commit, read
from experiments.runs import results, signatures, stage, unchanged
from experiments.settings import load

PAGE = "comparison"
REFERENCE = Path("records/reference")
#: What records state, where their figures are put.
STATED = "stated.json"
TITLE = (
    "# Comparison\n\nThis run beside another: the settings that differ, and the figures that moved beyond "
    "their intervals."
)


def fetch(where: str, into: Path) -> Path:
    """Return a folder that holds ``results/tables`` and ``params.yaml`` of another run.

    Parameters
    ----------
    where
        A folder laid out as a checkout; what DVC takes as a revision: a commit, branch, tag or experiment; a
        folder of records, or ``reference``, those of this repository.
    into
        Empty folder, where the files of a revision are put.

    Raises
    ------
    ValueError
        If there is none, or the files of the revision are not in DVC's cache.
    """
    folder = REFERENCE if where == "reference" else Path(where)
    if (folder / "results" / "tables").is_dir():
        return folder
    if folder.is_dir():
        return _from_records(where, folder, into)
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.scm import SCM, resolve_rev
    from scmrepo.exceptions import SCMError

    with ExitStack() as opened:
        try:
            commit = resolve_rev(opened.enter_context(closing(SCM("."))), where)
            revision = opened.enter_context(closing(DVCFileSystem(rev=commit)))
            names = [name for name in ("params.yaml", *tables()) if revision.isfile(name)]
        except (DvcException, SCMError) as error:
            raise ValueError(f"--compare {where}: neither a folder nor a revision ({error})") from error
        return _bring(where, commit, revision, names, into)


def _from_records(where: str, folder: Path, into: Path) -> Path:
    """Put the figures of records into the table that the stage ``evaluate`` writes; return its folder.

    Of methods that are the same here: of that name, with these settings. Code and weights may differ; what
    that does to figures is the question. Of data sets with the opinions, references and splits that are
    prepared here: figures of another release do not compare, and are said to be left out, as are those of
    records that fail their checks and those after another curve.
    """
    records = list(exchange.records(folder))
    if not records:
        raise ValueError(
            f"--compare {where}: the folder has no results/tables, run `dvc repro` in it; nor any record"
        )
    same = [(path, record) for path, record in records if _same_method(record)]
    if not same:
        told = ", ".join(sorted({record.method.name for _, record in records}))
        raise ValueError(f"--compare {where}: records are of {told}; none has these settings here")
    kept = [record for path, record in same if not _left_out(where, path, record)]
    if not kept:
        raise ValueError(f"--compare {where}: no record that holds is of a data set as it is prepared here")
    cells = [(record.method.name, record.dataset.name) for record in kept]
    for method, dataset in cells:
        if (count := cells.count((method, dataset))) > 1:
            raise ValueError(
                f"--compare {where}: {count} records are of {method} on {dataset}; name a folder that holds "
                "one of each method on each data set"
            )
        _check_table(method, dataset)
    mapping = load().evaluate.mapping
    rows = [
        {"method": record.method.name, "dataset": record.dataset.name, **value.model_dump()}
        for record in kept
        for value in _comparable(where, record, mapping)
    ]
    files.write_json(_stated(kept), into / STATED)
    # As the stage writes it: with other digits no two figures would be the same.
    files.write_csv(pd.DataFrame(rows), into / "results/tables/zero_shot.csv")
    return into


def _stated(kept: Sequence[exchange.Record]) -> dict[str, dict[str, Any]]:
    """Return what records state of how their figures came to be, ``there``, and the same of this run."""
    settings = load()
    sides: dict[str, dict[str, Any]] = {"there": {}, "here": {}}
    for record in kept:
        name, dataset = record.method.name, record.dataset.name
        cell = f"{name} on {dataset}"
        told = record.model_dump()
        sides["there"][cell] = exchange.stated(told["method"], told["protocol"], told["packages"])
        ours = asdict(Trained.read(stage.MODELS / name))
        sides["here"][cell] = exchange.stated(ours, settings.resampling(dataset), exchange.versions())
    return sides


def _same_method(record: exchange.Record) -> bool:
    """Whether the method of a record is one that this run has, trained and loaded with the same settings."""
    there, folder = record.method, stage.MODELS / record.method.name
    if not (folder / TRAINED).is_file():
        return False
    here = Trained.read(folder)
    return (here.method, here.train, here.load) == (there.module, there.train, there.load)


def _left_out(where: str, path: Path, record: exchange.Record) -> bool:
    """Whether a record is of other opinions than those prepared here or fails, which is said.

    Pictures may differ: perhaps they were encoded anew.
    """
    name = record.dataset.name
    data = unchanged.dataset(name) if results.is_prepared(name) else None
    faults = exchange.differs(record, data) if data is not None else []
    if not faults:
        checks = exchange.check(record, exchange.beside(path), data)
        failed = [one for one in checks if one.outcome == "fails" and one.what != "pictures"]
        faults = [f"{one.what}: {one.why}" for one in failed]
    if faults:
        _say(f"--compare {where}: left out: {record.method.name} on {name}: {'; '.join(faults)}")
    return bool(faults)


def _check_table(method: str, dataset: str) -> None:
    """Refuse figures of this run that are of another state than the method and data set are in.

    Raises
    ------
    ValueError
        If the signature of a row is not that of the method and data set as they are now.
    """
    path = stage.TABLES / "zero_shot.csv"
    if not path.is_file() or not results.is_prepared(dataset):
        return
    table = read_results(path)
    rows = table[table["method"].eq(method) & table["dataset"].eq(dataset)]
    now = signatures.signed(rows, {method: Trained.read(stage.MODELS / method)})
    if not rows["signature"].equals(now["signature"]):
        raise ValueError(
            f"{path}: its figures of {method} on {dataset} are of another version of the method, or of other "
            f"pictures or opinions, than {stage.MODELS / method} and {stage.DATA / dataset} hold now; run "
            "`dvc repro evaluate`"
        )


def _comparable(where: str, record: exchange.Record, mapping: str) -> Sequence[Value]:
    """Return the figures of a record but those after another curve than this run fits, which is said."""
    theirs = record.protocol.mapping
    other = [one.statistic for one in record.values if f"{theirs} mapping" in one.protocol]
    if theirs == mapping or not other:
        return record.values
    name = f"{record.method.name} on {record.dataset.name}"
    _say(
        f"--compare {where}: left out: {', '.join(other)} of {name}: after {theirs}, here after {mapping} "
        "(`evaluate.mapping`)"
    )
    return [one for one in record.values if one.statistic not in other]


def _say(text: str) -> None:
    print(exchange.printable(text), file=sys.stderr)


def _bring(where: str, commit: str, revision: Any, names: Sequence[str], into: Path) -> Path:
    """Put the named files of a revision into a folder, and return it."""
    from dvc.exceptions import DvcException

    if not any(name.endswith(".csv") for name in names):
        raise ValueError(
            f"--compare {where}: the revision names no results; commit dvc.lock with a run, "
            "name an experiment of `dvc exp show`, or a folder of another checkout"
        )
    lacking = []
    for name in names:
        try:
            files.write_bytes(into / name, revision.read_bytes(name))
        except (DvcException, OSError):
            lacking.append(name)
    if lacking:
        raise ValueError(
            f"--compare {where}: {_how_to_get(commit[:9], lacking, len({*names} - {'params.yaml'}))}"
        )
    return into


def _how_to_get(commit: str, lacking: Sequence[str], count: int) -> str:
    """Say why results of a commit are not here, and the commands that bring them."""
    return (
        f"{len(lacking)} of the {count} tables that dvc.lock of {commit} records are not in the cache, the "
        f"first is {lacking[0]}: that run was made elsewhere, or its files were removed. Where a remote of "
        f"DVC holds them, `dvc fetch --all-commits` brings them; else make the run beside this one, "
        f"`git clone . ../{commit} && cd ../{commit} && git checkout {commit} && dvc repro`, and then "
        f"`iqa report --compare ../{commit}`"
    )


def write(where: str, folder: Path, out: Path = stage.REPORTS) -> Path:
    """Write the page that compares this run with the one in ``folder``, called ``where``; return its path."""
    menu = [menu_entry(name, read(name)) for name in stage.start(torch=False).report.pages]
    there = Run(*(str(folder / name) for name in ("results", "data", "models", "params.yaml")))
    stated = json.loads((folder / STATED).read_text()) if (folder / STATED).is_file() else None
    shown = {"text/html": compared(Run(commit=commit()), there, where, stated)}
    output = nbformat.v4.new_output("display_data", shown)
    cells = [nbformat.v4.new_markdown_cell(TITLE), nbformat.v4.new_code_cell(outputs=[output])]
    notebook = nbformat.v4.new_notebook(cells=cells)
    entry = menu_entry(PAGE, notebook)
    files.write_text(out / f"{PAGE}.html", page(notebook, entry, [*menu, entry], SITE))
    return out / f"{PAGE}.html"
