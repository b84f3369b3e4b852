"""Read the body of a request: in time, no longer than asked for, and to its end where somebody waits for an answer."""

import asyncio

from starlette.requests import Request

from server.refusals import TooLarge, TooSlow

PATIENCE = 16 * 1024 * 1024  # bytes, read and thrown away: who is cut off while they still send may never read why


async def read(request: Request, most: int, *, seconds: float, give_up_at: int) -> bytes:
    """The whole body. Refused with `REQUEST_TOO_LARGE` beyond `most` bytes, or `REQUEST_TIMEOUT`.

    What is too large is read on until `give_up_at` bytes before it is refused.
    """
    parts, length = bytearray(), 0
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                length += len(part)
                if length <= most:
                    parts += part
                elif length > give_up_at:
                    break
    except TimeoutError as error:
        raise TooSlow(f"The body may take {seconds:.0f} seconds.") from error
    if length > most:
        raise TooLarge(f"The body may have {most} bytes.")
    return bytes(parts)
