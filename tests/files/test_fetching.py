"""Fetching from servers that cut, lie and crawl: the exact file or a clear error."""

import hashlib
import random
from dataclasses import replace

import pytest

from benchmark.files.fetching import FetchError, fetch
from tests.files.served import BODY, DIGEST, HOSTILE, QUICK, dated, files_in, script
from tests.loopback import Loopback

FAULTS = [
    "right", "cut", "cut", "cut without validator", "wrong range", "lying range", "glue", "no ranges", "404",
    "403", "416", "429", "500", "503", "redirect", "trickle", "page", "too long", "chunked", "no validator",
]  # fmt: skip


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
