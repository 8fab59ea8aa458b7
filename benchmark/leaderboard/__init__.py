"""A leaderboard of records of many people as static pages: all methods, all records, each data set."""

from .entries import SITE, UNSAID, Entry, Standing
from .pages import pages

__all__ = ["SITE", "UNSAID", "Entry", "Standing", "pages"]
