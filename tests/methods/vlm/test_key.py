"""The key of an endpoint goes where it must, and nowhere else."""

import pytest
from typer.testing import CliRunner

import methods
from benchmark.files import web
from benchmark.images import write_png
from experiments.cli import app
from methods.vlm.asking import EndpointError
from tests.methods.vlm.endpoint import KEY, Endpoint, cut, files_in, grey, later, one, reply, said, stall


def echoing(status):
    """A server that repeats what it was sent, and would put the key wherever a text goes."""

    def echo(handler):
        key = handler.headers["Authorization"].removeprefix("Bearer ")
        body = (
            said(f"3.5 {key}") if status == 200 else {"error": {"message": f"{'x' * 60} key {key} is wrong"}}
        )
        reply(handler, status, body, Location=f"http://x/{key}", Retry_After=9999)

    return echo


def raw_echo(handler):
    reply(handler, 200, b"x" * 60 + handler.headers["Authorization"].encode())


@pytest.mark.parametrize("fault", [200, 302, 400, 401, 404, 422, 429, 500, 503, raw_echo, cut, stall])
def test_the_key_is_written_nowhere(fault, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_png(tmp_path / "a.png", grey()[0])
    script = [echoing(fault) if isinstance(fault, int) else fault] * 2
    with Endpoint(*script).running() as server:
        told = [f"endpoint={server.url}", "model=m", "retries=1", "timeout=0.15"]
        arguments = [part for pair in told for part in ("--set", pair)]
        done = CliRunner().invoke(app, ["score", "a.png", "-m", "vlm", "-o", "s.csv", *arguments])
        again = CliRunner().invoke(app, ["score", "a.png", "-m", "vlm", "-o", "t.csv", *arguments])
    assert server.requests[0][1]["Authorization"] == f"Bearer {KEY}"
    assert done.exit_code
    texts = [done.output, repr(done.exception), again.output, repr(again.exception)]
    texts += [path.read_text() for path in files_in(tmp_path) if path.suffix != ".png"]
    assert not [text for text in texts if KEY[:12] in text or KEY[-12:] in text]


def test_a_key_reaches_no_other_host():
    with Endpoint().running() as other:
        away = later(307, Location=f"{other.url}/chat/completions")
        with Endpoint(away).running() as server, pytest.raises(EndpointError, match="nothing is sent there"):
            one(server)
    assert not other.requests


def test_no_proxy_stands_before_this_machine(monkeypatch):
    monkeypatch.delenv("NO_PROXY")
    with Endpoint().running() as proxy, Endpoint().running() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        one(server)
    assert (len(server.requests), len(proxy.requests)) == (1, 0)


def test_a_netrc_file_has_no_say(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Endpoint().running() as server:
        one(server)
        one(server, key="", seed=3)
        one(server, key="OTHER_VARIABLE", seed=4)
    told = [headers.get("Authorization") for _, headers in server.requests]
    assert told == [f"Bearer {KEY}", None, None]


def test_a_key_is_not_sent_in_the_clear(monkeypatch):
    with pytest.raises(EndpointError, match=r"not encrypted.*OPENAI_API_KEY") as caught:
        methods.load("vlm", endpoint="http://node7:8000/v1", model="m")
    assert KEY not in str(caught.value)
    methods.load("vlm", endpoint="http://node7:8000/v1", model="m", key="")
    for endpoint in ("https://api.example.org/v1", "http://localhost:1/v1", "http://[::1]:1/v1"):
        methods.load("vlm", endpoint=endpoint, model="m")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-two\nlines")
    with pytest.raises(EndpointError, match="the key in OPENAI_API_KEY has characters") as caught:
        methods.load("vlm", endpoint="https://api.example.org/v1", model="m")
    assert "sk-two" not in str(caught.value)
    with pytest.raises(EndpointError, match="the name of an environment variable") as caught:
        methods.load("vlm", endpoint="https://api.example.org/v1", model="m", key=KEY)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("method", [web.post])
def test_what_is_no_address_is_not_asked(method):
    with pytest.raises(web.AddressError):
        method("file:///etc/passwd", b"", {}, seconds=1, largest=1)
