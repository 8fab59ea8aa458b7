"""DVC as a program, beside others of its kind: quick to write ``dvc.lock``, and to see that a lock is free.

At the end of each stage DVC parses the file and writes it anew by ruamel.yaml's round trip, in Python, which
keeps comments. The file has none: parser and emitter in C leave the same bytes in a fourth of the time.
Where another DVC holds the project's lock, for a part of a second, it would look again after half a second.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections import OrderedDict
from contextlib import AbstractContextManager
from typing import Any, TextIO

from dvc import dvcfile, lock
from dvc.utils.serialize import _common, _yaml
from ruamel.yaml import YAML
from ruamel.yaml.representer import SafeRepresenter

#: Seconds after which is looked again whether the project's lock is free.
AGAIN = 0.05

_by_dvc, _lock_by_dvc = dvcfile.modify_yaml, lock.Lock.lock


class _Representer(SafeRepresenter):
    """Represents as the round trip does."""


_Representer.add_representer(OrderedDict, SafeRepresenter.represent_dict)
_Representer.add_representer(type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", ""))


def _dump(data: Any, stream: TextIO) -> None:
    yaml = YAML(typ="safe")
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    text = io.StringIO()
    yaml.dump(data, text)
    # Before a null, which is written as nothing, the emitter in C leaves a space, the one in Python does not.
    stream.write(text.getvalue().replace(": \n", ":\n"))


def modify_yaml(path: Any, fs: Any = None) -> AbstractContextManager[Any]:
    """Give what a file holds, and write it when the block ends: DVC's own, but for ``dvc.lock``."""
    if os.path.basename(path) != dvcfile.LOCK_FILE:
        return _by_dvc(path, fs=fs)
    return _common._modify_data(path, _yaml.parse_yaml, _dump, fs=fs)


def acquire(own: Any) -> None:
    """Acquire a `dvc.lock.Lock`: as DVC does, but for one that is waited for without end."""
    while own._wait:
        try:
            own._do_lock()
            return
        except lock.LockError:
            time.sleep(AGAIN)
    _lock_by_dvc(own)


if __name__ == "__main__":
    dvcfile.modify_yaml, lock.Lock.lock = modify_yaml, acquire
    from dvc.cli import main

    sys.exit(main(sys.argv[1:]))
