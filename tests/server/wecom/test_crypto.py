"""What WeCom signs and encrypts is read, and nothing else is."""

from base64 import b64decode, b64encode
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.wecom.crypto import Letterbox, SignatureWrong, Unreadable
from tests.wecom.sealing import Seal
from tests.wecom.vectors import VECTORS, Vector

KEY = VECTORS[0].aes_key


def opened(box: Letterbox, vector: Vector, **changed: str) -> bytes:
    given = {"signature": vector.signature, "timestamp": vector.timestamp, "nonce": vector.nonce}
    return box.open(changed.pop("encrypted", vector.encrypted), **(given | changed))


def box_of(vector: Vector) -> Letterbox:
    return Letterbox(vector.token, vector.aes_key, vector.corp_id)


@pytest.mark.parametrize("vector", VECTORS)
def test_what_was_published_is_read(vector: Vector) -> None:
    assert opened(box_of(vector), vector) == vector.message


@pytest.mark.parametrize("changed", ["signature", "timestamp", "nonce", "encrypted"])
@pytest.mark.parametrize("vector", VECTORS)
def test_whatever_of_it_is_altered_nothing_is_decrypted(
    vector: Vector, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decrypt(_self: Letterbox, _sealed: bytes) -> bytes:
        raise AssertionError("decrypted before the signature was right")

    monkeypatch.setattr(Letterbox, "_decrypt", decrypt)
    value = getattr(vector, changed)
    altered = ("b" if value[0] == "a" else "a") + value[1:]

    with pytest.raises(SignatureWrong):
        opened(box_of(vector), vector, **{changed: altered})


def test_another_token_signs_otherwise() -> None:
    with pytest.raises(SignatureWrong):
        opened(Letterbox("another", KEY, VECTORS[0].corp_id), VECTORS[0])


def test_what_is_meant_for_another_corp_is_refused() -> None:
    with pytest.raises(Unreadable):
        opened(Letterbox(VECTORS[0].token, KEY, "ww6a112864f802291"), VECTORS[0])


def test_another_key_reads_nothing() -> None:
    with pytest.raises(Unreadable):
        opened(Letterbox(VECTORS[0].token, VECTORS[1].aes_key, VECTORS[0].corp_id), VECTORS[0])


@given(message=st.binary(max_size=300), seed=st.integers(0, 2**32))
def test_what_the_other_implementation_seals_is_read(message: bytes, seed: int) -> None:
    params, encrypted = Seal("token", KEY, "ww1").call(message, 1_700_000_000, Random(seed))

    read = Letterbox("token", KEY, "ww1").open(
        encrypted, signature=params["msg_signature"], timestamp=params["timestamp"], nonce=params["nonce"]
    )

    assert read == message


@given(sealed=st.binary(max_size=200), as_text=st.booleans(), noise=st.text(max_size=60))
def test_what_is_signed_and_makes_no_sense_is_unreadable_and_no_bug(sealed: bytes, as_text: bool, noise: str) -> None:
    encrypted = b64encode(sealed).decode() if as_text else noise
    seal, box = Seal("token", KEY, "ww1"), Letterbox("token", KEY, "ww1")
    signature = box.signature("1", "2", encrypted)
    if encrypted.isascii():
        assert signature == seal.sign("1", "2", encrypted)

    with pytest.raises(Unreadable):
        box.open(encrypted, signature=signature, timestamp="1", nonce="2")


@pytest.mark.parametrize("place", range(16, 20))
def test_a_length_that_leads_out_of_it_is_refused(place: int) -> None:
    """The length is bytes 16 to 20 of what is encrypted: to turn a bit of the block before turns one of it."""
    params, encrypted = Seal("token", KEY, "ww1").call(b"x" * 40, 1, Random(1))
    sealed = bytearray(b64decode(encrypted))
    sealed[place - 16] ^= 0x7F
    altered, box = b64encode(bytes(sealed)).decode(), Letterbox("token", KEY, "ww1")

    with pytest.raises(Unreadable):
        box.open(altered, signature=box.signature("1", params["nonce"], altered), timestamp="1", nonce=params["nonce"])
