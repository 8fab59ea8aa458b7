"""Fetching from servers that cut, lie, redirect and crawl: the exact file or a clear error."""

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest

from benchmark.files.fetching import FetchError, Patience, fetch, mirrored, offered
from tests.loopback import Loopback

BODY = random.Random(0).randbytes(200_000)
DIGEST = hashlib.sha256(BODY).hexdigest()
QUICK = Patience(rounds=4, backoff=0.001, longest=0.002, timeout=10, window=0.2, slowest=1000)
HOSTILE = replace(QUICK, rounds=2, window=0.3, headers=0.5, timeout=0.4, unstated=500_000)
FAULTS = [
    "right", "cut", "cut", "cut without validator", "wrong range", "lying range", "glue", "no ranges", "404",
    "403", "416", "429", "500", "503", "redirect", "trickle", "page", "too long", "chunked", "no validator",
]  # fmt: skip


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("IQA_OFFLINE", "IQA_MIRROR", "HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def script(*faults):
    return lambda number, path: faults[min(number, len(faults) - 1)]


def test_file_and_digest_are_kept_and_nothing_else(tmp_path):
    with Loopback({"/a.zip": BODY}).running() as server:
        path = fetch([f"{server.url}/a.zip"], tmp_path / "deep/er/a.zip", sha256=DIGEST, size=len(BODY))
        assert path.read_bytes() == BODY
        assert files_in(path.parent) == ["a.zip", "a.zip.sha256"]
        assert (path.parent / "a.zip.sha256").read_text() == f"{DIGEST}  a.zip\n"
        fetch([f"{server.url}/a.zip"], path)
        assert len(server.requests) == 1


@pytest.mark.parametrize("seed", range(60))
def test_any_mix_of_faults_ends_in_the_exact_file_or_a_clear_error(tmp_path, seed):
    draw = random.Random(seed)
    body = draw.randbytes(draw.choice([1, 300, 5000, 60_000]))
    known = {"sha256": hashlib.sha256(body).hexdigest()} if draw.random() < 0.5 else {}
    # Without a digest nobody can tell wrong bytes, so they are sent only where there is one.
    faults = FAULTS + (["wrong bytes", "changed", "endless"] if known else [])
    answers = [draw.choice(faults) for _ in range(200)]
    with Loopback({"/a": body, "/b": body}, lambda number, path: answers[number]).running() as server:
        path = tmp_path / "a"
        urls = [f"{server.url}/a", f"{server.url}/b", "http://127.0.0.1:9/a"]
        for _ in range(3):
            said = ""
            try:
                fetch(urls, path, **known, patience=QUICK)
            except FetchError as error:
                said = str(error)
            if said:
                assert f"{path}: could not be fetched" in said
                assert not path.exists()
            else:
                assert path.read_bytes() == body
        assert not path.exists() or not (tmp_path / "a.part").exists()
        assert all(request[0].split("?")[0] in ("/a", "/b") for request in server.requests)


def test_a_cut_file_is_continued_not_begun_again(tmp_path):
    with Loopback({"/a": BODY}, script("cut", "cut", "cut", "right")).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == BODY
        asked = [int(headers["Range"][6:-1]) for _, headers in server.requests[1:]]
        assert len(asked) == 3
        assert 0 < asked[0] < asked[1] < asked[2]
        assert all("If-Range" in headers for _, headers in server.requests[1:])


@pytest.mark.parametrize("fault", ["changed", "glue"])
def test_a_file_changed_in_between_is_not_glued(tmp_path, fault):
    files = {"/a": BODY}
    new = bytes(reversed(BODY))

    def change(number, path):
        if number:
            files["/a"] = new
        return ["cut", "glue" if fault == "glue" else "right", "right"][min(number, 2)]

    with Loopback(files, change).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == new


def test_a_half_is_never_continued_from_a_mirror_without_a_digest(tmp_path):
    other = bytes(reversed(BODY))
    with Loopback({"/a": BODY, "/b": other}, script("cut", "right")).running() as server:
        got = fetch([f"{server.url}/a", f"{server.url}/b"], tmp_path / "a", patience=QUICK).read_bytes()
        assert got == other
        assert "Range" not in server.requests[1][1]


def test_with_a_digest_a_mirror_continues_the_half(tmp_path):
    with Loopback({"/a": BODY, "/b": BODY}, script("cut", "right")).running() as server:
        urls = [f"{server.url}/a", f"{server.url}/b"]
        assert fetch(urls, tmp_path / "a", sha256=DIGEST, patience=QUICK).read_bytes() == BODY
        assert server.requests[1][0] == "/b"
        assert "Range" in server.requests[1][1]


def dated(path, body):
    """A server that knows versions by their date alone, and takes a second for the same."""
    return {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}


@pytest.mark.parametrize("then", ["right", "the same"])
@pytest.mark.parametrize("cut", ["", " cut"])
@pytest.mark.parametrize("first", [-7, -1, 1, 7])
def test_a_part_that_begins_elsewhere_is_not_glued(tmp_path, first, cut, then):
    """Its place is stated truly; a gap or a doubled byte could be followed by an end of the right length."""
    fault = f"part {first} 0 0{cut}"
    with Loopback(
        {"/a": BODY}, script("cut", fault, fault if then == "the same" else then)
    ).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == BODY


@pytest.mark.parametrize("fault", ["lying range", "part 0 1 1", "part 0 1 0", "part 0 5 0"])
def test_a_part_of_another_length_than_it_states_is_not_glued(tmp_path, fault):
    with Loopback({"/a": BODY}, script("cut", fault, "right")).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == BODY


@pytest.mark.parametrize("unsized", ["", " unsized"])
def test_a_part_that_ends_early_is_kept_and_the_next_is_asked_for(tmp_path, unsized):
    """A server may send less than it was asked for (RFC 9110, 15.3.7)."""
    parts = [f"part 0 -{left} 0{unsized}" for left in (900, 500, 100)]
    with Loopback({"/a": BODY}, script("cut", *parts, "right")).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == BODY
    asked = [int(headers["Range"][6:-1]) for _, headers in server.requests[1:]]
    assert asked[1:] == [len(BODY) - left for left in (900, 500, 100)]


@pytest.mark.parametrize("length", [150_000, 250_000])
def test_a_file_of_another_length_and_the_same_date_is_not_glued(tmp_path, length):
    """Two versions within a second have one date."""
    files, new = {"/a": BODY}, random.Random(1).randbytes(length)

    def change(number, path):
        if number:
            files["/a"] = new
        return "right" if number else "cut"

    with Loopback(files, change, dated).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == new
    assert "Range" in server.requests[1][1]


def test_a_date_is_enough_to_go_on_by(tmp_path):
    with Loopback({"/a": BODY}, script("cut", "right"), dated).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == BODY
    assert server.requests[1][1]["If-Range"] == dated("", b"")["Last-Modified"]


def test_a_weak_tag_tells_no_version_from_another(tmp_path):
    """It may stay though bytes change (RFC 9110, 8.8.1), and is no reason to go on."""
    files, new = {"/a": BODY}, bytes(reversed(BODY))

    def change(number, path):
        if number:
            files["/a"] = new
        return "glue" if number else "cut"

    with Loopback(files, change, lambda path, body: {"ETag": 'W/"x"'}).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == new
    assert "Range" not in server.requests[1][1]


def test_mirrors_have_tags_of_their_own(tmp_path):
    """With a digest a half is continued from any; a tag is sent only to whom it came from."""
    own = lambda path, body: {"ETag": f'"{path}"'}  # noqa: E731
    with Loopback({"/a": BODY, "/b": BODY}, script("cut", "right"), own).running() as server:
        urls = [f"{server.url}/a", f"{server.url}/b"]
        assert fetch(urls, tmp_path / "a", sha256=DIGEST, patience=QUICK).read_bytes() == BODY
    assert [path for path, _ in server.requests] == ["/a", "/b"]
    assert "Range" in server.requests[1][1]
    assert "If-Range" not in server.requests[1][1]


@pytest.mark.parametrize("off", [-1, 1])
def test_a_file_of_another_size_than_is_known_is_refused(tmp_path, off):
    size = len(BODY) + off
    with Loopback({"/a": BODY}).running() as server:
        with pytest.raises(FetchError, match=rf"offers {len(BODY)} bytes, not {size}"):
            fetch([f"{server.url}/a"], tmp_path / "a", size=size, patience=QUICK)
        assert len(server.requests) == 1
    unsaid = Loopback({"/a": BODY}, script("endless"))
    with unsaid.running(), pytest.raises(FetchError, match="could not be fetched"):
        fetch([f"{unsaid.url}/a"], tmp_path / "a", size=size, patience=QUICK)
    assert not list(tmp_path.iterdir())


def test_of_an_answer_without_length_no_more_is_taken_than_its_size(tmp_path):
    """Else a disk could be filled by a file of a known size."""
    server = Loopback({"/a": BODY}, script("endless"))
    with server.running(), pytest.raises(FetchError, match="sent more bytes than it said"):
        fetch([f"{server.url}/a"], tmp_path / "a", size=1000, patience=QUICK)


def test_what_has_no_end_is_not_asked_for_again(tmp_path):
    server = Loopback({"/a": BODY}, script("endless chunks"))
    with server.running(), pytest.raises(FetchError, match="had no end within"):
        fetch([f"{server.url}/a"], tmp_path / "a", patience=HOSTILE)
    assert len(server.requests) == 1
    assert not list(tmp_path.iterdir())


def test_a_line_that_is_cut_often_is_followed_to_the_end(tmp_path):
    """Each turn brings a twentieth; with fewer turns than that allowed without progress."""
    with Loopback({"/a": BODY}, script("gives 10000")).running() as server:
        path = fetch([f"{server.url}/a"], tmp_path / "a", patience=replace(QUICK, rounds=2))
        assert path.read_bytes() == BODY
        assert len(server.requests) == 20


def test_a_line_that_brings_a_byte_a_turn_is_given_up_and_what_came_is_kept(tmp_path):
    with Loopback({"/a": BODY}, script("gives 1")).running() as server:
        with pytest.raises(FetchError, match=rf" {QUICK.rounds} bytes are kept, the next call goes on"):
            fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK)
        assert len(server.requests) == QUICK.rounds


@pytest.mark.parametrize(
    "patience",
    [replace(QUICK, headers=1.5, timeout=1.5, slowest=1), replace(QUICK, headers=1.5, window=10)],
    ids=["longer than a window", "longer than headers may take"],
)
def test_a_long_download_is_not_cut_while_it_gets_on(tmp_path, patience):
    with Loopback({"/a": BODY}, script("steady")).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=patience).read_bytes() == BODY
        assert len(server.requests) == 1


def test_a_connection_that_becomes_slow_is_given_up(tmp_path):
    """What it brought before does not count."""
    with Loopback({"/a": BODY}, script("sluggish", "right")).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == BODY
        assert len(server.requests) == 2


def test_a_file_that_was_whole_when_the_process_was_killed_is_not_fetched_again(tmp_path, monkeypatch):
    calls = []

    def killed(_):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt

    with Loopback({"/a": BODY}).running() as server:
        monkeypatch.setattr("benchmark.files.fetching.checked.os.fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK)
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == BODY
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "times"),
    [(204, 1), (403, 1), (404, 1), (410, 1), (416, 1)]
    + [(status, QUICK.rounds) for status in (408, 425, 429, 500, 502, 503)],
)
def test_what_may_pass_is_asked_again_and_nothing_else(tmp_path, status, times):
    with Loopback({"/a": BODY}, script(str(status))).running() as server:
        with pytest.raises(FetchError, match=f"answered {status}") as caught:
            fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK)
        assert "kept" not in str(caught.value)
        assert len(server.requests) == times
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("told", "pauses"), [("503", [1, 2, 4, 5]), ("503 after 3", [3, 3, 4, 5]), ("retry", [5, 5, 5, 5])]
)
def test_pauses_double_and_are_those_that_are_asked_for_within_a_bound(tmp_path, monkeypatch, told, pauses):
    slept = []
    clock = SimpleNamespace(sleep=slept.append, monotonic=time.monotonic)
    monkeypatch.setattr("benchmark.files.fetching.download.time", clock)
    with Loopback({"/a": BODY}, script(told)).running() as server, pytest.raises(FetchError):
        fetch([f"{server.url}/a"], tmp_path / "a", patience=replace(QUICK, rounds=5, backoff=1, longest=5))
    assert slept == pauses


def test_what_is_encoded_is_not_asked_for_and_not_taken(tmp_path):
    """Its bytes are not those of the file, and its lengths are not those of what is kept."""
    server = Loopback({"/a": BODY}, script("encoded"))
    with server.running(), pytest.raises(FetchError, match="sends it encoded as gzip"):
        fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK)
    assert [headers["Accept-Encoding"] for _, headers in server.requests] == ["identity"]


def test_a_body_in_chunks_says_where_it_ends(tmp_path):
    with Loopback({"/a": BODY}, script("chunked")).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == BODY


def test_a_page_is_taken_where_one_is_wanted(tmp_path):
    with Loopback({"/a.html": b""}, script("page")).running() as server:
        path = fetch([f"{server.url}/a.html"], tmp_path / "a.html", patience=QUICK)
    assert path.read_bytes() == b"<html>log in</html>"


def test_the_digest_that_a_redirect_states_holds_for_mirrors_too(tmp_path):
    """The hub states it in a redirect; a mirror continues the half, and its bytes are judged by it."""
    faults = [f"linked {DIGEST}", "cut", "right", f"linked {DIGEST}", "right"]
    with Loopback({"/a": BODY, "/b": bytes(reversed(BODY))}, script(*faults)).running() as server:
        urls = [f"{server.url}/a", f"{server.url}/b"]
        assert fetch(urls, tmp_path / "a", patience=QUICK).read_bytes() == BODY
    assert [path for path, _ in server.requests] == ["/a", "/a", "/b", "/a", "/a"]
    assert "Range" in server.requests[2][1]


def test_a_redirect_without_a_sha256_states_no_digest(tmp_path):
    with Loopback({"/a": BODY}, script(f"linked {DIGEST[:40]}", "right")).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == BODY
        assert len(server.requests) == 2


def test_a_file_that_another_process_brought_is_checked_as_any(tmp_path):
    with Loopback({"/a": BODY}, script("slow")).running() as server, ThreadPoolExecutor(1) as pool:
        first = pool.submit(fetch, [f"{server.url}/a"], tmp_path / "a")
        until(lambda: (tmp_path / "a.part").exists() and (tmp_path / "a.part").stat().st_size)
        with pytest.raises(FetchError, match=f"{DIGEST}, expected {'0' * 64}"):
            fetch([f"{server.url}/a"], tmp_path / "a", sha256="0" * 64)
        assert first.result().read_bytes() == BODY


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("404", "answered 404"),
        ("503", "answered 503"),
        ("page", "a web page, not the file"),
        ("trickle", "brought only"),
        ("wrong bytes", "sha256 is not the one given or recorded"),
        ("too long", "connection failed|the answer ended"),
    ],
)
def test_what_cannot_be_had_is_said_with_the_address(tmp_path, fault, words):
    with Loopback({"/a": BODY}, script(fault)).running() as server:
        with pytest.raises(FetchError, match=words) as caught:
            fetch([f"{server.url}/a"], tmp_path / "a", sha256=DIGEST, patience=QUICK)
        assert f"{server.url}/a" in str(caught.value)
        assert "put the file there yourself" in str(caught.value)
        assert not (tmp_path / "a").exists()
        assert not (fault == "wrong bytes" and (tmp_path / "a.part").exists())
        asked = len(server.requests)
        assert asked == 1 if fault in ("404", "page") else QUICK.rounds <= asked <= QUICK.rounds + 2


def test_a_body_without_length_is_refused_unless_it_can_be_checked(tmp_path):
    with Loopback({"/a": BODY}, script("endless")).running() as server:
        with pytest.raises(FetchError, match="a cut would go unseen"):
            fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK)
        fetch([f"{server.url}/a"], tmp_path / "a", sha256=DIGEST, patience=QUICK)
        fetch([f"{server.url}/a"], tmp_path / "b", size=len(BODY), patience=QUICK)


@pytest.mark.parametrize("fault", ["right", "no ranges"])
def test_what_an_address_offers_is_told_for_one_byte(fault):
    with Loopback({"/a": BODY}, script(fault)).running() as server:
        assert offered(f"{server.url}/a", QUICK) == len(BODY)
    assert [headers["Range"] for _, headers in server.requests] == ["bytes=0-0"]


def test_an_address_that_answers_otherwise_offers_no_file():
    with Loopback({"/a": BODY}, script("page", "page", "403")).running() as server:
        with pytest.raises(FetchError, match="a web page, not the file"):
            offered(f"{server.url}/a", QUICK)
        assert offered(f"{server.url}/a", QUICK, page=True) == len(b"<html>log in</html>")
        with pytest.raises(FetchError, match="answered 403"):
            offered(f"{server.url}/a", QUICK, page=True)


def test_a_digest_may_be_written_in_capitals(tmp_path):
    with Loopback({"/a": BODY}).running() as server:
        fetch([f"{server.url}/a"], tmp_path / "a", sha256=DIGEST.upper(), patience=QUICK)
        fetch([f"{server.url}/a"], tmp_path / "a", sha256=DIGEST.upper(), patience=QUICK)


@pytest.mark.parametrize("known", ["", "{", "[]", "{}", '{"other": 1}'])
def test_a_half_of_which_nothing_is_known_is_fetched_anew(tmp_path, known):
    (tmp_path / "a.part").write_bytes(b"of something else")
    (tmp_path / "a.part.json").write_text(known)
    with Loopback({"/a": BODY}).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK).read_bytes() == BODY
        assert "Range" not in server.requests[0][1]


def test_digest_recorded_at_first_use_holds_ever_after(tmp_path):
    files = {"/a": BODY}
    path = tmp_path / "a"
    with Loopback(files).running() as server:
        fetch([f"{server.url}/a"], path)
        path.write_bytes(BODY[:-1] + b"!")
        with pytest.raises(FetchError, match=r"its sha256 is .* expected .*delete a\.sha256 if the file was"):
            fetch([f"{server.url}/a"], path)
        path.unlink()
        files["/a"] = b"renewed"
        with pytest.raises(FetchError, match=r"recorded in a\.sha256"):
            fetch([f"{server.url}/a"], path, patience=QUICK)
        (tmp_path / "a.sha256").unlink()
        assert fetch([f"{server.url}/a"], path).read_bytes() == b"renewed"


def test_a_file_put_there_by_hand_is_checked_and_recorded(tmp_path):
    (tmp_path / "a").write_bytes(BODY)
    fetch(["http://127.0.0.1:9/a"], tmp_path / "a", size=len(BODY))
    assert (tmp_path / "a.sha256").read_text().startswith(DIGEST)
    with pytest.raises(FetchError, match=r"200000 bytes, not 3"):
        fetch(["http://127.0.0.1:9/a"], tmp_path / "a", size=3)
    (tmp_path / "a.sha256").write_text("nothing\n")
    with pytest.raises(FetchError, match=r"a\.sha256: holds no sha256"):
        fetch(["http://127.0.0.1:9/a"], tmp_path / "a")


def test_offline_refuses_and_asks_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("IQA_OFFLINE", "1")
    with Loopback({"/a": BODY}).running() as server:
        with pytest.raises(FetchError, match=r"IQA_OFFLINE forbids.*unset IQA_OFFLINE, or put the file"):
            fetch([f"{server.url}/a"], tmp_path / "a")
        assert not server.requests
    (tmp_path / "b").write_bytes(BODY)
    assert fetch(["https://example.org/b"], tmp_path / "b") == tmp_path / "b"


def test_a_local_mirror_stands_in_for_every_host(tmp_path, monkeypatch):
    with Loopback({"/example.org/x/a.zip": BODY}).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url + "/")
        path = fetch(["https://example.org/x/a.zip?download=true"], tmp_path / "a.zip")
        assert path.read_bytes() == BODY
        assert server.requests[0][0] == "/example.org/x/a.zip?download=true"
        assert mirrored("http://example.org/a") == "http://example.org/a"


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


FETCH = "import sys; from pathlib import Path; from benchmark.files.fetching import fetch; "
FETCH += "print(hash(fetch([sys.argv[1]], Path(sys.argv[2])).read_bytes()) is not None)"


def started(code, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True},
        env=os.environ | environment,
    )


def until(holds):
    waited = time.monotonic() + 120
    while not holds() and time.monotonic() < waited:
        time.sleep(0.01)
    assert holds()


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


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/a", "/etc/passwd", "data:,a", "http://"]
)
def test_only_addresses_of_the_web_are_asked(tmp_path, url):
    with pytest.raises(FetchError, match="is not an address of http or https"):
        fetch([url], tmp_path / "a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/a", "gopher://127.0.0.1/a"])
def test_a_redirect_to_another_scheme_is_refused(tmp_path, target):
    with Loopback({"/a": BODY}, script(f"to {target}")).running() as server:
        with pytest.raises(FetchError, match="is not an address of http or https"):
            fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK)
        assert len(server.requests) == 1


def test_redirects_are_followed_as_far_as_ten_and_know_their_cookies(tmp_path):
    for name, fault in (("a", "hops 10"), ("b", "cookie")):
        with Loopback({"/a": BODY}, script(fault)).running() as server:
            assert fetch([f"{server.url}/a"], tmp_path / name, patience=QUICK).read_bytes() == BODY
    server = Loopback({"/a": BODY}, script("hops 11"))
    with server.running(), pytest.raises(FetchError, match="could not be fetched"):
        fetch([f"{server.url}/a"], tmp_path / "c", patience=replace(QUICK, rounds=1))


def test_a_folder_in_the_place_of_the_file_is_said_before_anything_is_asked(tmp_path):
    (tmp_path / "a").mkdir()
    with Loopback({"/a": BODY}).running() as server:
        with pytest.raises(FetchError, match="a: is not a file; move it away"):
            fetch([f"{server.url}/a"], tmp_path / "a", patience=QUICK)
        assert not server.requests


def test_a_server_names_no_file(tmp_path):
    with Loopback({"/a": BODY}, script("named")).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "in/a").read_bytes() == BODY
    assert files_in(tmp_path) == ["in"]
    assert files_in(tmp_path / "in") == ["a", "a.sha256"]


@pytest.mark.parametrize(
    "fault",
    ["silent", "headers", "continues", "header drip", "trailers", "endless chunks", "drip", "redirects",
     "endless redirect", "bomb", "retry", "odd numbers"],
)  # fmt: skip
def test_no_server_keeps_a_caller_longer_than_its_patience(tmp_path, fault):
    with Loopback({"/a": BODY}, script(fault)).running() as server:
        began = time.monotonic()
        with pytest.raises(FetchError, match="could not be fetched"):
            fetch([f"{server.url}/a"], tmp_path / "a", patience=HOSTILE)
        assert time.monotonic() - began < 20
    assert not (tmp_path / "a").exists()


HUB = "https://huggingface.co/own/set/resolve/main/w.pt"


def test_the_hub_is_asked_where_its_variables_say(tmp_path, monkeypatch):
    with Loopback({"/own/set/resolve/main/w.pt": BODY, "/second": BODY}).running() as server:
        monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
        assert fetch([HUB], tmp_path / "a").read_bytes() == BODY
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(FetchError, match=r"HF_HUB_OFFLINE forbids.*unset HF_HUB_OFFLINE"):
            fetch([HUB], tmp_path / "b")
        assert len(server.requests) == 1
        assert fetch([HUB, f"{server.url}/second"], tmp_path / "b").read_bytes() == BODY
        assert server.requests[1][0] == "/second"


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
@pytest.mark.parametrize(
    ("said", "forbids"),
    [("1", True), ("yes", True), ("0", False), ("no", False), ("Off", False), ("", False)],
)
def test_the_hub_is_offline_as_its_own_library_reads_it(tmp_path, monkeypatch, name, said, forbids):
    with Loopback({"/own/set/resolve/main/w.pt": BODY}).running() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv(name, said)
        if forbids:
            with pytest.raises(FetchError, match=f"{name} forbids"):
                fetch([HUB], tmp_path / "a", patience=QUICK)
        else:
            fetch([HUB], tmp_path / "a", patience=QUICK)
        assert len(server.requests) == (not forbids)


def test_the_hub_is_told_who_asks_and_nobody_else_is(tmp_path, monkeypatch):
    """Its answer leads to another host, which must not see the token."""
    monkeypatch.setenv("HF_TOKEN", "secret")
    with Loopback({"/a": BODY, "/huggingface.co/x": BODY}).running() as store:
        fault = lambda number, path: f"to {store.url}/a"  # noqa: E731
        with Loopback({"/own/set/resolve/main/w.pt": BODY}, fault).running() as hub:
            monkeypatch.setenv("HF_ENDPOINT", hub.url)
            fetch([HUB], tmp_path / "a", patience=QUICK)
            fetch([f"{store.url}/a"], tmp_path / "b", patience=QUICK)
        assert [headers["Authorization"] for _, headers in hub.requests] == ["Bearer secret"]
        monkeypatch.setenv("IQA_MIRROR", store.url)  # a mirror of one's own is not the hub
        fetch(["https://huggingface.co/x"], tmp_path / "c", patience=QUICK)
        assert ["Authorization" in headers for _, headers in store.requests] == [False] * 3


def test_a_proxy_of_the_environment_is_asked(tmp_path, monkeypatch):
    with Loopback({"http://example.org/a": BODY}).running() as server:
        monkeypatch.setenv("http_proxy", server.url)
        assert fetch(["http://example.org/a"], tmp_path / "a").read_bytes() == BODY
        assert server.requests[0][0] == "http://example.org/a"
