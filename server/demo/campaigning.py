"""Let headquarters send a campaign that is under way, with a control group, and think of the next one."""

from datetime import timedelta

from kernel import ids
from kernel.actor import Role
from server.demo.house import House, Row
from server.demo.lives import Making, Person
from server.demo.words import OUTCOMES
from tasks.models import CampaignAim, CampaignState, TaskKind, TaskSource, TaskState
from tasks.models.dealing import deal

SENT_DAYS_AGO = 6
SHOPS = 3
CONTROL_PERCENT = 20
MOST_PER_GUIDE = 6
DONE_SHARE = 0.5
SEEN_SHARE = 0.5
MORNING = 10 * 3600

_UNDER_WAY = "老客回店礼"
_NEXT = "换季新品预览"
_TITLE = "请她来领回店礼"
_REASON = "老客回店活动：到店领一份小礼，不必消费。"
_WORDS = "最近店里给老朋友准备了一份小礼，哪天路过来拿，我给您留着。"


def add_campaigns(house: House) -> None:
    """One that runs in the first three stores, and a draft. What they are known by hangs on the brand alone."""
    author = next(person["id"] for person in house.rows["staff"] if person["role"] is Role.HQ)
    sent_at = house.today.at(SENT_DAYS_AGO, MORNING)
    shops = house.shops[:SHOPS]
    running = _campaign(house, author, _UNDER_WAY, CampaignState.RUNNING)
    running |= {"store_ids": [str(shop.id) for shop in shops], "sent_at": sent_at, "created_at": sent_at}
    _campaign(house, author, _NEXT, CampaignState.DRAFT)
    for shop in shops:
        counts = dict.fromkeys(
            ("do_not_contact", "task_open", "claimed", "cooling_down", "holder_away", "over_quota"), 0
        )
        house.add("campaign_stores", {"campaign_id": running["id"], "store_id": shop.id, "done_at": sent_at, **counts})


def send_to(making: Making, people: list[Person]) -> None:
    """The campaign's tasks about those of a store's first customers whom nothing else asks for, and who was drawn."""
    if making.shop.index >= SHOPS or making.part > 0:
        return
    asked = {task["customer_id"] for task in making.batch.tasks}
    free = [
        _Free(person)
        for person in people
        if person.purchases
        and not person.customer["do_not_contact"]
        and person.customer["id"] not in asked
        and person.tie.keeper.staff_id is not None
        and person.tie.shop is making.shop
        and not person.tie.keeper.is_leaving
    ]
    seed = making.house.rows["campaigns"][0]["seed"]
    for each in deal(free, seed=seed, percent=CONTROL_PERCENT, most_per_guide=MOST_PER_GUIDE):
        _choose(making, each.candidate.person, is_control=each.is_control)


class _Free:
    """Somebody who may be chosen, as `deal` asks for them."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.customer_id = person.customer["id"]
        self.holder_id = person.tie.keeper.account_id


def _choose(making: Making, person: Person, *, is_control: bool) -> None:
    task = None if is_control else _task(making, person)
    making.batch.campaign_recipients.append(
        {
            "brand_id": making.house.brand_id,
            "id": making.dice.id(),
            "campaign_id": making.house.rows["campaigns"][0]["id"],
            "store_id": making.shop.id,
            "account_id": person.tie.keeper.account_id,
            "customer_id": person.customer["id"],
            "is_control": is_control,
            "task_id": task and task["id"],
            "at": making.today.at(SENT_DAYS_AGO, MORNING),
        }
    )


def _task(making: Making, person: Person) -> Row:
    dice, today = making.dice, making.today
    campaign = making.house.rows["campaigns"][0]
    made_at = today.at(SENT_DAYS_AGO, MORNING)
    task: Row = dict.fromkeys(making.batch.tasks[0]) if making.batch.tasks else {}
    task |= {
        "brand_id": making.house.brand_id,
        "id": dice.id(),
        "store_id": making.shop.id,
        "account_id": person.tie.keeper.account_id,
        "relationship_id": person.tie.row["id"],
        "customer_id": person.customer["id"],
        "campaign_id": campaign["id"],
        "contact_day": making.day(-1),
        "kind": TaskKind.CAMPAIGN,
        "title": _TITLE,
        "reason": _REASON,
        "suggested_words": _WORDS,
        "priority": campaign["priority"],
        "due_at": campaign["due_at"],
        "state": TaskState.PENDING,
        "source": TaskSource.CAMPAIGN,
        "created_by_id": campaign["created_by_id"],
        "created_at": made_at,
        "seen_at": made_at + timedelta(hours=3) if dice.throw() < SEEN_SHARE else None,
        "version": 1,
    }
    if dice.throw() < DONE_SHARE:
        outcome, remark = dice.one_of(OUTCOMES)
        closed_at = today.at(dice.between(1, SENT_DAYS_AGO - 1), dice.between(11 * 3600, 20 * 3600))
        task |= {"state": TaskState.DONE, "closed_at": closed_at, "outcome": outcome, "outcome_remark": remark}
        task |= {"seen_at": made_at + timedelta(hours=3), "version": 3}
    making.batch.tasks.append(task)
    return task


def _campaign(house: House, author: object, name: str, state: CampaignState) -> Row:
    campaign_id = ids.derived(house.brand_id, name)
    return house.add(
        "campaigns",
        {
            "id": campaign_id,
            "name": name,
            "aim": CampaignAim.CUSTOMERS,
            "state": state,
            "title": _TITLE,
            "reason": _REASON,
            "suggested_words": _WORDS,
            "priority": 60,
            "store_ids": [],
            "region_ids": [],
            "guide_ids": [],
            "control_percent": CONTROL_PERCENT,
            "seed": campaign_id.int % 2**63,
            "most_per_guide": MOST_PER_GUIDE,
            "due_at": house.today.at(-1, 21 * 3600),
            "sent_at": None,
            "created_by_id": author,
            "created_at": house.today.at(0, 0) - timedelta(hours=2),
            "version": 1 if state is CampaignState.DRAFT else 3,
        },
    )
