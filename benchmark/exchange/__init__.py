"""Results that are handed on: a record of one method on one data set, made, read and checked.

Nothing in a record is executed, whoever sent it: it is text and numbers of bounded size, and what it says is
held against the scores beside it and against the data set that is here.
"""

from .check import CARD, COST, GIVEN, Check, check, differs
from .making import carded, in_setting, machine, make, stated, versions
from .ranking import learnt, ranked
from .record import LARGEST, SCHEMA, Record, beside, paths, printable, read, records, write

__all__ = [
    "CARD",
    "COST",
    "GIVEN",
    "LARGEST",
    "SCHEMA",
    "Check",
    "Record",
    "beside",
    "carded",
    "check",
    "differs",
    "in_setting",
    "learnt",
    "machine",
    "make",
    "paths",
    "printable",
    "ranked",
    "read",
    "records",
    "stated",
    "versions",
    "write",
]
