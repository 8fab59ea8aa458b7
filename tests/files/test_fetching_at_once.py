"""Several processes at once, disks that are full or keep no locks, and a fetch that is killed."""

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from benchmark.files.fetching import FetchError, fetch
from tests.files.served import BODY, DIGEST, FETCH, QUICK, files_in, script, started, until
from tests.loopback import Loopback


def test_a_full_disk_is_told_before_the_first_byte(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 65 << 20})
    monkeypatch.setattr("benchmark.files.fetching.download.shutil.disk_usage", lambda path: usage)
    with Loopback({"/a": BODY * 20}).running() as server:
        with pytest.raises(FetchError, match=r"needs 0\.004 GB more and 0\.0682 GB are free; make room"):
            fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK)
        with pytest.raises(FetchError, match=r"needs 4 GB more"):
            fetch([f"{server.url}/a"], tmp_path / "b", size=4_000_000_000, patience=QUICK)
        assert len(server.requests) == 1
    assert not list(tmp_path.glob("*.part"))


def test_of_several_processes_one_fetches_and_the_others_wait_and_say_so(tmp_path):
    with Loopback({"/a": BODY}, script("slow")).running() as server:
        processes = [started(FETCH, f"{server.url}/a", tmp_path / "a") for _ in range(4)]
        said = [process.communicate(timeout=240) for process in processes]
        assert [out for out, _ in said] == ["True\n"] * 4, said
        assert len(server.requests) == 1
    waited = [err for _, err in said if f"{tmp_path}/a: another process is fetching it; waiting" in err]
    assert len(waited) <= 3
    assert files_in(tmp_path) == ["a", "a.sha256"]


def test_a_process_that_gets_nowhere_is_not_waited_for_without_end(tmp_path, capfd):
    with Loopback({"/a": BODY}, script("stall")).running() as server:
        process = started(FETCH, f"{server.url}/a", tmp_path / "a")
        try:
            until(lambda: (tmp_path / "a.part").exists() and (tmp_path / "a.part").stat().st_size)
            with pytest.raises(FetchError, match=r"another process is fetching it, and nothing moved for"):
                fetch([f"{server.url}/a"], tmp_path / "a", patience=replace(QUICK, others=0.2))
        finally:
            process.kill()
            process.communicate()
    assert "waiting for it (0 s)" in capfd.readouterr().err


def test_what_waited_takes_over_where_the_other_was_killed(tmp_path):
    with Loopback({"/a": BODY}, script("stall", "right")).running() as server:
        first = started(FETCH, f"{server.url}/a", tmp_path / "a")
        until(lambda: (tmp_path / "a.part").exists() and (tmp_path / "a.part").stat().st_size)
        second = started(FETCH, f"{server.url}/a", tmp_path / "a")
        assert "waiting" in second.stderr.readline()
        first.kill()
        first.communicate()
        assert second.communicate(timeout=120)[0] == "True\n"
        assert "Range" in server.requests[1][1]


def test_many_starts_with_files_put_there_by_hand_all_succeed(tmp_path):
    """Each finds the file without a digest beside it, and writes one."""
    (tmp_path / "a").write_bytes(BODY)

    def start(number):
        (tmp_path / "a.sha256").unlink(missing_ok=True)
        return fetch(["http://127.0.0.1:9/a"], tmp_path / "a")

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(start, range(240))) == {tmp_path / "a"}
    fetch(["http://127.0.0.1:9/a"], tmp_path / "a")
    assert files_in(tmp_path) == ["a", "a.sha256"]


@pytest.mark.parametrize("number", ["ENOSYS", "ENOLCK", "EOPNOTSUPP"])
def test_a_disk_without_locks_is_no_other_process(tmp_path, no_locks, number):
    with Loopback({"/a": BODY}, script("slow")).running() as server:
        processes = [started(FETCH, f"{server.url}/a", tmp_path / "a", **no_locks(number)) for _ in range(3)]
        said = [process.communicate(timeout=240) for process in processes]
        assert [out for out, _ in said] == ["True\n"] * 3, said
        assert len(server.requests) == 1
    words = "".join(err for _, err in said)
    assert ("another process" in words) == ("this disk keeps no locks: if there is no such process" in words)
    assert files_in(tmp_path) == ["a", "a.sha256"]


def test_a_folder_that_cannot_be_written_is_read_and_nothing_more(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(BODY)

    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("benchmark.files.writing.write_bytes", refuse)
    monkeypatch.setattr("benchmark.files.locks.FileLock", refuse)
    assert fetch(["http://127.0.0.1:9/a"], tmp_path / "a", sha256=DIGEST) == tmp_path / "a"
    assert fetch(["http://127.0.0.1:9/a"], tmp_path / "a") == tmp_path / "a"
    with pytest.raises(FetchError, match=r"a: its sha256 is"):
        fetch(["http://127.0.0.1:9/a"], tmp_path / "a", sha256="0" * 64)
    assert files_in(tmp_path) == ["a"]


def test_a_killed_fetch_goes_on_where_it_was(tmp_path):
    body = BODY * 10
    with Loopback({"/a": body}, script("stall", "right")).running() as server:
        command = f"from benchmark.files.fetching import fetch; fetch(['{server.url}/a'], '{tmp_path}/a')"
        process = subprocess.Popen([sys.executable, "-c", command])
        waited = time.monotonic() + 120
        while time.monotonic() < waited:
            if (tmp_path / "a.part").exists() and (tmp_path / "a.part").stat().st_size > 1000:
                break
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert files_in(tmp_path) == ["a.part", "a.part.json"]
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == body
        assert int(server.requests[-1][1]["Range"][6:-1]) > 1000
    assert files_in(tmp_path) == ["a", "a.sha256"]


def test_a_folder_in_the_place_of_the_file_is_said_before_anything_is_asked(tmp_path):
    (tmp_path / "a").mkdir()
    with Loopback({"/a": BODY}).running() as server:
        with pytest.raises(FetchError, match="a: is not a file; move it away"):
            fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK)
        assert not server.requests
