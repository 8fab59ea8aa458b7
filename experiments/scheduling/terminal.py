"""What several processes of DVC say, as one calm line a stage; all of it where something fails."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, cast

from yaml import YAMLError

from benchmark import files

#: Seconds that each stage took when it last ran.
TIMES = Path(".dvc/tmp/stage_times.json")
#: Seconds without a word after which the stages at work are named.
QUIET = 60.0
_BEGINS = re.compile(r"Running stage '(.+)':")
_SAME = re.compile(r"Stage '(.+)' (didn't change|is cached)")
_FAILED = re.compile(r"WARNING: failed to run: |ERROR: ")
#: What DVC says beside: how to track and share what a run has made, which docs/reports.md explains.
_ASIDE = re.compile(
    r"\s*$|> |(Updating|Generating) lock file|To track the changes|\s+git add |To enable auto staging|"
    r"\s+dvc config core\.autostage|Use `dvc push`|Data and pipelines are up to date"
)


def described(pipeline: Path = Path("dvc.yaml")) -> dict[str, str]:
    """What each stage does, by its name without the item; nothing of a file at fault, as DVC will say."""
    try:
        stages = files.read_yaml(pipeline.read_text())["stages"]
        return {name: stage.get("do", stage).get("desc", "") for name, stage in stages.items()}
    except (OSError, YAMLError, AttributeError, LookupError, TypeError):
        return {}


class Log:
    """The stages of a run: how many there are, which have ended, and how long the rest took last time.

    Parameters
    ----------
    names
        Every stage, as DVC calls it.
    does
        What a stage does, by its name without the item (`described`).
    jobs
        Stages at work at once.
    write
        Takes a line.
    times
        File of the seconds that each stage took; read, and written at the end of each.
    """

    def __init__(
        self,
        names: Sequence[str],
        does: Mapping[str, str],
        jobs: int = 1,
        write: Callable[[str], object] | None = None,
        times: Path = TIMES,
    ) -> None:
        self._names, self._does, self._jobs, self._times = list(names), does, jobs, times
        self._write = write or (lambda line: print(line, file=sys.stderr, flush=True))
        self._lock = threading.RLock()
        self._began, self._said = time.monotonic(), time.monotonic()
        self._running: dict[str, float] = {}
        self._over = threading.Event()
        self.ended: dict[str, bool] = {}
        self._known: dict[str, float] = {}
        with contextlib.suppress(OSError, ValueError):
            self._known = {name: float(s) for name, s in json.loads(times.read_text()).items()}

    def __enter__(self) -> Log:
        threading.Thread(target=self._remind, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _remind(self) -> None:
        while not self._over.wait(QUIET / 4):
            self.remind()

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def begin(self, stage: str) -> None:
        """Take down that a stage begins."""
        with self._lock:
            self._running[stage] = time.monotonic()

    def end(self, stage: str, said: Sequence[str] = ()) -> None:
        """Say that a stage has done its work, and what it said that its readers should know."""
        with self._lock:
            took = time.monotonic() - self._running.pop(stage, time.monotonic())
            if stage in self.ended:  # one that always runs, and has run
                return
            self._known[stage] = took
            files.write_json(self._known, self._times)
            self.ended[stage] = True
            does = self._does.get(stage.partition("@")[0], "")
            left = self._left()
            more = f"; about {minutes(left)} left" if left else ""
            self._line(f"{self._place()} {stage}: {does} ({minutes(took)}{more})")
            for line in said:
                self._line(f"        {line}")

    def same(self, stage: str) -> None:
        """Count a stage whose inputs have not changed."""
        with self._lock:
            self._running.pop(stage, None)
            self.ended.setdefault(stage, False)

    def failed(self, stage: str, said: Sequence[str]) -> None:
        """Show all that was said of a stage that failed."""
        with self._lock:
            self._running.pop(stage, None)
            self._line(f"{self._place()} {stage or 'dvc'}: FAILED")
            for line in said:
                self._line(f"        {line}")

    def remind(self) -> None:
        """Name the stages at work where nothing was said for `QUIET` seconds."""
        with self._lock:
            now = time.monotonic()
            if self._running and now - self._said >= QUIET:
                self._line(f"{self._place()} at work: " + ", ".join(map(self._so_far, self._running)))

    def _so_far(self, stage: str) -> str:
        running = f"{stage} {minutes(time.monotonic() - self._running[stage])} so far"
        last = self._last(stage)
        return f"{running} ({minutes(last)} last time)" if last else running

    def _last(self, stage: str) -> float:
        return self._known.get(stage, 0.0)

    def _left(self) -> float:
        """Seconds that are left by the last run's times; 0 where too little is known of them."""
        todo = [name for name in self._names if name not in self.ended]
        known = [name for name in todo if name in self._known]
        if len(known) < len(todo):
            return 0.0
        now = time.monotonic()
        spent = sum(min(now - began, self._last(name)) for name, began in self._running.items())
        last = self._last("report") if "report" in todo else 0.0  # it waits for all others
        return max(0.0, sum(map(self._last, todo)) - last - spent) / self._jobs + last

    def _place(self) -> str:
        width = len(str(len(self._names)))
        return f"[{len(self.ended):{width}}/{len(self._names)}]"

    def _line(self, text: str) -> None:
        self._said = time.monotonic()
        self._write(text)


class Listener:
    """Reads what one process of DVC says, line by line."""

    def __init__(self, log: Log) -> None:
        self._log, self._stage = log, ""
        self._said: list[str] = []

    def hear(self, line: str) -> None:
        """Take the next line."""
        line = line.rstrip("\n").rpartition("\r")[2]
        if begins := _BEGINS.match(line):
            self._close()
            self._stage = begins[1]
            self._log.begin(self._stage)
        elif same := _SAME.match(line):
            self._close()
            self._log.same(same[1])
        elif line.startswith(("Updating lock file", "Generating lock file")):
            self._close()
        elif not _ASIDE.match(line):
            self._said.append(line)
            if _FAILED.match(line):
                self._fail()

    def close(self, code: int) -> None:
        """Say how the process ended."""
        if code and (self._stage or self._said):
            self._fail()
        else:
            self._close()

    def _close(self) -> None:
        if self._stage:
            self._log.end(self._stage, self._said)
            self._stage, self._said = "", []

    def _fail(self) -> None:
        self._log.failed(self._stage, self._said)
        self._stage, self._said = "", []


def hear(process: subprocess.Popen[str], log: Log) -> int:
    """Listen to a process of DVC until it ends; returns its exit code."""
    listener = Listener(log)
    with contextlib.closing(cast(IO[str], process.stdout)) as lines:
        for line in lines:
            listener.hear(line)
    code = process.wait()
    listener.close(code)
    return code


def minutes(seconds: float) -> str:
    """Write a time as ``12 s`` or ``3:05``."""
    return f"{seconds:.0f} s" if seconds < 59.5 else f"{round(seconds) // 60}:{round(seconds) % 60:02d}"
