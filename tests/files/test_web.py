"""Pictures at addresses: there within their time and size, or given up with the reason."""

import io
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from benchmark import images
from benchmark.files import web
from benchmark.images import ImageError
from experiments.scoring import inputs
from tests.loopback import HOSTILE, Loopback

ENDLESS = sorted(set(HOSTILE) - {"retry", "odd numbers"})


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setenv("IQA_TIMEOUT", "0.5")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(images.addresses, "BYTES", 2_000_000)


def png():
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("fault", ["right", "redirect", "chunked", "endless"])
def test_a_picture_is_read_from_its_address(monkeypatch, fault):
    monkeypatch.setenv("IQA_TIMEOUT", "30")
    with Loopback({"/a.png": png()}, lambda number, path: fault).running() as server:
        picture = images.read(f"{server.url}/a.png")
    assert torch.equal(picture, torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 30, 40))


@pytest.mark.parametrize(
    "fault", [*ENDLESS, "retry", "404", "cut", "to file:///etc/hostname", "to ftp://x/a"]
)
def test_no_server_keeps_a_picture_waiting(fault):
    with Loopback({"/a.png": png()}, lambda number, path: fault).running() as server:
        began = time.monotonic()
        with pytest.raises(ImageError, match=r"/a\.png: cannot be fetched"):
            images.read(f"{server.url}/a.png")
        assert time.monotonic() - began < 10


def test_a_picture_larger_than_the_bound_is_given_up():
    large = Loopback({"/a.png": bytes(2_000_001)})
    with large.running(), pytest.raises(ImageError, match="more than 2 MB"):
        images.read(f"{large.url}/a.png")


def test_a_store_that_does_not_answer_is_left_behind(monkeypatch):
    monkeypatch.setattr("fsspec.open", lambda *_, **__: time.sleep(20))
    with pytest.raises(ImageError, match=r"not here within 0\.5 s"):
        images.read("memory://shop/a.png")
    slow = SimpleNamespace(find=lambda *_, **__: time.sleep(20))
    monkeypatch.setattr("fsspec.url_to_fs", lambda *_: (slow, "/shop"))
    with pytest.raises(ValueError, match=r"cannot be listed \(TimeoutError"):
        inputs.pictures(["memory://shop/"])


@pytest.mark.parametrize("told", ["soon", "0", "-1", "nan", "inf"])
def test_a_time_limit_that_is_none_is_refused(monkeypatch, told):
    monkeypatch.setenv("IQA_TIMEOUT", told)
    with pytest.raises(ValueError, match=r"IQA_TIMEOUT=.*give a number of seconds"):
        images.patience()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "https://", "http://a b/", "x", "http://[::1"])
def test_what_is_no_address_of_the_web_is_refused(url):
    with pytest.raises(web.AddressError, match="not an address"):
        web.check_address(url)


def test_what_is_encrypted_stays_so():
    web.check_address("https://b.org/x", before="http://a.org/x")
    with pytest.raises(web.AddressError, match="without encryption"):
        web.check_address("http://b.org/x", before="https://a.org/x")


def test_a_redirect_out_of_encryption_is_not_followed(monkeypatch):
    asked = []

    def moved(self, url, **_):
        asked.append(url)
        raise web._Moved(SimpleNamespace(headers={"Location": "http://b.org/x"}))

    monkeypatch.setattr("requests.Session.get", moved)
    with pytest.raises(web.AddressError, match="without encryption"):
        web.read("https://a.org/x", seconds=5, largest=10)
    assert asked == ["https://a.org/x"]


def test_the_limits_are_stated():
    text = (Path(__file__).parents[2] / "docs/limits.md").read_text()
    assert f"{images.SECONDS:g} s" in text
    assert "IQA_TIMEOUT" in text


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("s3://a/b.png", True),
        ("simplecache::https://a/b.png", True),
        ("a/http://b.png", False),
        ("a.png", False),
    ],
)
def test_an_address_begins_with_its_scheme(path, address):
    """The name of a file below a folder is none, whatever a record from elsewhere calls it."""
    assert images.is_address(path) is address


@pytest.mark.parametrize(
    ("scheme", "host", "proxy", "words"),
    [
        ("https", "127.0.0.1", "", r"the encryption \(TLS\) is refused \("),
        ("http", "no.such.host.invalid", "", "the name of the server is not known here"),
        ("http", "127.0.0.1:9", "", r"the connection failed \(Connection refused\)"),
        (
            "https",
            "example.org",
            "http://127.0.0.1:9",
            r"the proxy of .* does not let it through \(Connection refused",
        ),
    ],
)
def test_what_failed_on_the_way_is_said(monkeypatch, scheme, host, proxy, words):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with Loopback({}).running() as server:
        port = server.server.server_address[1]
        address = f"{scheme}://{host}{f':{port}' if scheme == 'https' and not proxy else ''}/a"
        with pytest.raises(ValueError, match=words):
            web.read(address, seconds=20, largest=100)
