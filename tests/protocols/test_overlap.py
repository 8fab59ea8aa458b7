import pytest

from benchmark.protocols import (
    named_in,
    shared,
)


def test_files_shared_with_the_training_set_are_counted():
    assert shared({"one", "two"}, ["two", "six", "three", "two"]) == 2
    assert shared(set(), ["two"]) == shared({"one"}, []) == 0


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
