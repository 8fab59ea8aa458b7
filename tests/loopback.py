"""A small web server on this machine that misbehaves as told."""

import gzip
import random
import re
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer


class Server(ThreadingTCPServer):
    # http.server's own class asks the resolver for the host's name, and waits where there is none.
    daemon_threads = True
    request_queue_size = 64


class Handler(BaseHTTPRequestHandler):
    """Answers one request a connection, without a word on the terminal."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass


@contextmanager
def serving(handler, poll):
    """A server of this handler at work, which looks every `poll` seconds whether it is to end."""
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(poll,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def tag(path, body):
    """What tells one version of a file from another: a strong ETag of its bytes."""
    return {"ETag": f'"{hash(body)}"'}


class Loopback:
    """Serves `files` (path -> bytes); `script(request number, path)` names what is wrong with an answer.

    ``"part 1 -2 0"`` is a part that begins a byte after the one asked for, ends two before the last, and is
    said to be of the whole's right length; ``"cut"`` beside it breaks it off, ``"unsized"`` leaves out its
    own length. Whatever it says is what it sends, as far as there are such bytes. `validator(path, body)` are
    the headers by which versions of a file are told apart.
    """

    def __init__(self, files, script=lambda number, path: "right", validator=tag):
        self.files, self.script, self.validator, self.requests = files, script, validator, []
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @contextmanager
    def running(self):
        outer = self

        class Files(Handler):
            def do_GET(self):
                with outer.lock:
                    number = len(outer.requests)
                    outer.requests.append((self.path, dict(self.headers)))
                self.close_connection = True
                with suppress(BrokenPipeError, ConnectionResetError):
                    answer(self, outer, outer.script(number, self.path), random.Random(number))

        with serving(Files, 0.01) as self.server:
            yield self


def answer(handler, server, fault, draw):
    """Send the file as `fault` says."""
    path = handler.path
    if fault in HOSTILE:
        return HOSTILE[fault](handler, server)
    if fault.startswith("to "):
        return head(handler, 302, {"Location": fault[3:], "Content-Length": 0})
    if fault.startswith("linked "):
        return head(handler, 302, {"Location": path, "X-Linked-ETag": f'"{fault[7:]}"', "Content-Length": 0})
    if fault[:3].isdigit():
        status, _, wait = fault.partition(" after ")
        return head(handler, int(status), {"Content-Length": 0, "Retry-After": wait or 0})
    if fault == "redirect" and "hop" not in path:
        return head(handler, 302, {"Location": f"{server.url}{path}?hop", "Content-Length": 0})
    if fault.startswith("hops ") and path.count("+") < int(fault[5:]):
        return head(handler, 302, {"Location": f"{path}{'' if '?' in path else '?'}+", "Content-Length": 0})
    if fault == "cookie" and handler.headers.get("Cookie") != "seen=yes":
        return head(handler, 302, {"Location": path, "Set-Cookie": "seen=yes", "Content-Length": 0})
    if path.split("?")[0] not in server.files:
        return head(handler, 404, {"Content-Length": 0})
    body = server.files[path.split("?")[0]]
    if fault == "page":
        body = b"<html>log in</html>"
        return head(handler, 200, {"Content-Type": "text/html", "Content-Length": len(body)}, body)
    if fault == "encoded":
        body = gzip.compress(body)
        return head(handler, 200, {"Content-Encoding": "gzip", "Content-Length": len(body)}, body)
    if fault == "changed":
        body = bytes(reversed(body))
    known = {} if fault in ("no validator", "cut without validator") else server.validator(path, body)
    headers = {**known, "Content-Type": "application/octet-stream"}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
    condition = handler.headers.get("If-Range")
    start = int(asked[1]) if asked and (condition in (None, *known.values()) or fault == "glue") else None
    if start is not None and start >= len(body):
        return head(handler, 416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": 0})
    if start is not None and fault.startswith("part "):
        return part(handler, fault.split()[1:], body, start, headers, draw)
    status, sent = 200, body
    if start is not None and fault != "no ranges":
        stated = start + (draw.choice([-1, 1, 7]) if fault == "wrong range" else 0)
        end = min(int(asked[2] or len(body)), len(body) - 1)
        headers["Content-Range"] = f"bytes {stated}-{end}/{len(body)}"
        status, sent = 206, body[start : end + 1]
        if fault == "lying range":
            sent = sent[1:]
    if fault == "wrong bytes" and sent:
        place = draw.randrange(len(sent))
        sent = sent[:place] + bytes([sent[place] ^ 255]) + sent[place + 1 :]
    if fault == "endless":
        return head(handler, status, headers, sent)
    if fault == "named":
        headers["Content-Disposition"] = 'attachment; filename="../../escaped"'
    headers["Content-Length"] = len(sent) + (5 if fault == "too long" else 0)
    if fault in ("cut", "cut without validator"):
        sent = sent[: draw.randrange(len(sent))]
    if fault.startswith("gives "):
        sent = sent[: int(fault[6:])]
    if fault in ("steady", "sluggish"):  # twenty pieces in three seconds: of equal size, or the last bytes
        size = -(-len(sent) // 20) if fault == "steady" else 1
        early = max(0, len(sent) - 20 * size)
        head(handler, status, headers, sent[:early])
        for place in range(early, len(sent), size):
            handler.wfile.write(sent[place : place + size])
            time.sleep(0.15)
        return None
    if fault == "trickle":
        head(handler, status, headers)
        for byte in sent[:50]:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(0.02)
        return None
    if fault == "slow":
        head(handler, status, headers, sent[: len(sent) // 2])
        handler.wfile.flush()
        time.sleep(1)
        handler.wfile.write(sent[len(sent) // 2 :])
        return None
    if fault == "stall":
        head(handler, status, headers, sent[: len(sent) // 2])
        handler.wfile.flush()
        handler.connection.settimeout(10)
        handler.rfile.read(1)  # until the other side goes
        return None
    if fault == "chunked":
        del headers["Content-Length"]
        headers["Transfer-Encoding"] = "chunked"
        end = b"" if draw.random() < 0.5 else b"0\r\n\r\n"
        sent = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (sent[:9], sent[9:]) if p) + end
    return head(handler, status, headers, sent)


def part(handler, words, body, start, headers, draw):
    """Send the part that `words` says, see `Loopback`."""
    first, last, total = start + int(words[0]), len(body) - 1 + int(words[1]), len(body) + int(words[2])
    sent = body[first : last + 1].ljust(last + 1 - first, b"?")
    headers |= {"Content-Range": f"bytes {first}-{last}/{total}"}
    if "unsized" not in words:
        headers["Content-Length"] = len(sent)
    if "cut" in words:
        sent = sent[: draw.randrange(1, len(sent))]
    return head(handler, 206, headers, sent)


def head(handler, status, headers, body=b""):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, str(value))
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body)


def over_and_over(handler, first, piece, pause=0.0):
    """Send `first`, then `piece` until the other side goes, or for half a minute."""
    handler.wfile.write(first)
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        handler.wfile.write(piece)
        time.sleep(pause)


def silent(handler, server):
    handler.connection.settimeout(30)
    with suppress(TimeoutError):
        handler.rfile.read(1)


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(50_000_000))

#: Answers without an end, or too large once unpacked.
HOSTILE = {
    "silent": silent,
    "headers": lambda handler, server: over_and_over(handler, OK, b"X-A: " + b"b" * 1000 + b"\r\n"),
    "continues": lambda handler, server: over_and_over(handler, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "header drip": lambda handler, server: over_and_over(handler, OK + b"X-A: ", b"b", 0.05),
    "trailers": lambda handler, server: over_and_over(
        handler, CHUNKED + b"1\r\na\r\n0\r\n", b"X: y\r\n", 0.01
    ),
    "endless chunks": lambda handler, server: over_and_over(
        handler, CHUNKED, b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    ),
    "drip": lambda handler, server: over_and_over(handler, OK + b"Content-Length: 9999\r\n\r\n", b"a", 0.05),
    "redirects": lambda handler, server: head(
        handler, 302, {"Location": f"{server.url}{handler.path}", "Content-Length": 0}
    ),
    "endless redirect": lambda handler, server: over_and_over(
        handler, b"HTTP/1.1 302 Found\r\nLocation: /gone\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"
    ),
    "bomb": lambda handler, server: head(
        handler, 200, {"Content-Encoding": "gzip", "Content-Length": len(BOMB)}, BOMB
    ),
    "retry": lambda handler, server: head(handler, 503, {"Retry-After": 99999999, "Content-Length": 0}),
    "odd numbers": lambda handler, server: handler.wfile.write(
        b"HTTP/1.1 206 Partial\r\nContent-Length: \xb2\r\nRetry-After: \xb2\r\n"
        b"Content-Range: bytes 0-9/" + b"9" * 5000 + b"\r\n\r\n"
    ),
}
