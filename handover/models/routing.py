"""Where to put what the plan doesn't know: with whoever has least to do."""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from uuid import UUID


def least_loaded(count: int, held: Mapping[UUID, int], rooms: Mapping[UUID, int]) -> Sequence[UUID]:
    """For each of so many things one of the accounts, in turn the one that holds least; fewer once nobody has room."""
    left = dict(rooms)
    heap = [(load, account_id) for account_id, load in held.items() if left[account_id] > 0]
    heapify(heap)
    chosen: list[UUID] = []
    while heap and len(chosen) < count:
        load, account_id = heappop(heap)
        chosen.append(account_id)
        left[account_id] -= 1
        if left[account_id] > 0:
            heappush(heap, (load + 1, account_id))
    return chosen
