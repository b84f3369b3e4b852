"""An account gets its user id at the partner, another one, and none."""

from tests.scenarios.story import Deed, Given, Step


def known_as(who: str, user_id: str | None) -> Given:
    return lambda stage: {"accountId": stage.account(who), "userId": user_id}


PARTNER: list[Step | Deed] = [
    Step("setPartnerUserId", "hq", known_as("owner", "lin.wei")),
    Step("setPartnerUserId", "hq", known_as("owner", "lin.wei2")),
    Step("setPartnerUserId", "hq", known_as("owner", None)),
]
