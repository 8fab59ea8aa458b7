"""Results that are handed on: a record of one method on one data set, made, read and checked.

Nothing in a record is executed, whoever sent it: it is text and numbers of bounded size, and what it says is
held against the scores beside it and against the data set that is here.
"""

from .check import Check, check
from .making import machine, make
from .ranking import learnt, ranked
from .record import LARGEST, SCHEMA, Record, beside, read, records, write

__all__ = [
    "LARGEST",
    "SCHEMA",
    "Check",
    "Record",
    "beside",
    "check",
    "learnt",
    "machine",
    "make",
    "ranked",
    "read",
    "records",
    "write",
]
