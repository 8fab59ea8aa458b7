"""Ask a web server for something, under limits that it cannot stretch.

A time limit on a connection counts from one byte to the next, so a server that sends a byte now and then, or
headers without end, keeps a caller for ever. Here a watch shuts the connection when its time is over.
"""

from __future__ import annotations

import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NameResolutionError

T = TypeVar("T")

#: Redirects that are followed.
REDIRECTS = 10
#: What a server, or the way to it, can raise here.
FAULTS = (requests.RequestException, HTTPError)


class AddressError(ValueError):
    """An address that is not asked, given as such or as the target of a redirect."""


class NoAnswer(ValueError):
    """A server that could not be reached, was too slow, or broke off: asking again may help."""


@dataclass(frozen=True)
class Answer:
    """What a server answered: status, headers (whatever their case) and body."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def check_address(url: str, before: str = "") -> None:
    """Raise AddressError unless `url` is of http or https, with a host, and as safe as the one `before`."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise AddressError(f"{url!r} is not an address ({error})") from error
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\0-\x20\x7f]", url):
        raise AddressError(f"{url!r} is not an address of http or https")
    if urlsplit(before).scheme == "https" and parts.scheme != "https":
        raise AddressError(f"leads to an address without encryption, {url}")


def whole_number(text: str | None) -> int | None:
    """Return the number that a header holds, or nothing where it holds no plain one."""
    return int(text) if text and re.fullmatch("[0-9]{1,18}", text) else None


def why(error: BaseException) -> str:
    """Say what failed of the way to a server: the proxy, the encryption, the name, or the connection."""
    chain = list(_causes(error))
    last = next((one.strerror for one in reversed(chain) if isinstance(one, OSError) and one.strerror), "")
    detail = last or type(chain[-1]).__name__
    for kind, said in (
        (requests.exceptions.ProxyError, "the proxy of HTTP_PROXY or HTTPS_PROXY does not let it through"),
        ((requests.exceptions.SSLError, ssl.SSLError), "the encryption (TLS) is refused"),
        (NameResolutionError, "the name of the server is not known here"),
    ):
        if any(isinstance(one, kind) for one in chain):
            return f"{said} ({detail})"
    return f"the connection failed ({detail})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was made from: requests and urllib3 keep that in arguments and reasons too."""
    seen: set[int] = set()
    left: list[Any] = [error]
    while left:
        one = left.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            left += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


class Watch(threading.Thread):
    """Shuts connections when `due` (of ``time.monotonic``) is past; move it forward to grant more time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(daemon=True)
        self.due = time.monotonic() + seconds
        self.rang = False
        self._sockets: list[socket.socket] = []
        self._lock, self._over = threading.Lock(), threading.Event()

    def run(self) -> None:
        """Wait until the time is over, or `end`."""
        while (left := self.due - time.monotonic()) > 0:
            if self._over.wait(left):
                return
        with self._lock:
            self.rang = True
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def add(self, connection: socket.socket) -> None:
        """Watch a connection too."""
        with self._lock:
            self._sockets.append(connection.dup())  # TLS takes the socket itself over
            if self.rang:
                connection.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Watch no longer."""
        self._over.set()
        with self._lock:
            for each in self._sockets:
                each.close()
            self._sockets = []


@contextmanager
def ask(
    url: str, headers: Mapping[str, str], *, timeout: float, seconds: float
) -> Iterator[tuple[requests.Response, Watch]]:
    """Ask an address; proxies are those of the environment, as requests knows them.

    Parameters
    ----------
    url
        Address of http or https.
    headers
        Headers of the request.
    timeout
        Seconds without any byte before the connection is given up.
    seconds
        Seconds until all headers must be here, redirects included; then the watch shuts the connection,
        unless its time is moved forward.

    Yields
    ------
    Response, Watch
        The answer, its body not yet read; its ``history`` holds the redirects.

    Raises
    ------
    AddressError
        If the address, or one that it leads to, is not of http or https, or one of https leads to http.
    """
    check_address(url)
    with _watched(seconds) as (session, watch), _followed(session, url, dict(headers), timeout) as answer:
        yield answer, watch


@contextmanager
def _watched(seconds: float) -> Iterator[tuple[requests.Session, Watch]]:
    """Open a session that raises at a redirect, and whose connections are watched."""
    watch = Watch(seconds)
    with requests.Session() as session:
        session.hooks["response"] = [_stop_at_redirect]
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Watched(watch))
        watch.start()
        try:
            yield session, watch
        finally:
            watch.end()


def read(url: str, *, seconds: float, largest: int) -> bytes:
    """Return what lies at an address.

    Parameters
    ----------
    url
        Address of http or https.
    seconds
        For all of it.
    largest
        Bytes that it may have.

    Raises
    ------
    ValueError
        Saying why it could not be had.
    """
    headers = {"Accept-Encoding": "identity", "User-Agent": "qualibench"}
    watch = None
    try:
        with ask(url, headers, timeout=seconds, seconds=seconds) as (answer, watch):
            if answer.status_code != 200:
                raise ValueError(f"the server answered {answer.status_code}")
            return _body(answer, watch, largest)
    except (*FAULTS, TimeoutError) as error:
        raise NoAnswer(_said(error, watch, seconds)) from error


def post(
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    *,
    bearer: str = "",
    direct: bool = False,
    seconds: float,
    largest: int,
) -> Answer:
    """Send bytes to an address and return the answer, whatever its status.

    A redirect is an answer like any other and is not followed. No password of a netrc file is sent.

    Parameters
    ----------
    url
        Address of http or https.
    content
        What is sent.
    headers
        Headers of the request, but for ``Authorization``.
    bearer
        What ``Authorization`` holds after ``Bearer``, or "" to leave that out.
    direct
        Whether the proxies of the environment are left aside.
    seconds
        For all of the answer.
    largest
        Bytes that it may have.

    Raises
    ------
    NoAnswer
        If the server cannot be reached, is too slow or breaks off.
    ValueError
        If the answer is too large or encoded; an AddressError for what is no address.
    """
    check_address(url)
    sent = {"Accept-Encoding": "identity", "User-Agent": "qualibench", **headers}
    proxies = {"no_proxy": "*"} if direct else None
    with _watched(seconds) as (session, watch):
        try:
            answer = session.post(
                url,
                data=content,
                headers=sent,
                auth=_Bearer(bearer),
                proxies=proxies,
                stream=True,
                timeout=seconds,
            )
            with answer:
                return Answer(answer.status_code, answer.headers, _body(answer, watch, largest))
        except _Moved as moved:
            return Answer(moved.answer.status_code, moved.answer.headers, b"")
        except (*FAULTS, TimeoutError) as error:
            # The request that requests' errors hold has the key among its headers.
            raise NoAnswer(_said(error, watch, seconds)) from None


def _body(answer: requests.Response, watch: Watch, largest: int) -> bytes:
    """Read a body as it comes, and no more of it than is allowed."""
    if (coding := answer.headers.get("Content-Encoding", "identity")) != "identity":
        raise ValueError(f"the server sends it encoded as {coding}")
    length = whole_number(answer.headers.get("Content-Length"))
    content = bytearray()
    while (length or 0) <= largest and (chunk := answer.raw.read1(1 << 18, decode_content=False)):
        content += chunk
        if len(content) > largest:
            break
    if max(length or 0, len(content)) > largest:
        raise ValueError(f"more than {largest / 1e6:g} MB")
    if watch.rang:
        raise TimeoutError
    if length is not None and len(content) != length:
        raise NoAnswer(f"the answer ended after {len(content)} bytes of {length}")
    return bytes(content)


def _said(error: BaseException, watch: Watch | None, seconds: float) -> str:
    """Say what kept an answer from coming."""
    late = (watch is not None and watch.rang) or isinstance(error, requests.Timeout | TimeoutError)
    return f"not here within {seconds:g} s" if late else why(error)


class _Bearer(AuthBase):
    """A key in the header; also without one, for requests would look into netrc where it has no `auth`."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class _Moved(Exception):
    """A redirect; raised, for requests would first read its body, which may have no end."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__()
        self.answer = answer


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns; one that takes longer is left behind in a thread of its own.

    Raises
    ------
    TimeoutError
        If it takes longer.
    """
    done: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:
            done.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = done.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"not here within {seconds:g} s") from None
    if error is not None:
        raise error
    return cast(T, result)


def _stop_at_redirect(answer: requests.Response, **_: Any) -> None:
    if answer.is_redirect:
        answer.close()
        raise _Moved(answer)


def _followed(
    session: requests.Session, url: str, headers: dict[str, str], timeout: float
) -> requests.Response:
    """Follow redirects, each address checked before it is asked."""
    history: list[requests.Response] = []
    while len(history) <= REDIRECTS:
        try:
            answer = session.get(url, headers=headers, stream=True, timeout=timeout)
        except _Moved as moved:
            target = urljoin(url, moved.answer.headers["Location"])
            check_address(target, url)
            extract_cookies_to_jar(session.cookies, moved.answer.request, moved.answer.raw)
            history.append(moved.answer)
            if urlsplit(target).netloc != urlsplit(url).netloc:
                headers = {name: said for name, said in headers.items() if name != "Authorization"}
            url = target
        else:
            answer.history = history
            return answer
    raise requests.TooManyRedirects(f"more than {REDIRECTS} redirects")


class _Watched(HTTPAdapter):
    """Connections that a watch may shut, through a proxy or not."""

    def __init__(self, watch: Watch) -> None:
        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:  # as urllib3's own SOCKS connections do
                made = super()._new_conn()
                watch.add(made)
                return made

        class Safe(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                made = super()._new_conn()
                watch.add(made)
                return made

        plain = type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
        safe = type("SafePool", (HTTPSConnectionPool,), {"ConnectionCls": Safe})
        self._pools = {"http": plain, "https": safe}
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:
        super().init_poolmanager(*arguments, **settings)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *arguments: Any, **settings: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **settings)
        if not type(manager).__name__.startswith("SOCKS"):
            manager.pool_classes_by_scheme = self._pools
        return manager
