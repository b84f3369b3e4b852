"""Fill seats evenly, or one of them: the strategies in which nobody is closer to a customer than another."""

import numpy as np

from handover.models.planning.problem import Ints


def even_shares(loads: Ints, rooms: Ints, count: int) -> Ints:
    """How many each seat takes so that loads end as even as they can; all that there is room for are placed.

    Of two seats the one that ends higher took nobody, or ends by at most one higher, or the lower one is full.
    """
    count = min(count, int(rooms.sum()))
    low, high = int(loads.min(initial=0)), int(loads.max(initial=0)) + count
    while low < high:
        middle = (low + high) // 2
        if int(np.clip(middle - loads, 0, rooms).sum()) >= count:
            high = middle
        else:
            low = middle + 1
    shares = np.clip(high - loads, 0, rooms)
    at_the_brim = np.flatnonzero((shares > 0) & (loads + shares == high))
    over = int(shares.sum()) - count
    shares[at_the_brim[len(at_the_brim) - over :]] -= 1
    return shares


def deal(loads: Ints, shares: Ints, tasks: Ints) -> Ints:
    """The seat of each row, -1 for those without: rows with many open tasks first, each to the lowest load."""
    seats = np.repeat(np.arange(len(shares)), shares)
    place = np.arange(len(seats)) - np.repeat(np.cumsum(shares) - shares, shares)
    turns = seats[np.lexsort((seats, loads[seats] + place))]
    dealt = np.full(len(tasks), -1, np.int64)
    dealt[np.argsort(-tasks, kind="stable")[: len(turns)]] = turns
    return dealt


def fill_one(seat: int, room: int, count: int) -> Ints:
    """The first rows go to one seat, as many as it has room for."""
    seats = np.full(count, -1, np.int64)
    seats[:room] = seat
    return seats
