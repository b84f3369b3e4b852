"""Where to put what the plan doesn't know: with whoever has least to do."""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from uuid import UUID


def least_loaded(count: int, held: Mapping[UUID, int]) -> Sequence[UUID]:
    """For each of so many things one of the accounts, in turn the one that holds least; `held` must not be empty."""
    heap = [(load, account_id) for account_id, load in held.items()]
    heapify(heap)
    chosen = []
    for _ in range(count):
        load, account_id = heappop(heap)
        chosen.append(account_id)
        heappush(heap, (load + 1, account_id))
    return chosen
