"""Orders come many at once, and say when they reached the customer."""

from tests.scenarios.stage import MACHINE
from tests.scenarios.story import Deed, Given, Step, ago, order


def many(*orders: Given) -> Given:
    """News of these orders, in one list."""
    return lambda stage: {"input": [each(stage)["input"] for each in orders]}


ORDERS: list[Step | Deed] = [
    Step(
        "recordOrders",
        MACHINE,
        many(
            order("O20", customer="li", state="PENDING"),
            order("O20", customer="li", state="COMPLETED", completedAt=ago(minutes=9), newsAt=ago(minutes=8)),
            order(
                "O21",
                None,
                storeCode="ours-2",
                memberNumber="M-li",
                channel="MINI_MALL",
                country="中国",
                city="苏州",
                paidAt=ago(minutes=20),
                guideCode="G1",
                note="找王芳",
                shareCode="unknown",
            ),
        ),
    ),
    Step("recordOrder", MACHINE, order("O22", state="COMPLETED", completedAt=ago(minutes=9), newsAt=ago(minutes=8))),
]
