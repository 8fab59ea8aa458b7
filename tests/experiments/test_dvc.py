"""``dvc.lock`` as DVC itself would have written it."""

import copy
from collections import OrderedDict
from pathlib import Path

import pytest
from dvc import lock
from dvc.utils import serialize
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.scheduling import dvc

LOCK = Path("dvc.lock")
texts = st.text(st.characters(categories=["L", "N", "P", "S"], include_characters=" "), max_size=120)
#: As settings have them; the round trip alters those of more than 15 digits by itself.
numbers = st.sampled_from([0.0, 1e-9, 2.5e-3, 1e-05, 6.75e-2, 1.0, 1e6, 1e22, float("inf")]) | st.integers(
    -99999, 99999
).map(lambda n: n / 1000)
hashes = st.text("0123456789abcdef", min_size=32, max_size=32)
#: What YAML 1.1 and 1.2, or a reader in haste, may take for something else than text.
ODD = [
    "",
    "yes",
    "null",
    "~",
    "1e5",
    "0o14",
    "012",
    "1:30",
    "2001-01-01",
    "1_000",
    ".5",
    "a: b",
    "- a",
    "# a",
    "'",
]
scalars = st.none() | st.booleans() | st.integers() | numbers | texts | st.sampled_from(ODD) | hashes
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | hashes, inner, max_size=3)
)


def written(folder: Path, by, *changes):
    path = folder / "dvc.lock"
    path.unlink(missing_ok=True)
    for change in changes:
        with by(path) as data:
            data.update(copy.deepcopy(change))
    return serialize.load_yaml(path)


@settings(max_examples=100)
@given(first=st.dictionaries(texts, values, max_size=3), then=st.dictionaries(texts, values, max_size=3))
def test_dvc_reads_what_it_would_have_written_itself(tmp_path_factory, first, then):
    folder = tmp_path_factory.mktemp("lock")
    change = ({"schema": "2.0", "stages": OrderedDict(first)}, {"more": OrderedDict(then)})
    own, dvcs = (written(folder, by, *change) for by in (dvc.modify_yaml, serialize.modify_yaml))
    assert own == dvcs
    assert own == {**change[0], **change[1]}


def test_the_lock_file_of_the_default_stays_as_it_is(tmp_path):
    path = tmp_path / LOCK.name
    path.write_bytes(LOCK.read_bytes())
    with dvc.modify_yaml(path):
        pass
    assert path.read_bytes() == LOCK.read_bytes()


def test_other_files_keep_their_comments(tmp_path):
    path = tmp_path / "dvc.yaml"
    path.write_text("# why\nstages: {}\n")
    with dvc.modify_yaml(path) as data:
        data["more"] = 1
    assert "# why" in path.read_text()


def test_a_lock_that_is_let_go_of_is_taken_at_the_next_look(tmp_path, monkeypatch):
    held, asked = (lock.Lock(str(tmp_path / "lock"), wait=wait) for wait in (False, True))
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        if len(waited) == 3:
            held.unlock()

    held.lock()
    monkeypatch.setattr(dvc.time, "sleep", sleep)
    dvc.acquire(asked)
    assert asked.is_locked
    assert len(waited) == 3
    assert max(waited) <= 0.1  # DVC's own looks are half a second apart
    asked.unlock()


def test_a_lock_that_is_not_waited_for_is_given_up_as_by_dvc(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "DEFAULT_TIMEOUT", 0.06)
    held, asked = (lock.Lock(str(tmp_path / "lock")) for _ in range(2))
    held.lock()
    with pytest.raises(lock.LockError):
        dvc.acquire(asked)
    held.unlock()
