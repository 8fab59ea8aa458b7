"""A model behind an endpoint: a server on this machine that answers, lies, cuts, stalls and repeats keys."""

import base64
import io
import json
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import methods
from tests.loopback import Handler, head, serving

KEY = "sk-test/0123456789+abcdefghijklmnop"
WORDS = ("excellent", "good", "fair", "poor", "bad")
TOP = {"good": -0.5, " Good": -3.0, "fair": -1.5, "excellent": -2.5, "poor": -4.0, "bad": -6.0, "the": -7.0}


def quality(pixels):
    """What the model behind the server says of a picture: a fixed function of its pixels."""
    return f"{1 + 4 * (int(pixels.astype(np.int64).sum()) % 9973) / 9973:.3f}"


def said(text, **more):
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1000, "completion_tokens": 7, "total_tokens": 1007}
    return {"id": "x", "model": "served", "choices": [choice | more], "usage": usage}


def worded(token="good", top=TOP, before=()):
    """An answer by words, other tokens before the one that counts."""
    listed = [{"token": t, "logprob": p, "bytes": None} for t, p in top.items()]
    tokens = [{"token": t, "logprob": -0.1, "top_logprobs": []} for t in before]
    tokens.append({"token": token, "logprob": top.get(token, -0.1), "top_logprobs": listed})
    return said("".join([*before, token]), logprobs={"content": tokens}, finish_reason="length")


class Endpoint:
    """Answers requests in turn as `script` says: a status, a body, or a function of the handler."""

    def __init__(self, *script, answer=None):
        self.script, self.answer = script, answer or (lambda pixels: said(quality(pixels)))
        self.requests, self.bodies, self.pixels = [], [], []
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    @contextmanager
    def running(self):
        outer = self

        class Model(Handler):
            def do_POST(self):
                self.close_connection = True
                content = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.lock:
                    number = len(outer.requests)
                    outer.requests.append((self.path, dict(self.headers)))
                    outer.bodies.append(json.loads(content))
                    outer.pixels.append(sent(outer.bodies[-1]))
                fault = outer.script[number] if number < len(outer.script) else None
                with suppress(BrokenPipeError, ConnectionResetError):
                    if callable(fault):
                        fault(self)
                    elif isinstance(fault, int):
                        reply(self, fault, {"error": {"message": "later"}})
                    elif fault is not None:
                        reply(self, 200, fault)
                    else:
                        reply(self, 200, outer.answer(outer.pixels[number]))

        with serving(Model, 0.002) as self.server:
            yield self


def sent(body):
    """Pixels of the picture in a request."""
    parts = next(m for m in body["messages"] if m["role"] == "user")["content"]
    url = next(part["image_url"]["url"] for part in parts if part["type"] == "image_url")
    scheme, _, content = url.partition(",")
    assert scheme == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def reply(handler, status, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {"Content-Type": "application/json", "Content-Length": len(content)}
    head(handler, status, kind | {k.replace("_", "-"): v for k, v in headers.items()}, content)


def later(status, **headers):
    return lambda handler: reply(handler, status, {"error": {"message": "later"}}, **headers)


def cut(handler):
    head(handler, 200, {"Content-Length": 5000}, b'{"choices": [')


def cut_chunk(handler):
    head(handler, 200, {"Transfer-Encoding": "chunked"}, b'1000\r\n{"choices"')


def stall(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
    handler.wfile.flush()
    handler.connection.settimeout(5)
    with suppress(TimeoutError):
        handler.rfile.read(1)  # until the other side goes


def huge(handler):
    head(handler, 200, {"Content-Length": 10**12}, b"{")


def endless(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(200):
        handler.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def load(server, **settings):
    return methods.load("vlm", endpoint=server.url, model="some/VLM-7B", **{"retries": 2, **settings})


def grey(count=1, size=(24, 32)):
    return torch.from_numpy(np.random.default_rng(7).integers(0, 256, (count, 3, *size))).float() / 255


def sample():
    return np.zeros((4, 4, 3), np.uint8)


def one(server, **settings):
    """Score of one picture."""
    return load(server, **settings).score(grey()).item()


def expected(images):
    bytes_ = (images * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return torch.tensor([float(quality(each)) for each in bytes_])


def independent(top):
    """Mean level under a softmax, computed on arrays."""
    logits = [[p for t, p in top.items() if t.strip().lower() == word] for word in WORDS]
    logits = np.array([np.logaddexp.reduce(each) if each else -np.inf for each in logits])
    share = np.exp(logits - logits.max())
    return float(share / share.sum() @ np.array([5, 4, 3, 2, 1]))


def files_in(folder):
    return [path for path in Path(folder).rglob("*") if path.is_file()]
