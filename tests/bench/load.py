"""Send one HTTP request over and over on a few connections, and time each answer.

A bare asyncio client: on a small machine a comfortable one would eat the core that the server needs.
"""

import asyncio
import time
from dataclasses import dataclass
from statistics import quantiles


@dataclass(frozen=True, slots=True)
class Timing:
    """What one run gave. Times in milliseconds."""

    connections: int
    requests_per_second: float
    p50: float
    p99: float
    bytes_per_answer: int


def request(method: str, path: str, host: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of an HTTP/1.1 request that keeps its connection open."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def run(host: str, port: int, payload: bytes, *, connections: int, seconds: float) -> Timing:
    """Keep each connection busy for that long. Raises if an answer is not 200."""
    until = time.perf_counter() + seconds
    samples = await asyncio.gather(*(_keep_busy(host, port, payload, until) for _ in range(connections)))
    times = [taken for taken_by_one, _ in samples for taken in taken_by_one]
    cuts = quantiles(times, n=100) if len(times) > 1 else [times[0]] * 99
    return Timing(connections, len(times) / seconds, cuts[49] * 1000, cuts[98] * 1000, samples[0][1])


async def _keep_busy(host: str, port: int, payload: bytes, until: float) -> tuple[list[float], int]:
    reader, writer = await asyncio.open_connection(host, port, limit=2**22)
    times: list[float] = []
    size = 0
    while (start := time.perf_counter()) < until:
        writer.write(payload)
        size = len(await answer(reader))
        times.append(time.perf_counter() - start)
    writer.close()
    return times, size


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The body of an answer. Raises if that is not 200."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    if b" 200 " not in lines[0]:
        raise RuntimeError(f"the server answered {lines[0].decode()}: {(await reader.read(500)).decode()}")
    length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length"))
    return await reader.readexactly(length)
