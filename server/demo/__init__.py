"""Made-up brands to try the product on: believable, consistent, and the same for the same seed."""

from server.demo.brands import TRADES
from server.demo.load import KNOWN, fill, is_empty
from server.demo.shape import PASSWORD, DemoExists, DemoReport, DemoSignIn, DemoTooLarge, Size

__all__ = [
    "KNOWN",
    "PASSWORD",
    "TRADES",
    "DemoExists",
    "DemoReport",
    "DemoSignIn",
    "DemoTooLarge",
    "Size",
    "fill",
    "is_empty",
]
