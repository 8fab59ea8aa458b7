"""The paper profile from an empty clone to the last page, its addresses served from this machine.

    python -m tests.rehearsal.rehearse /tmp/rehearsal rehearsal_short

Nothing inside the suite is replaced: the clone downloads, unpacks, trains, scores and draws as a user's does,
told by three variables of its environment where the server, the cache and the packages are. Its records
alone lose the digests and sizes of published files, for the miniatures have others.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from tests.loopback import Loopback
from tests.rehearsal import answers, mirror

HERE = Path(__file__).resolve().parents[2]


class Rehearsal:
    """A clone of this checkout with a profile, and the server that it downloads from."""

    def __init__(self, folder, profile="rehearsal", built=None):
        self.folder = Path(folder)
        self.profile = profile
        self.clone = self.folder / "clone"
        self.built = Path(built) if built else self.folder / "mirror"
        self.gone = set()  # paths that the server does not have
        self.corrupt = set()  # paths whose bytes it sends reversed

    @contextmanager
    def running(self):
        if not self.built.is_dir():
            mirror.build(self.built)
        clone(self.clone)
        server = Loopback(mirror.Served(self.built / "served"), self._script)
        with server.running():
            self.environment = {
                **environment(self.clone),
                "IQA_MIRROR": server.url,
                "IQA_CACHE": str(self.folder / "cache"),
                "NO_PROXY": "127.0.0.1",
            }
            yield self

    def iqa(self, *arguments):
        return self._run("python", "-m", "experiments.cli", *arguments)

    def dvc(self, *arguments):
        return self._run("python", "-m", "dvc", *arguments)

    def compose(self):
        return self._run("python", "-m", "experiments.settings.compose", f"profile={self.profile}")

    def setup(self):
        """Install in the clone what the README's `make setup` installs, and nothing that tests need."""
        failed = self._run("make", "setup")
        self.environment["PATH"] = f"{self.clone / '.venv/bin'}{os.pathsep}{self.environment['PATH']}"
        return failed

    def fetch_by_hand(self, *names):
        """What a person does for the sets that no program can fetch."""
        for name in names or mirror.BY_HAND:
            shutil.copytree(
                self.built / "by_hand" / name, self.clone / "downloads" / name, dirs_exist_ok=True
            )

    def _script(self, number, path):
        address = path.lstrip("/")
        return "404" if address in self.gone else "changed" if address in self.corrupt else "right"

    def _run(self, *command):
        return subprocess.run(command, cwd=self.clone, env=self.environment, check=False).returncode


def clone(folder):
    """Clone the checkout as it is: its commit, and on top what differs from it."""
    if folder.exists():
        return
    subprocess.run(["git", "clone", "--quiet", str(HERE), str(folder)], check=True)
    listed = subprocess.run(
        ["git", "ls-files", "--modified", "--others", "--exclude-standard"],
        **{"cwd": HERE, "check": True, "capture_output": True, "text": True},
    ).stdout.splitlines()
    for name in filter(lambda name: (HERE / name).is_file(), listed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / name, folder / name)
    for record in (folder / "benchmark/records").glob("*.yaml"):
        record.write_text(re.sub(r",\s+(sha256: [0-9a-f]{64}|size: \d+)(?=[,}])", "", record.read_text()))


def environment(folder):
    """What a clone's commands run in: its own code, the packages of this process, bytecode kept."""
    kept = {k: v for k, v in os.environ.items() if k not in ("IQA_OFFLINE", "PYTHONDONTWRITEBYTECODE")}
    found = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": found, "PYTHONPATH": str(folder)}


def main(folder, profile="rehearsal"):
    folder = Path(folder).resolve()
    for earlier in ("clone", "mirror", "cache"):
        shutil.rmtree(folder / earlier, ignore_errors=True)
    with Rehearsal(folder, profile).running() as rehearsal:
        steps = {
            "setup": rehearsal.setup,
            "settings": rehearsal.compose,
            "download": lambda: rehearsal.iqa("download", "--profile", profile, "--accept-terms"),
            "by hand": rehearsal.fetch_by_hand,
            "pipeline": lambda: rehearsal.iqa("repro", "--jobs", "2"),
        }
        for name, step in steps.items():
            begun = time.monotonic(), _worked()
            failed = step()
            took, worked = time.monotonic() - begun[0], _worked() - begun[1]
            print(f"rehearsal: {name} took {took:.0f} s, {worked:.0f} s of processor time", flush=True)
            if failed and (name, failed) != ("download", 3):  # 3: some sets must be fetched by hand
                sys.exit(f"{name} ended with {failed}")
        answers.check(rehearsal.clone)
    print(f"open {rehearsal.clone}/reports/index.html")


def _worked():
    """Processor time of all processes that this one has started and seen end, in seconds."""
    spent = os.times()
    return spent.children_user + spent.children_system


if __name__ == "__main__":
    main(*sys.argv[1:])
