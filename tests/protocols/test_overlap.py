import pytest

from benchmark.protocols import (
    named_in,
    shared_files,
)


def test_files_shared_with_the_training_set_are_counted(tmp_path):
    for name, content in {"a": b"one", "b": b"two", "c": b"three", "x": b"two", "y": b"six"}.items():
        (tmp_path / name).write_bytes(content)
    train, test = ([tmp_path / n for n in names] for names in ("ab", "xyc"))
    assert shared_files(train, test) == 1
    assert shared_files(train, [tmp_path / "y", tmp_path / "absent"]) == 0
    assert shared_files([tmp_path / "absent"], test) == 0


@pytest.mark.parametrize(
    ("words", "title", "found"),
    [
        ("KonIQ-10k, training split", "KonIQ-10k", True),
        ("koniq 10k", "KonIQ-10k (authentic)", True),
        ("400 million image-text pairs", "KonIQ-10k", False),
        ("trained on LIVE", "LIVE", True),
        ("lively pictures", "LIVE", False),
        ("LIVE in the Wild", "LIVE", False),
        ("pictures", "", False),
    ],
)
def test_a_card_that_names_the_data_set(words, title, found):
    assert named_in(words, title) is found
