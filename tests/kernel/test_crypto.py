"""Personal data is unreadable at rest, findable by equality, and bound to its brand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import ids
from kernel.crypto import Unreadable, Vault, digest, new_secret

VAULT = Vault(b"k" * 32)
BRAND, OTHER = ids.new(), ids.new()


@given(st.text(max_size=40))
def test_what_is_sealed_can_be_opened(text: str) -> None:
    assert VAULT.open(BRAND, VAULT.seal(BRAND, text)) == text


def test_the_same_text_is_sealed_differently_each_time() -> None:
    assert VAULT.seal(BRAND, "13800000000") != VAULT.seal(BRAND, "13800000000")


def test_another_brand_or_key_cannot_open_it() -> None:
    sealed = VAULT.seal(BRAND, "13800000000")

    with pytest.raises(Unreadable):
        VAULT.open(OTHER, sealed)
    with pytest.raises(Unreadable):
        Vault(b"x" * 32).open(BRAND, sealed)


@pytest.mark.parametrize("position", [0, 1, 13, -1])
def test_an_altered_byte_is_noticed(position: int) -> None:
    sealed = bytearray(VAULT.seal(BRAND, "13800000000"))
    sealed[position] ^= 1

    with pytest.raises(Unreadable):
        VAULT.open(BRAND, bytes(sealed))


@pytest.mark.parametrize("rest", [b"", b"\x01", b"\x01" + b"0" * 12])
def test_a_value_cut_short_is_noticed(rest: bytes) -> None:
    with pytest.raises(Unreadable):
        VAULT.open(BRAND, rest)


def test_the_blind_index_finds_equals_within_a_brand_only() -> None:
    assert VAULT.index(BRAND, "13800000000") == VAULT.index(BRAND, "13800000000")
    assert VAULT.index(BRAND, "13800000000") != VAULT.index(OTHER, "13800000000")
    assert VAULT.index(BRAND, "13800000000") != Vault(b"x" * 32).index(BRAND, "13800000000")


def test_secrets_differ_and_their_digests_follow() -> None:
    one, two = new_secret(), new_secret()

    assert one != two
    assert digest(one) == digest(one) != digest(two)
