"""What a server answers: what is asked again, what is taken, what is told of it."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest

from benchmark.files.fetching import FetchError, fetch, offered
from tests.files.served import BODY, DIGEST, HOSTILE, QUICK, files_in, script, until
from tests.loopback import Loopback


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
