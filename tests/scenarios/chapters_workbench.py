"""Workbenches are arranged, by each for themselves and by headquarters for a role."""

from tests.scenarios.story import Deed, Step, only

CARDS = [
    {"card": "ORDERS", "orderStates": ["PAID"]},
    {"card": "TASKS", "taskKinds": ["REVISIT", "TODO"]},
    {"card": "CUSTOMERS_AT_RISK", "churnRisks": ["HIGH"]},
    {"card": "TILES", "isHidden": True},
]

WORKBENCH: list[Step | Deed] = [
    Step("arrangeWorkbench", "owner", only(cards=CARDS)),
    Step("setWorkbenchDefault", "hq", only(role="GUIDE", cards=[{"card": "TILES", "isLocked": True}])),
    Step("setWorkbenchDefault", "hq", only(role="STORE_MANAGER", cards=CARDS)),
    Step("setWorkbenchDefault", "hq", only(role="REGIONAL_MANAGER", cards=CARDS[:1])),
    Step("arrangeWorkbench", "manager", only(cards=CARDS[:2])),
    Step("resetWorkbench", "owner", only()),
]
