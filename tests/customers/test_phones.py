"""Phones are read as people write them, and shown masked."""

import pytest

from customers.errors import BadPhone
from customers.queries.phones import masked, normalised


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("13812345678", "+8613812345678"),
        (" 138-1234 5678 ", "+8613812345678"),
        ("+86 138 1234 5678", "+8613812345678"),
        ("008613812345678", "+8613812345678"),
        ("8613812345678", "+8613812345678"),
        ("１３８１２３４５６７８", "+8613812345678"),
        ("+44 (20) 7946-0958", "+442079460958"),
        ("＋852 9123 4567", "+85291234567"),
    ],
)
def test_a_number_has_one_form_however_it_is_written(text: str, number: str) -> None:
    assert normalised(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "1381234567", "138123456789", "12812345678", "+8612345678901", "+86", "+1234567", "+1234567890123456", "王芳",
     "1381234567a", "0216543210", "+0123456789", "١٣٨١٢٣٤٥٦٧٨"],
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BadPhone):
        normalised(text)


def test_a_number_is_shown_without_its_middle() -> None:
    assert masked("+8613812345678") == "138****5678"
    assert masked("+442079460958") == "+44****0958"
