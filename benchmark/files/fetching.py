"""Fetch a file over HTTP: resumed after a cut, from mirrors in turn, never a half or changed file as a whole.

`IQA_OFFLINE=1` refuses any request; `IQA_MIRROR=http://host:port` asks that server for ``/<host>/<path>``
instead of ``https://<host>/<path>``, for machines that reach only a mirror. Addresses of the Hugging Face hub
follow ``HF_ENDPOINT`` and ``HF_HUB_OFFLINE``, and are asked with the token of ``HF_TOKEN`` or of a login;
proxies are those of the environment.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from benchmark import files
from benchmark.files import web

CHUNK = 1 << 18
#: Left free on the disk after a download, in bytes.
RESERVE = 64 << 20
#: Where addresses of the Hugging Face hub begin.
HUB = "https://huggingface.co"


class FetchError(ValueError):
    """A file that could not be fetched; the message names the file, what each address said, and the cure."""


class BusyFetchError(FetchError, files.BusyError):
    """A file that another process fetches, and does not get on with."""


@dataclass(frozen=True)
class Patience:
    """How long to try.

    Parameters
    ----------
    rounds
        Turns through all addresses without progress before giving up.
    backoff, longest
        Seconds of the first pause between turns, doubled each time, and its bound.
    timeout
        Seconds without any byte before a connection is given up.
    window, slowest
        A connection that brings fewer than `slowest` bytes in `window` seconds is given up too.
    headers
        Seconds until an answer's headers are through, redirects included.
    unstated
        Bytes of an answer that does not say how long it is, and of which nobody else has said it.
    others
        Seconds to wait for another process that fetches the same file and gets nowhere.
    """

    rounds: int = 5
    backoff: float = 1.0
    longest: float = 30.0
    timeout: float = 30.0
    window: float = 60.0
    slowest: int = 1 << 14
    headers: float = 60.0
    unstated: int = 1 << 32
    others: float = 600.0


PATIENCE = Patience()


class _Failed(Exception):
    """One attempt failed; `gone` says that this address need not be asked again."""

    def __init__(self, reason: str, gone: bool = False, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.gone, self.pause = gone, pause


@dataclass
class _Known:
    """What is known of the file that the half beside it belongs to; kept in ``<path>.part.json``."""

    url: str = ""
    validator: str = ""
    total: int | None = None
    sha256: str = ""


def fetch(
    urls: Sequence[str],
    path: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    patience: Patience = PATIENCE,
) -> Path:
    """Bring a file to `path`, or check the one that is there.

    The file is written to ``<path>.part`` and renamed when it is whole. Its digest is `sha256` where given;
    otherwise it is recorded at first use in ``<path>.sha256`` and holds ever after (where the folder can be
    written). Of several processes that ask for it one fetches, the others wait and say so.

    Parameters
    ----------
    urls
        Addresses of the same file, asked in turn.
    path
        Where it shall lie; its folder is made.
    sha256
        Hexadecimal digest that the file must have.
    size
        Bytes that it must have.
    patience
        Bounds on time and attempts.

    Returns
    -------
    Path
        `path`, whole and checked.

    Raises
    ------
    FetchError
        If no address gives the file, the file differs from its digest or size, the disk is too small, the
        request is refused by ``IQA_OFFLINE``, or another process is fetching it and gets nowhere.
    """
    path = Path(path)
    record = path.with_name(path.name + ".sha256")
    expected = (sha256 or _recorded(record)).lower()
    if path.is_file():
        _check_present(path, expected, size, record)
        return path
    asked = _allowed(path, urls)
    if path.exists():
        raise FetchError(f"{path}: is no file; move it away")
    with _alone(path, patience) as part:
        if path.is_file():  # another process has brought it meanwhile
            _check_present(path, (sha256 or _recorded(record)).lower(), size, record)
            return path
        digest = _Download(asked, path, part, expected, size, patience).run()
        os.fsync(part.fileno())
        files.write_text(record, f"{digest}  {path.name}\n")
        os.replace(_beside(path, ".part"), path)
        _beside(path, ".part.json").unlink(missing_ok=True)
    return path


def mirrored(url: str) -> str:
    """Address to ask for `url`: itself, or its place on the server of ``IQA_MIRROR`` or ``HF_ENDPOINT``."""
    mirror = os.environ.get("IQA_MIRROR", "").rstrip("/")
    hub = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    if hub and not mirror and of_hub(url):
        return hub + url.removeprefix(HUB)
    parts = urlsplit(url)
    if not mirror or parts.scheme != "https":
        return url
    return f"{mirror}/{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def offered(url: str, patience: Patience = PATIENCE, *, page: bool = False) -> int | None:
    """Bytes that an address offers, of which one is asked for; nothing where it does not say.

    A web page is no file, unless it is a `page` that is looked for.

    Raises
    ------
    FetchError
        With what is wrong with the address.
    """
    bounds = {"timeout": patience.timeout, "seconds": patience.headers}
    _allowed(Path(url.rsplit("/", 1)[-1]), [url])
    watch = None
    try:
        with web.ask(mirrored(url), _headers(url) | {"Range": "bytes=0-0"}, **bounds) as (answer, watch):
            status, headers = answer.status_code, answer.headers
    except web.AddressError as error:
        raise FetchError(str(error)) from error
    except web.FAULTS as error:
        late = watch is not None and watch.rang
        raise FetchError("no answer in time" if late else web.why(error)) from error
    if status not in (200, 206):
        raise FetchError(f"answered {status}")
    if "html" in headers.get("Content-Type", "") and not page:
        raise FetchError("answered with a web page, not the file")
    whole = headers.get("Content-Range", "").rpartition("/")[2]
    return web.whole_number(whole if status == 206 else headers.get("Content-Length"))


def _headers(url: str) -> dict[str, str]:
    """Headers of every request; the hub is told who asks, if this machine holds a token for it."""
    found = {"Accept-Encoding": "identity", "User-Agent": "qualibench"}
    if of_hub(url) and not os.environ.get("IQA_MIRROR"):
        from huggingface_hub import get_token

        if token := get_token():
            found["Authorization"] = f"Bearer {token}"
    return found


def of_hub(url: str) -> bool:
    """Whether an address is one of the Hugging Face hub."""
    return url.startswith(f"{HUB}/")


def _set(name: str) -> bool:
    """Whether a variable of the environment says yes, as huggingface_hub reads it."""
    return os.environ.get(name, "").upper() not in ("", "0", "FALSE", "NO", "OFF")


def _allowed(path: Path, urls: Sequence[str]) -> list[str]:
    """Addresses that may be asked; raises where the environment forbids all of them, or one is none."""
    for url in urls:
        try:
            web.check_address(url)
        except web.AddressError as error:
            raise FetchError(f"{path}: {error}; correct it where it is named") from error
    forbids = "IQA_OFFLINE" if os.environ.get("IQA_OFFLINE", "0") not in ("", "0") else ""
    asked = [] if forbids else list(urls)
    if not forbids and not os.environ.get("IQA_MIRROR"):
        forbids = next((name for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE") if _set(name)), "")
        asked = [url for url in urls if not (forbids and of_hub(url))]
    if forbids and urls and not asked:
        raise FetchError(
            f"{path}: is not here and {forbids} forbids fetching it; unset {forbids}, or put the file "
            f"there ({', '.join(urls)})"
        )
    return asked


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _recorded(record: Path) -> str:
    try:
        content = record.read_text()
    except FileNotFoundError:  # asked for, not looked for: another process may delete it in between
        return ""
    digest = (content.split() or [""])[0]
    if not re.fullmatch("[0-9a-fA-F]{64}", digest):
        raise FetchError(f"{record}: holds no sha256 digest; delete it to record the digest anew")
    return digest


def _check_present(path: Path, expected: str, size: int | None, record: Path) -> None:
    """Check a whole file, and record its digest where none was known."""
    if size is not None and path.stat().st_size != size:
        raise FetchError(f"{path}: has {path.stat().st_size} bytes, not {size}; delete it and fetch it again")
    found = files.sha256_of(path)
    if expected and found != expected:
        raise FetchError(
            f"{path}: its sha256 is {found}, expected {expected}; delete it and fetch it again"
            + (f", or delete {record.name} if the file was renewed at its source" if record.is_file() else "")
        )
    if not record.is_file():
        with suppress(OSError):  # a folder that is shared and read-only: checked here, recorded nowhere
            files.write_text(record, f"{found}  {path.name}\n")


@contextmanager
def _alone(path: Path, patience: Patience) -> Iterator[IO[bytes]]:
    """Open ``<path>.part`` for this process alone; the lock goes with the process, even a killed one."""
    half = _beside(path, ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            files.alone(
                half,
                f"{path}: another process is fetching it",
                patience=patience.others,
                sign=lambda: half.stat().st_size if half.exists() else -1,
            ),
            half.open("ab") as part,
        ):
            try:
                yield part
            finally:
                if not os.fstat(part.fileno()).st_size:
                    half.unlink(missing_ok=True)
    except files.BusyError as error:
        raise BusyFetchError(str(error)) from error
    except OSError as error:
        raise FetchError(
            f"{path}: cannot be written ({error.strerror or error}); make room, get the right to write "
            "there, or put the file there yourself"
        ) from error


class _Download:
    """One file being fetched: the addresses left, the half that is there, what it belongs to."""

    def __init__(
        self, urls: list[str], path: Path, part: IO[bytes], sha256: str, size: int | None, patience: Patience
    ) -> None:
        self.urls, self.path, self.part, self.patience = urls, path, part, patience
        self.sha256, self.size = sha256, size
        self.reasons: dict[str, str] = {}
        self.known = self._read_known()

    @property
    def have(self) -> int:
        """Bytes in the half that is there."""
        return os.fstat(self.part.fileno()).st_size

    def run(self) -> str:
        """Ask the addresses in turn until the half is whole and right; returns its sha256."""
        if self.size is not None:
            self._check_disk(self.size)
        if self._whole() and (digest := self._right()):
            return digest
        turns, mark = 0, self.have
        while turns < self.patience.rounds and self.urls:
            pause = min(self.patience.backoff * 2**turns, self.patience.longest)
            for url in list(self.urls):
                try:
                    return self._attempt(url)
                except _Failed as failure:
                    self.reasons[url] = str(failure)
                    pause = max(pause, min(failure.pause, self.patience.longest))
                    if failure.gone:
                        self.urls.remove(url)
            # A long file over a bad line is cut many times: what brought a hundredth of it is no lost turn.
            if self.have - mark > (self.known.total or 0) // 100:
                turns, mark = 0, self.have
            else:
                turns += 1
            if self.urls and turns < self.patience.rounds:
                time.sleep(pause)
        said = "; ".join(f"{url}: {reason}" for url, reason in self.reasons.items()) or "no address is known"
        kept = f" {self.have} bytes are kept, the next call goes on from there." if self._resumes("") else ""
        raise FetchError(
            f"{self.path}: could not be fetched ({said}).{kept} Check the network, or put the file there "
            "yourself"
        )

    def _attempt(self, url: str) -> str:
        if not self._resumes(url):
            self._restart()
        headers = _headers(url)
        if self.have:
            headers["Range"] = f"bytes={self.have}-"
            if self.known.validator and self.known.url == url:
                headers["If-Range"] = self.known.validator
        bounds = {"timeout": self.patience.timeout, "seconds": self.patience.headers}
        watch = None
        try:
            with web.ask(mirrored(url), headers, **bounds) as (answer, watch):
                self._accept(url, answer)
                self._receive(answer, watch)
        except web.AddressError as error:
            raise _Failed(str(error), gone=True) from error
        except web.FAULTS as error:
            if watch is not None and watch.rang:
                raise _Failed(f"its answer did not come in time ({type(error).__name__})") from error
            raise _Failed(web.why(error)) from error
        if not self._whole():
            raise _Failed(f"the answer ended after {self.have} bytes of {self.known.total}")
        if digest := self._right():
            return digest
        raise _Failed(f"its size or sha256 is not the one given or recorded in {self.path.name}.sha256")

    def _accept(self, url: str, answer: Any) -> None:
        """Judge the status and headers of an answer; leaves the half such that its body can be appended."""
        status, headers = answer.status_code, answer.headers
        total: int | None
        if status == 416 and self.have:
            self._restart()
            raise _Failed("holds fewer bytes than are here already; starting anew")
        if status not in (200, 206):
            passing = status in (408, 425, 429) or status >= 500
            raise _Failed(f"answered {status}", not passing, _seconds(headers.get("Retry-After", "")))
        if "html" in headers.get("Content-Type", "") and self.path.suffix not in (".html", ".htm"):
            raise _Failed("answered with a web page, not the file", gone=True)
        if headers.get("Content-Encoding", "identity") != "identity":
            raise _Failed(f"sends it encoded as {headers['Content-Encoding']}", gone=True)
        validator = _validator(headers)
        if status == 206:
            total = self._check_range(headers, validator, url)
        else:
            self._restart()
            total = web.whole_number(headers.get("Content-Length"))
            chunked = "chunked" in headers.get("Transfer-Encoding", "")
            if total is None and not chunked and not self.sha256 and self.size is None:
                raise _Failed("does not say how long the file is, so a cut would go unseen", gone=True)
        if total is not None:
            if self.size is not None and total != self.size:
                raise _Failed(f"offers {total} bytes, not {self.size}", gone=True)
            self._check_disk(total)
        self.known = _Known(url, validator, total, self.sha256 or _hub_digest(answer) or self.known.sha256)
        files.write_text(_beside(self.path, ".part.json"), json.dumps(asdict(self.known)))

    def _check_range(self, headers: Any, validator: str, url: str) -> int:
        """Make sure that a partial answer continues the half that is here; returns the whole's length."""
        found = re.fullmatch(
            r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", headers.get("Content-Range", "").strip()
        )
        start, end, total = map(int, found.groups()) if found else (-1, -1, -1)
        length = web.whole_number(headers.get("Content-Length"))
        changed = url == self.known.url and validator != self.known.validator
        if (
            start != self.have
            or end != total - 1
            or self.known.total not in (None, total)
            or length not in (None, end - start + 1)
            or changed
        ):
            self._restart()
            said = headers.get("Content-Range", "no range")
            raise _Failed(f"sent another part than was asked for ({said}); starting anew")
        return total

    def _receive(self, answer: Any, watch: web.Watch) -> None:
        """Append the body to the half, giving up on a connection that crawls or does not end."""
        from tqdm import tqdm

        largest = self.size if self.size is not None else self.known.total
        if largest is None:
            largest = self.patience.unstated
        longest = (
            self.patience.window + self.patience.timeout
        )  # for one read, which may wait for a whole line
        watch.due = time.monotonic() + longest
        began, brought = time.monotonic(), 0
        with tqdm(
            total=self.known.total,
            initial=self.have,
            unit="B",
            unit_scale=True,
            desc=self.path.name,
            disable=not sys.stderr.isatty(),
        ) as bar:
            while chunk := answer.raw.read1(CHUNK, decode_content=False):
                self._append(chunk)
                bar.update(len(chunk))
                brought += len(chunk)
                if self.have > largest:
                    self._restart()
                    stated = self.known.total is not None or self.size is not None
                    raise _Failed(
                        "sent more bytes than it said"
                        if stated
                        else f"had no end within {largest / 1e9:.2f} GB and does not say how long it is",
                        gone=not stated,
                    )
                if time.monotonic() - began > self.patience.window and not self._whole():
                    if brought < self.patience.slowest:
                        raise _Failed(f"brought only {brought} bytes in {self.patience.window:g} s")
                    began, brought = time.monotonic(), 0
                    watch.due = began + longest
        if watch.rang:
            raise _Failed("its answer did not come in time")
        if self.known.total is None:  # a chunked body says by itself where it ends
            self.known.total = self.have

    def _append(self, chunk: bytes) -> None:
        try:
            self.part.write(chunk)
            self.part.flush()
        except OSError as error:
            raise FetchError(
                f"{self.path}: cannot be written ({error.strerror or error}); {self.have} bytes are kept, "
                "free some space and call again"
            ) from error

    def _check_disk(self, total: int) -> None:
        need, free = total - self.have, shutil.disk_usage(self.path.parent).free
        if need + RESERVE > free:
            raise FetchError(
                f"{self.path}: needs {need / 1e9:.2f} GB more and {free / 1e9:.2f} GB are free; make room, "
                "or use another disk"
            )

    def _resumes(self, url: str) -> bool:
        """Whether the half may be continued from `url` ("" for any): only where a mix would be noticed."""
        if not 0 < self.have < (self.known.total or self.have + 1):
            return False
        if self.sha256 or self.known.sha256:
            return True
        return bool(self.known.validator) and url in ("", self.known.url)

    def _whole(self) -> bool:
        return self.known.total is not None and self.have == self.known.total

    def _right(self) -> str:
        """Sha256 of the half if it has the expected size and digest; else "", and it is thrown away."""
        digest = files.sha256_of(_beside(self.path, ".part"))
        if self.size in (None, self.have) and (self.sha256 or self.known.sha256) in ("", digest):
            return digest
        self._restart()
        return ""

    def _restart(self) -> None:
        self.part.truncate(0)
        self.known = _Known()

    def _read_known(self) -> _Known:
        try:
            known = _Known(**json.loads(_beside(self.path, ".part.json").read_text()))
        except (OSError, ValueError, TypeError):
            return _Known()  # nothing is known of the half, so it is fetched anew
        return known


def _validator(headers: Any) -> str:
    """Return the header by which a server recognises a changed file: a strong ETag, or the date."""
    etag = str(headers.get("ETag", ""))
    return etag if etag.startswith('"') else str(headers.get("Last-Modified", ""))


def _hub_digest(answer: Any) -> str:
    """Sha256 that the Hugging Face hub states in its redirect to a large file; "" elsewhere."""
    for step in answer.history:
        digest = step.headers.get("X-Linked-ETag", "").strip('"')
        if re.fullmatch("[0-9a-f]{64}", digest):
            return str(digest)
    return ""


def _seconds(text: str) -> float:
    return float(web.whole_number(text) or 0)
