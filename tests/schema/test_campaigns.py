"""Campaigns through GraphQL."""

from datetime import timedelta
from typing import Any

from kernel import clock
from kernel.errors import Invalid
from kernel.work import Ground
from tests.asking import ask, refused
from tests.factories import World, build_customer, build_world
from tests.statements import statements
from tests.tasks.sending import sent, work_off

ADD = """mutation ($input: CampaignInput!) { addCampaign(input: $input) {
    ... on CampaignChanged { campaign { id version state name namedStores { id } segment { name } createdBy { id }
        controlPercent mostPerGuide } }
    ... on Problem { code } } }"""
PREVIEW = """query ($id: ID!) { previewCampaign(id: $id) {
    ... on CampaignPreview { stores customers tasks control guides least median most
        busiest { tasks account { id } }
        leftOut { doNotContact taskOpen claimed coolingDown holderAway overQuota } }
    ... on Problem { code } } }"""
ACT = """mutation ($id: ID!, $version: Int) { %s(id: $id, expectedVersion: $version) {
    ... on CampaignChanged { campaign { state version } } ... on Problem { code current { version } } } }"""
FOLLOW = """query ($id: ID!) { campaign(id: $id) { state
    figures { sent seen pending done cancelled byOutcome { bought } }
    customers { stores storesDone chosen control leftOut { doNotContact } }
    byStore { store { id } isDone sent pending }
    sold { tasks orders amount currency }
    effect { isComplete chosen { customers buyers share spent } leftAlone { customers } cap ofShares { value low high }
        ofSpend { value } } } }"""
LIST = """query ($first: Int!, $after: Cursor) { campaigns(first: $first, after: $after) {
    edges { node { name figures { sent } customers { chosen } byStore { sent } sold { orders }
        effect { cap } createdBy { id } } }
    pageInfo { hasNextPage endCursor } } }"""
OF_TASKS = "{ tasks { edges { node { title kind campaignName } } } }"


def written(**also: Any) -> dict[str, Any]:
    due = (clock.now() + timedelta(days=2)).isoformat()
    return {"name": "春装上新", "aim": "CUSTOMERS", "title": "邀请到店试穿", "dueAt": due} | also


async def test_hq_writes_a_campaign_sees_its_reach_sends_it_and_follows_it(ground: Ground) -> None:
    world = await build_world(ground)
    for _ in range(2):
        await build_customer(ground, world.shop.guide)
    await build_customer(ground, world.shop.guide, do_not_contact=True)

    added = (await ask(ground, world.hq, ADD, input=written(storeIds=[str(world.shop.store.id)])))["addCampaign"]
    campaign = added["campaign"]["id"]
    preview = (await ask(ground, world.hq, PREVIEW, id=campaign))["previewCampaign"]
    stale = (await ask(ground, world.hq, ACT % "sendCampaign", id=campaign, version=9))["sendCampaign"]
    sending = (await ask(ground, world.hq, ACT % "sendCampaign", id=campaign, version=1))["sendCampaign"]
    await work_off(ground)
    followed = (await ask(ground, world.hq, FOLLOW, id=campaign))["campaign"]
    mine = (await ask(ground, world.shop.guide, OF_TASKS))["tasks"]["edges"]
    recalled = (await ask(ground, world.hq, ACT % "recallCampaign", id=campaign))["recallCampaign"]
    late = (await ask(ground, world.hq, ACT % "pauseCampaign", id=campaign))["pauseCampaign"]

    assert added["campaign"]["namedStores"] == [{"id": str(world.shop.store.id)}]
    assert added["campaign"]["createdBy"] == {"id": str(world.hq.id)}
    assert preview == {
        "stores": 1,
        "customers": 3,
        "tasks": 2,
        "control": 0,
        "guides": 1,
        "least": 2,
        "median": 2.0,
        "most": 2,
        "busiest": [{"tasks": 2, "account": {"id": str(world.shop.guide.account_ids[0])}}],
        "leftOut": {
            "doNotContact": 1,
            "taskOpen": 0,
            "claimed": 0,
            "coolingDown": 0,
            "holderAway": 0,
            "overQuota": 0,
        },
    }
    assert stale == {"code": "STALE_VERSION", "current": {"version": 1}}
    assert sending["campaign"]["state"] == "SENDING"
    assert followed == {
        "state": "RUNNING",
        "figures": {"sent": 2, "seen": 0, "pending": 2, "done": 0, "cancelled": 0, "byOutcome": {"bought": 0}},
        "customers": {"stores": 1, "storesDone": 1, "chosen": 2, "control": 0, "leftOut": {"doNotContact": 1}},
        "byStore": [{"store": {"id": str(world.shop.store.id)}, "isDone": True, "sent": 2, "pending": 2}],
        "sold": None,
        "effect": {
            "isComplete": False,
            "chosen": {"customers": 2, "buyers": 0, "share": 0.0, "spent": 0},
            "leftAlone": {"customers": 0},
            "cap": 0,
            "ofShares": None,
            "ofSpend": None,
        },
    }
    assert mine == [{"node": {"title": "邀请到店试穿", "kind": "CAMPAIGN", "campaignName": "春装上新"}}] * 2
    assert recalled["campaign"]["state"] == "RECALLED"
    assert late == {"code": "CAMPAIGN_MOVED_ON", "current": None}


async def test_what_is_wrong_is_answered_with_a_problem(ground: Ground) -> None:
    world = await build_world(ground)

    too_late = (await ask(ground, world.hq, ADD, input=written(dueAt="2020-01-01T00:00:00Z")))["addCampaign"]
    by_guide = (await ask(ground, world.shop.guide, ADD, input=written()))["addCampaign"]
    nobody = (await ask(ground, world.hq, ADD, input=written()))["addCampaign"]["campaign"]["id"]
    preview = (await ask(ground, world.hq, PREVIEW, id=nobody))["previewCampaign"]
    unseen = (await ask(ground, world.shop.guide, PREVIEW, id=nobody))["previewCampaign"]

    assert (too_late["code"], by_guide["code"]) == ("CAMPAIGN_DUE_IN_THE_PAST", "FORBIDDEN")
    assert (preview, unseen) == ({"code": "CAMPAIGN_REACHES_NOBODY"}, {"code": "NOT_FOUND"})


async def test_the_effect_within_too_many_days_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    await build_customer(ground, world.shop.guide)
    campaign = await sent(ground, world.hq)

    told = await refused(
        ground, world.hq, "query ($id: ID!) { campaign(id: $id) { effect(days: 91) { cap } } }", id=str(campaign.id)
    )

    assert [type(each) for each in told] == [Invalid]


async def test_a_page_of_campaigns_takes_as_many_statements_for_three_as_for_one(ground: Ground) -> None:
    world = await build_world(ground)
    for number in range(3):
        await build_customer(ground, world.shop.guide)
        await sent(ground, world.hq, name=f"第{number}次")

    one = await _statements(ground, world, 1)
    three = await _statements(ground, world, 3)

    assert one == three


async def _statements(ground: Ground, world: World, first: int) -> int:
    with statements(ground) as asked:
        page = (await ask(ground, world.hq, LIST, first=first))["campaigns"]
    assert len(page["edges"]) == first
    assert {each["node"]["figures"]["sent"] for each in page["edges"]} == {1}
    return len(asked)


async def test_campaigns_are_listed_newest_first_page_by_page(ground: Ground) -> None:
    world = await build_world(ground)
    for number in range(3):
        await ask(ground, world.hq, ADD, input=written(name=f"第{number}次"))

    first = (await ask(ground, world.hq, LIST, first=2))["campaigns"]
    second = (await ask(ground, world.hq, LIST, first=2, after=first["pageInfo"]["endCursor"]))["campaigns"]

    names = [edge["node"]["name"] for page in (first, second) for edge in page["edges"]]
    assert names == ["第2次", "第1次", "第0次"]
    assert not second["pageInfo"]["hasNextPage"]
