"""Live sync under load: the real server, thousands of phones, writers at a set rate, and a bare server beside it.

Everything is said of one machine at one time: read the ratios. Nothing fails by the clock.
"""

from tests.bench.live.measuring import PARTS, measure

__all__ = ["PARTS", "measure"]
