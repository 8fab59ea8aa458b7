"""Wrong code on purpose: how many small faults, drawn at random, do the tests notice?

``python -m tests.mutants --count 100`` draws faults (`tests/faults.py`), as many of each package, and
judges each by the tests that execute the line (`tests/covered.py`), in a copy of the checkout and a process
forked from one that has the libraries imported. They are given a limit of time; ``--wide`` judges those
that survived without it, ``--again`` once more, when better tests have been written. What is done is a line
of the journal; a run that was stopped goes on after it.
"""

from __future__ import annotations

import argparse
import compileall
import gc
import importlib
import json
import os
import py_compile
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from tests.covered import FAST, FOLDER, Survey, neighbourhood, statement
from tests.faults import PACKAGES, Mutant, drawn

ROOT = Path(__file__).parents[1]
#: Imported before a process forks; nothing that is mutated.
LIBRARIES = (
    *("cv2", "dvc.api", "hypothesis.extra.numpy", "hydra", "imagecodecs", "matplotlib.pyplot", "open_clip"),
    *("pandas", "papermill", "piq", "pybtex.database", "pydantic", "pytorch_grad_cam", "scipy.stats"),
    *("scikit_posthocs", "seaborn", "skimage.metrics", "sklearn.manifold", "statsmodels.api", "tifffile"),
    *("torchvision", "typer"),
)
#: Seconds of tests that a mutant is given, the quickest of those that execute its line; a test that has the
#: module's name counts a tenth. A line that runs when it is imported is given those that execute anything of
#: the file, and those whose file names the module or its package. So many run before all others.
BUDGET, QUICK = 20, 15


def tests_of(mutant: Mutant, survey: Survey, wide: bool) -> list[str]:
    """Tests that may see a mutant, quick ones before slow ones, and of each kind file by file."""
    own, near = readers(mutant.file)
    lines = statement(mutant.source, mutant.line)
    found = survey.executing(mutant.file, lines) if lines else {}
    if not found:  # it runs when it is imported, or where coverage does not look
        found = {test: True for test in survey.seconds if file_of(test) in own | near}
        found |= survey.executing(mutant.file, None)

    def cost(test: str) -> float:
        """Seconds; less for tests of the module's name, more for those that may stand on the line."""
        near = 0.1 if file_of(test) in own else 1
        seconds = survey.seconds[test]
        return near * (seconds if found[test] else 10 * (seconds + survey.shared[neighbourhood(test)]))

    ordered = sorted(found, key=cost)
    until = list(accumulate(survey.seconds[test] for test in ordered))
    chosen = [test for test, spent in zip(ordered, until, strict=True) if wide or spent <= BUDGET]
    first: dict[Path, float] = {}
    for test in chosen:
        first.setdefault(file_of(test), cost(test))
    slow = {test: survey.seconds[test] > 0.5 for test in chosen}
    return sorted(chosen, key=lambda test: (slow[test], first[file_of(test)], file_of(test), cost(test)))


def readers(file: str) -> tuple[set[Path], set[Path]]:
    """Test files that have the name of a module or name it, and those that name its package."""
    path = Path(file)
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    name = module.split(".")[-1]
    texts = {test: test.read_text() for test in Path("tests").rglob("test_*.py")}
    own = {test for test in texts if test.name in (f"test_{path.parent.name}_{name}.py", f"test_{name}.py")}
    own |= {test for test, text in texts.items() if module in text}
    return own, {test for test, text in texts.items() if module.rpartition(".")[0] in text}


def file_of(test: str) -> Path:
    return Path(test.split("::")[0])


def copied(folder: Path) -> Path:
    """Copy the files that git knows, and those it does not ignore."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines():
        if Path(name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, folder / name)
    # By content: a mutant may have the size and the second of the file that it stands for.
    compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    return folder


class FirstFailure:
    """A plugin of pytest that writes down what failed first."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.pytest_collectreport(report)

    def pytest_collectreport(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed and not self.path.exists():
            self.path.write_text(report.nodeid)


def child(tree: Path, tests: list[str]) -> None:
    """Run tests in a copy of the checkout, in a forked process that has imported nothing of ours."""
    os.setsid()
    os.chdir(tree)
    with (tree / ".said").open("w") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
        del sys.modules[name]
    sys.path[:] = [str(tree), *(place for place in sys.path if place not in ("", str(Path.cwd()), str(ROOT)))]
    os.environ.update(PYTHONPATH=str(tree), PYTEST_ADDOPTS="")
    options = ["-x", "-q", "-m", FAST, "-pno:cacheprovider", "-pno:xdist", "-pno:pytest_cov"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of plugins imported before the fork
    try:
        os._exit(pytest.main([*options, *tests], plugins=[FirstFailure(tree / ".failed")]))
    except BaseException:
        traceback.print_exc()
    finally:  # never back into what forked
        os._exit(70)


def outcome(tree: Path, tests: list[str], timeout: float) -> str:
    """Run tests in a copy: "survived", or what failed first."""
    failed = tree / ".failed"
    failed.unlink(missing_ok=True)
    process = os.fork()
    if not process:
        child(tree, tests)
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            if not code:
                return "survived"
            if code == pytest.ExitCode.USAGE_ERROR and any("::" in test for test in tests):
                # A parametrised test that the fault has renamed.
                return outcome(tree, sorted({str(file_of(test)) for test in tests}), timeout)
            return failed.read_text() if failed.exists() else f"pytest ended with {code}"
        time.sleep(0.05)
    os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return "timeout"


class Trees:
    """Copies of the checkout; a mutant is judged in one that is free."""

    def __init__(self, folder: Path, count: int, seconds: dict[str, float]) -> None:
        self.free: queue.Queue[Path] = queue.Queue()
        self.seconds, self.known = seconds, dict[str, bool]()
        for number in range(count):
            self.free.put(copied(folder / str(number)))

    def judge(self, mutant: Mutant, tests: list[str]) -> dict[str, Any]:
        """Say what noticed a mutant: it must fail with the mutant and pass without it."""
        tree = self.free.get()
        try:
            left = len(tests)
            for part in (tests[:QUICK], tests[QUICK:]):  # most die at once, and need not read the other files
                while part and (found := self.against(tree, mutant.text, mutant, part)) != "survived":
                    said = [found] if found in part else part
                    if self.passes(tree, mutant, said):
                        return {**mutant.about, "outcome": found, "tests": len(tests)}
                    part = [test for test in part if test not in said]
                    left -= len(said)
            return {**mutant.about, "outcome": "survived" if left else "not judged", "tests": left}
        finally:
            self.free.put(tree)

    def passes(self, tree: Path, mutant: Mutant, tests: list[str]) -> bool:
        """Say whether tests pass without a mutant: what fails all the same has not noticed it."""
        several = "\n".join(tests)
        if several not in self.known:
            self.known[several] = self.against(tree, mutant.source, mutant, tests) == "survived"
        return self.known[several]

    def against(self, tree: Path, text: str, mutant: Mutant, tests: list[str]) -> str:
        (tree / mutant.file).write_text(text)
        try:
            # Five times what they take: a process of its own, on a machine that may be busy.
            return outcome(tree, tests, 120 + 5 * sum(self.seconds[test] for test in tests))
        finally:
            (tree / mutant.file).write_text(mutant.source)


def run(todo: dict[Mutant, list[str]], trees: Trees, jobs: int, journal: Path) -> None:
    """Judge mutants by their tests, each a line of the journal as it is done."""
    with ThreadPoolExecutor(jobs) as pool, journal.open("a") as book:
        for ended in as_completed(pool.submit(trees.judge, *one) for one in todo.items()):
            about = ended.result()
            book.write(json.dumps(about) + "\n")
            book.flush()
            print(*about.values(), sep=" | ", flush=True)


def read(journal: Path) -> dict[str, dict[str, Any]]:
    """The last line of each mutant."""
    lines = journal.read_text().splitlines() if journal.exists() else []
    return {line["id"]: line for line in map(json.loads, lines)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--packages", nargs="+", default=PACKAGES, choices=PACKAGES)
    parser.add_argument("--wide", action="store_true", help="no limit of time, on survivors")
    parser.add_argument("--again", action="store_true", help="the survivors once more")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--journal", type=Path, default=FOLDER / "journal.jsonl")
    given = parser.parse_args()
    chosen, done = drawn(given.packages, given.count, given.seed), read(given.journal)
    open_ones = {"new", "not judged", *({"survived", "timeout"} if given.wide or given.again else {})}
    state = [done.get(mutant.name, {"outcome": "new"})["outcome"] for mutant in chosen]
    survey = Survey()
    todo = {
        mutant: tests_of(mutant, survey, given.wide)
        for mutant, outcome in zip(chosen, state, strict=True)
        if outcome in open_ones
    }
    if todo:
        for name in LIBRARIES:
            importlib.import_module(name)
        gc.freeze()
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            run(todo, Trees(Path(folder), given.jobs, survey.seconds), given.jobs, given.journal)
    done = read(given.journal)
    found = [done[mutant.name] for mutant in chosen]
    survived = [about for about in found if about["outcome"] in ("survived", "not judged")]
    print(f"{len(chosen) - len(survived)} of {len(chosen)} killed")
    for about in survived:
        print(*about.values(), sep=" | ")


if __name__ == "__main__":
    main()
