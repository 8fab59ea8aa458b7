"""One file on its way: the addresses in turn, the half that is here, and whether it may be continued."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from benchmark import files
from benchmark.files import web
from benchmark.files.fetching.addresses import mirrored, request_headers
from benchmark.files.fetching.limits import FetchError, Patience

CHUNK = 1 << 18
#: Left free on the disk after a download, in bytes.
RESERVE = 64 << 20


class Download:
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
        reasons = (
            "; ".join(f"{url}: {reason}" for url, reason in self.reasons.items()) or "no address is known"
        )
        kept = f" {self.have} bytes are kept, the next call goes on from there." if self._resumes("") else ""
        raise FetchError(
            f"{self.path}: could not be fetched ({reasons}).{kept} Check the network, or put the file there "
            "yourself"
        )

    def _attempt(self, url: str) -> str:
        if not self._resumes(url):
            self._restart()
        headers = request_headers(url)
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
        files.write_text(beside(self.path, ".part.json"), json.dumps(asdict(self.known)))

    def _check_range(self, headers: Any, validator: str, url: str) -> int:
        """Make sure that a partial answer continues the half that is here; returns the whole's length.

        It may end before the file does: what is missing is asked for next.
        """
        stated = re.fullmatch(
            r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", headers.get("Content-Range", "").strip()
        )
        start, end, total = map(int, stated.groups()) if stated else (-1, -1, -1)
        length = web.whole_number(headers.get("Content-Length"))
        changed = url == self.known.url and validator != self.known.validator
        if (
            start != self.have
            or self.known.total not in (None, total)
            or length not in (None, end - start + 1)
            or changed
        ):
            self._restart()
            sent = headers.get("Content-Range", "no range")
            raise _Failed(f"sent another part than was asked for ({sent}); starting anew")
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
                    stated = self.known.total is not None or self.size is not None
                    self._restart()
                    raise _Failed(
                        "sent more bytes than it said"
                        if stated
                        else f"had no end within {largest / 1e9:.3g} GB and does not say how long it is",
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
                f"{self.path}: needs {need / 1e9:.3g} GB more and {free / 1e9:.3g} GB are free; make room, "
                "or use another disk"
            )

    def _resumes(self, url: str) -> bool:
        """Whether the half may be continued from `url` ("" for any): only where a mix would be noticed."""
        if not self.have:
            return False
        if self.sha256 or self.known.sha256:
            return True
        return bool(self.known.validator) and url in ("", self.known.url)

    def _whole(self) -> bool:
        return self.known.total is not None and self.have == self.known.total

    def _right(self) -> str:
        """Sha256 of the half if it has the expected size and digest; else "", and it is thrown away."""
        digest = files.sha256_of(beside(self.path, ".part"))
        if self.size in (None, self.have) and (self.sha256 or self.known.sha256) in ("", digest):
            return digest
        self._restart()
        return ""

    def _restart(self) -> None:
        self.part.truncate(0)
        self.known = _Known()

    def _read_known(self) -> _Known:
        try:
            known = _Known(**json.loads(beside(self.path, ".part.json").read_text()))
        except (OSError, ValueError, TypeError):
            return _Known()  # nothing is known of the half, so it is fetched anew
        return known


@dataclass
class _Known:
    """What is known of the file that the half beside it belongs to; kept in ``<path>.part.json``."""

    url: str = ""
    validator: str = ""
    total: int | None = None
    sha256: str = ""


class _Failed(Exception):
    """One attempt failed; `gone` says that this address need not be asked again."""

    def __init__(self, reason: str, gone: bool = False, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.gone, self.pause = gone, pause


def beside(path: Path, ending: str) -> Path:
    """Return the path of a file that belongs to another."""
    return path.with_name(path.name + ending)


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
