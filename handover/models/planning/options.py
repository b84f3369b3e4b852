"""What a plan is asked for beyond its strategy, as it is kept with the handover."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

MOST_SEATS = 200
"""Takeover accounts of one plan."""

MOST_STORES = 20
MOST_PAIRS = 500
USUAL_BALANCE, MOST_BALANCE = 300, 2_000


@dataclass(frozen=True, slots=True)
class Options:
    """`to_account_ids` narrows who takes over; for `to_one` the first of a store takes all. `store_ids` are the stores
    that take over where one closes. `pairs` is the list of `by_hand`, relationship → account. `balance`, in
    thousandths, is how much affinity one more at an average load outweighs.
    """

    to_account_ids: tuple[UUID, ...] = ()
    store_ids: tuple[UUID, ...] = ()
    pairs: Mapping[UUID, UUID] = field(default_factory=dict)
    balance: int = USUAL_BALANCE

    def stored(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "to_account_ids": [str(each) for each in self.to_account_ids],
            "store_ids": [str(each) for each in self.store_ids],
            "pairs": {str(relationship): str(account) for relationship, account in self.pairs.items()},
            "balance": self.balance,
        }


def options_of(stored: Mapping[str, Any]) -> Options:
    """Read what was kept; what isn't said is as usual."""
    return Options(
        to_account_ids=tuple(UUID(each) for each in stored.get("to_account_ids", ())),
        store_ids=tuple(UUID(each) for each in stored.get("store_ids", ())),
        pairs={UUID(relationship): UUID(account) for relationship, account in stored.get("pairs", {}).items()},
        balance=stored.get("balance", USUAL_BALANCE),
    )
