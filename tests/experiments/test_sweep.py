"""Which kinds the sweep takes."""

import pytest

from benchmark.degradations import GROUPS, LEVELS
from experiments.sweep import chosen


def test_all_kinds_or_some_by_their_groups():
    assert chosen("all") == {group: list(kinds) for group, kinds in GROUPS.items()}
    assert chosen(["jpeg", "gaublur"]) == {"blur": ["gaublur"], "jpeg": ["jpeg"]}
    assert sorted(kind for kinds in chosen(list(LEVELS)).values() for kind in kinds) == sorted(LEVELS)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match=r"sweep\.kinds: 'gausblur'.*did you mean 'gaublur'"):
        chosen(["gausblur"])
