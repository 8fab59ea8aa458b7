"""Fetch a file over HTTP: resumed after a cut, from mirrors in turn, never a half or changed file as a whole.

`IQA_OFFLINE=1` refuses any request; `IQA_MIRROR=http://host:port` asks that server for ``/<host>/<path>``
instead of ``https://<host>/<path>``, for machines that reach only a mirror. Addresses of the Hugging Face hub
follow ``HF_ENDPOINT`` and ``HF_HUB_OFFLINE``, and are asked with the token of ``HF_TOKEN`` or of a login;
proxies are those of the environment.
"""

from benchmark.files.fetching.addresses import HUB, mirrored, offered
from benchmark.files.fetching.checked import fetch
from benchmark.files.fetching.download import RESERVE
from benchmark.files.fetching.limits import PATIENCE, BusyFetchError, FetchError, Patience
