"""Callbacks that were published with their keys: what every implementation has to read."""

from typing import NamedTuple


class Vector(NamedTuple):
    """A call, the keys it is made with, and what it says to whom."""

    token: str
    aes_key: str
    encrypted: str
    timestamp: str
    nonce: str
    signature: str
    message: bytes
    corp_id: str


VECTORS = (
    Vector(
        token="kjr2TKI8umCBfVF3wAHk8JiPwma5VBme",
        aes_key="4Ma3YBrSBbX2aez8MJpXGBne5LSDwgGqHbhM9WPYIws",
        encrypted="6KmUQuPVu7UhjyVqRdbo5SfcRqaHvbUlKSHFvBV2ZuR6TIlKsygcfeSd1GDplg1C5KSKr6UPHCaC/nIX3ZNt9w==",
        timestamp="1583940690",
        nonce="VHh7ymSeb0jc4lSb",
        signature="1ba3cb09c0d2c2b3ed6900d37f91a6efae6cb011",
        message=b"94966531020182955848408",
        corp_id="ww6a112864f8022910",
    ),
    Vector(
        token="kz7Yx62CH8SaLN",
        aes_key="cD0d7jx4tYvVtzqrmh3Dm3QFCXe6f8SlHoMtMh3qQEP",
        encrypted=(
            "fyVN9BUnH6xNl0/VCHTCg6XGxxvoFdyZ7VQbAbBcQ79dVccYvdIyJYZSMMhkPy8LPaoe+V27qjoQ553fXavmrPOgxzHrKKf3YIu63pB4/n"
            "N0LY4S+GzUFi/LLFj1TI1sOh0q2jT5u1nYz5G3HFNLd3DFUvJVLtZl8mVMwUOzBpzKZhhmCvIJLVlvym9tt+VYwG06MSbmnf9AzYFKhm1B"
            "Iy+95Q824ilY6Wy8l+vkFqEdASl2k83jMXvlkVRSB3hmNptWTbq8ygDdLtkCyA4UEiZvfTskqqVkbYwLptRl/1F+DVL9SH/TWt2j3dCm4r"
            "zY5jQG+fA+2xh2Kk+OrVgafqtQCfhjq8C38A2IwCcg2BONKk8s5ijFxQoszmXvJQ3zLYbjzRWQ40xhryDyPNNse7/slKVW2QMBEUPNOxUc"
            "X9k="
        ),
        timestamp="1583995625",
        nonce="1584392382",
        signature="a44d1b7dc3dc4b02edd99dc32afa6a26be7c92f6",
        message=(
            b"<xml><ToUserName><![CDATA[wwf181555a13a31443]]></ToUserName><FromUserName><![CDATA[xen0n]]></FromUserName>"
            b"<CreateTime>1583995625</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[x123]]></Content>"
            b"<MsgId>2018405441</MsgId><AgentID>1000002</AgentID></xml>"
        ),
        corp_id="wwf181555a13a31443",
    ),
)
