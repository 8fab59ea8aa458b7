"""DVC, several at once: which stages may run beside each other, and processes that end when told to.

DVC runs one stage after the other and keeps locks by path, so processes of it may work on stages that neither
write nor read what another writes. What they leave undone, a last DVC by itself does.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from graphlib import TopologicalSorter
from pathlib import Path

from filelock import FileLock, Timeout

from benchmark import files
from experiments.scheduling.terminal import Log, hear
from experiments.settings import Settings

#: Stages, one after the other.
Chain = tuple[str, ...]


def studies(settings: Settings) -> list[Chain]:
    """Stages that put together what others left, and can do so with a part of it; the longest come first."""
    return [_ablation(settings), ("studies",), ("evaluate",), ("cross_dataset",), ("pictures",), ("gmad",)]


def _ablation(settings: Settings) -> Chain:
    return (*(f"variants@{name}" for name in settings.ablation.datasets), "ablation")


def cells(settings: Settings) -> list[Chain]:
    """Stages of each method that take what there is of data sets."""
    return [(f"score@{name}", f"study@{name}") for name in settings.methods]


def plan(settings: Settings) -> dict[Chain, list[Chain]]:
    """Chains of stages, each with those that have to be over before it; of several, the first comes first.

    A method's chain trains it, scores and describes pictures with it, and studies it. The trainings of the
    ablation come after them, so that tables and studies are made beside the last of these.
    """
    outside: Chain = ("outside",)
    prepared: list[Chain] = [(f"prepare@{name}",) for name in settings.prepare.datasets]
    methods: list[Chain] = [
        (f"train@{name}", *chain) for name, chain in zip(settings.methods, cells(settings), strict=True)
    ]
    names = [f"ablate@{name}" for name in settings.ablation.variants]
    names += [f"reseed@{seed}" for seed in settings.ablation.seeds]
    trainings: list[Chain] = [(name,) for name in names]
    needs: dict[Chain, list[Chain]] = {outside: []}
    needs |= {chain: [outside] for chain in prepared}
    needs |= dict.fromkeys((*methods, *trainings), prepared)
    needs |= dict.fromkeys(studies(settings), methods)
    return needs | {_ablation(settings): trainings}


def stages(settings: Settings) -> list[str]:
    """Every stage of the pipeline."""
    return [stage for chain in plan(settings) for stage in chain] + ["report"]


def check_locks(folder: Path = Path(".dvc/tmp")) -> None:
    """See whether DVC can lock the project, and say it where it will wait: DVC waits without a word or end.

    Raises
    ------
    ValueError
        If the disk keeps no locks and DVC is not told so, with the setting that tells it.
    """
    lock = folder / "lock"
    folder.mkdir(parents=True, exist_ok=True)
    if hardlinks(folder.parent):
        # The time of such a lock is when it ends, a year ahead: a killed DVC leaves it there.
        if lock.exists() and lock.stat().st_mtime > time.time():
            _say(f"{lock}: another DVC is at work here, or was killed; waiting for it")
            _say(f"If there is none, remove {lock} and, if it is there, {folder / 'rwlock.lock'}")
    elif not files.keeps_locks(folder):
        raise ValueError(
            f"{folder}: this disk keeps no locks (flock), so DVC would wait for ever; run "
            "`dvc config --local core.hardlink_lock true`, then call again"
        )
    elif held := _holder(lock):
        _say(f"{lock}: another DVC (process {held}) is at work here; waiting for it")


def check_git() -> None:
    """Where the folder is in no git repository, as an unpacked archive, tell DVC, which would refuse it."""
    from dvc.config import Config
    from dvc.scm import SCM, SCMError

    config = Config(dvc_dir=str(Path(".dvc").resolve()))
    if config["core"].get("no_scm"):
        return
    try:
        SCM(str(Path.cwd())).close()
    except SCMError:
        with config.edit("local") as own:
            own["core"]["no_scm"] = True
        _say(
            "This folder is in no git repository: DVC is told so in .dvc/config.local, the pages will name "
            "no commit, and `dvc exp` will not work. After `git init`, run "
            "`dvc config --local --unset core.no_scm`"
        )


def one_at_a_time(folder: Path = Path(".dvc/tmp")) -> AbstractContextManager[None]:
    """Wait until no other `iqa repro` works in this checkout, saying so, and keep others out.

    DVC lets go of the project while a stage works: stages of another DVC that needs what this one writes
    fail as busy, one after the other, and look as if their inputs were missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return files.alone(folder / "repro", "another `iqa repro` is at work in this folder", patience=math.inf)


def hardlinks(dvc: Path) -> bool:
    """Whether DVC is told to lock by hard links, in any of its files of settings."""
    from dvc.config import Config

    return bool(Config(dvc_dir=str(dvc.resolve()))["core"].get("hardlink_lock"))


def _holder(lock: Path) -> str:
    """Process that has locked a file, or "" if none has."""
    try:
        FileLock(lock, timeout=0, fallback_to_soft=False).acquire().lock.release()
    except Timeout:
        return lock.read_text(errors="replace").strip() or "unknown"
    return ""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Runner:
    """Starts DVC, and ends what it started when it is left by an exception, such as an interrupt.

    Parameters
    ----------
    log
        Takes what DVC says, to say it calmly; by default DVC speaks for itself.
    """

    def __init__(self, log: Log | None = None) -> None:
        self._log = log
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._ended = self._works = False

    def __enter__(self) -> Runner:
        self._before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)
        if kind is None:
            return
        with self._lock:
            self._ended = True
            running = list(self._running)
        # To the group: DVC itself would ignore it, count the stage as failed and begin the next.
        for process in running:
            os.killpg(process.pid, signal.SIGTERM)
        for process in running:
            process.wait()

    def repro(self, *arguments: str) -> int:
        """Run ``dvc repro`` to its end and return its exit code.

        Raises
        ------
        ValueError
            If it fails and no stage is the cause: DVC cannot work here at all.
        """
        code = self._dvc("repro", *arguments)[0]
        if code > 0 and not (self._works or self._ended):
            command = [sys.executable, "-m", "experiments.scheduling.dvc", "stage", "list", "--name-only"]
            if subprocess.run(command, capture_output=True, check=False).returncode:
                raise ValueError("DVC cannot work in this folder; what it says of it stands above")
            self._works = True
        return code

    def up_to_date(self) -> bool:
        """Whether nothing is left to do, but for the look at the releases, which this does if it must."""
        if not Path("models").is_dir():  # a run begins, and DVC needs seconds to see it
            return False
        if self.repro("--single-item", "outside"):
            return False
        code, answer = self._dvc("status", "--json", output=True)
        return code == 0 and set(json.loads(answer)) <= {"outside"}

    def _dvc(self, *arguments: str, output: bool = False) -> tuple[int, str]:
        """Run DVC to its end; returns its exit code and, where asked for, its output."""
        with self._lock:
            if self._ended:
                return 1, ""
            command = [sys.executable, "-m", "experiments.warm", "experiments.scheduling.dvc"]
            command += ["--wait-for-lock", *arguments]
            heard = self._log is not None and not output
            process = subprocess.Popen(
                command,
                start_new_session=True,  # an interrupt at the terminal comes here alone
                text=True,
                errors="replace",
                stdout=subprocess.PIPE if output or heard else None,
                stderr=subprocess.STDOUT if heard else None,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
            self._running.add(process)
        try:
            if self._log is not None and heard:
                return hear(process, self._log), ""
            answer, _ = process.communicate()
            return process.returncode, answer or ""
        finally:
            if process.poll() is not None:
                with self._lock:
                    self._running.discard(process)

    def chains(self, needs: Mapping[Chain, Iterable[Chain]], jobs: int) -> None:
        """Run chains, ``jobs`` at once, each when what it needs is over; one that fails stops no other."""
        order, place = TopologicalSorter(needs), list(needs).index
        order.prepare()
        pool = ThreadPoolExecutor(jobs)
        waiting: list[Chain] = []
        working: dict[Future[int], Chain] = {}
        try:
            while order.is_active():
                waiting = sorted([*waiting, *order.get_ready()], key=place)
                while waiting and len(working) < jobs:
                    chain = waiting.pop(0)
                    working[pool.submit(self.repro, "--single-item", "--keep-going", *chain)] = chain
                for ended in wait(working, return_when=FIRST_COMPLETED).done:
                    ended.result()
                    order.done(working.pop(ended))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
