"""Where files are asked for: offline, mirrors, redirects, the hub, proxies."""

from dataclasses import replace

import pytest

from benchmark.files.fetching import FetchError, fetch, mirrored
from tests.files.served import BODY, QUICK, script
from tests.loopback import Loopback


def test_offline_refuses_and_asks_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("IQA_OFFLINE", "1")
    with Loopback({"/a": BODY}).running() as server:
        with pytest.raises(FetchError, match=r"IQA_OFFLINE forbids.*unset IQA_OFFLINE, or put the file"):
            fetch([f"{server.url}/a"], tmp_path / "a")
        assert not server.requests
    (tmp_path / "b").write_bytes(BODY)
    assert fetch(["https://example.org/b"], tmp_path / "b") == tmp_path / "b"


@pytest.mark.parametrize("said", ["0", "", "false", "No", "off"])
def test_what_says_no_does_not_forbid(tmp_path, monkeypatch, said):
    monkeypatch.setenv("IQA_OFFLINE", said)
    with Loopback({"/a": BODY}).running() as server:
        assert fetch([f"{server.url}/a"], tmp_path / "a").read_bytes() == BODY


def test_a_local_mirror_stands_in_for_every_host(tmp_path, monkeypatch):
    with Loopback({"/example.org/x/a.zip": BODY}).running() as server:
        monkeypatch.setenv("IQA_MIRROR", server.url + "/")
        path = fetch(["https://example.org/x/a.zip?download=true"], tmp_path / "a.zip")
        assert path.read_bytes() == BODY
        assert server.requests[0][0] == "/example.org/x/a.zip?download=true"
        assert mirrored("http://example.org/a") == "http://example.org/a"


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
