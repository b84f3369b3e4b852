"""The simulator signs and encrypts as WeCom does."""

from random import Random

import pytest

from tests.wecom.sealing import Seal
from tests.wecom.vectors import VECTORS, Vector


@pytest.mark.parametrize("vector", VECTORS)
def test_what_was_published_is_read_and_signed_alike(vector: Vector) -> None:
    seal = Seal(vector.token, vector.aes_key, vector.corp_id)

    assert seal.sign(vector.timestamp, vector.nonce, vector.encrypted) == vector.signature
    assert seal.decrypt(vector.encrypted) == (vector.message, vector.corp_id)


@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 31, 32, 33, 4_096])
def test_whatever_is_sealed_is_read_again(length: int) -> None:
    seal = Seal(VECTORS[0].token, VECTORS[0].aes_key, VECTORS[0].corp_id)
    message = Random(length).randbytes(length)

    assert seal.decrypt(seal.encrypt(message)) == (message, VECTORS[0].corp_id)
