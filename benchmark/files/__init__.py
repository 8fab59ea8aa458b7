"""Files that several processes may want at once: written whole, held by one, kept inside their folder.

Before long work `check_file` and `check_folder` say whether its result could be written.
"""

from .digests import sha256_of
from .locks import NO_LOCKS, BusyError, alone, keeps_locks
from .names import SYSTEM, hidden, inside, plain
from .room import check_apart, check_file, check_folder
from .writing import (
    FULL,
    clear,
    full,
    packed,
    whole,
    write_arrays,
    write_bytes,
    write_csv,
    write_json,
    write_text,
)
from .yamls import read_yaml
