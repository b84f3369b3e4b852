"""Draw addresses as QR codes."""

from functools import lru_cache
from io import BytesIO

import segno

SMALLEST, LARGEST, USUAL = 100, 1200, 480
_QUIET = 4  # modules around it that stay white, as the standard asks for


@lru_cache(maxsize=256)
def png(address: str, size: int) -> bytes:
    """As PNG: the largest whole number of pixels a module whose image is at most `size` wide."""
    drawn = BytesIO()
    code = of(address)
    code.save(drawn, kind="png", scale=max(1, size // code.symbol_size(border=_QUIET)[0]), border=_QUIET)
    return drawn.getvalue()


@lru_cache(maxsize=256)
def svg(address: str) -> bytes:
    """As SVG that takes the size of whatever it stands in."""
    drawn = BytesIO()
    of(address).save(drawn, kind="svg", border=_QUIET, omitsize=True, light="#fff")
    return drawn.getvalue()


def of(address: str) -> segno.QRCode:
    """The code, which is still read when 15 % of it is lost."""
    return segno.make_qr(address, error="m")
