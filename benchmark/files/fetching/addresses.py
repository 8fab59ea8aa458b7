"""Which addresses are asked, as the environment has it, and what one offers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from benchmark.files import web
from benchmark.files.fetching.limits import PATIENCE, FetchError, Patience

#: Where addresses of the Hugging Face hub begin.
HUB = "https://huggingface.co"


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

    A web page is not a file, unless it is a `page` that is looked for.

    Raises
    ------
    FetchError
        With what is wrong with the address.
    """
    bounds = {"timeout": patience.timeout, "seconds": patience.headers}
    allowed(Path(url.rsplit("/", 1)[-1]), [url])
    watch = None
    try:
        with web.ask(mirrored(url), request_headers(url) | {"Range": "bytes=0-0"}, **bounds) as (
            answer,
            watch,
        ):
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


def request_headers(url: str) -> dict[str, str]:
    """Headers of every request; the hub is told who asks, if this machine holds a token for it."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "qualibench"}
    if of_hub(url) and not os.environ.get("IQA_MIRROR"):
        from huggingface_hub import get_token

        if token := get_token():
            headers["Authorization"] = f"Bearer {token}"
    return headers


def of_hub(url: str) -> bool:
    """Whether an address is one of the Hugging Face hub."""
    return url.startswith(f"{HUB}/")


def _set(name: str) -> bool:
    """Whether a variable of the environment says yes, as huggingface_hub reads it."""
    return os.environ.get(name, "").upper() not in ("", "0", "FALSE", "NO", "OFF")


def allowed(path: Path, urls: Sequence[str]) -> list[str]:
    """Addresses that may be asked; raises where the environment forbids all of them, or one is none."""
    for url in urls:
        try:
            web.check_address(url)
        except web.AddressError as error:
            raise FetchError(f"{path}: {error}; correct it where it is named") from error
    forbids = "IQA_OFFLINE" if _set("IQA_OFFLINE") else ""
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
