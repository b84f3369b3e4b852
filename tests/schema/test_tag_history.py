"""What became of a customer's tags, how fresh they are, where a tag is used, and mergers, through GraphQL."""

from datetime import timedelta
from typing import Any

from customers.models import Customer
from kernel import clock
from kernel.work import Ground
from tasks.models import TaskKind
from tests.asking import ask
from tests.factories import NOON, build_customer, build_task, build_world
from tests.statements import statements
from tests.tagging.labels import build_group, build_tag, put

DAY = timedelta(days=1)
HISTORY = """query ($id: ID!, $first: Int!, $after: Cursor) {
  tagHistory(customerId: $id, first: $first, after: $after) {
    edges { node { kind reason confidence setBy tag { name } otherTag { name } by { id } } }
    pageInfo { hasNextPage endCursor } } }"""
LIST = (
    """{ customers { edges { node { tagHistory(first: 2) { kind tag { name } by { name } } tags { isStale } } } } }"""
)
FRESH = "query ($id: ID!) { customer(id: $id) { tags { name reason confidence checkedAt validUntil isStale } } }"
CONFIRM = """mutation ($customers: [ID!]!, $tags: [ID!]!, $reason: String) {
    confirmTags(customerIds: $customers, tagIds: $tags, reason: $reason) {
    ... on CustomersTagged { customers { tags { isStale } tagHistory { kind reason } } } ... on Problem { code } } }"""
USE = """query ($id: ID!) { tagUse(id: $id) { customers rules { name } segments { name } } }"""
PREVIEW = """query ($from: ID!, $into: ID!) { previewTagMerge(fromId: $from, intoId: $into) {
    both goes { customers } stays { customers } } }"""
MERGE = """mutation ($from: ID!, $into: ID!, $version: Int) {
    mergeTags(fromId: $from, intoId: $into, expectedVersion: $version) {
    ... on TagsMerged { tag { name synonyms } } ... on Problem { code current { version } } } }"""
EDIT = """mutation ($id: ID!, $stores: [ID!]) {
  editTagGroup(
    id: $id, shelfLifeDays: 30, roles: [GUIDE], storeIds: $stores, color: "#FF0000", choice: SINGLE
  ) {
    ... on TagGroupChanged { group { shelfLifeDays roles stores { id } color choice } }
    ... on Problem { code } } }"""
CLEAR = """mutation ($id: ID!) { editTagGroup(id: $id, shelfLifeDays: null) {
    ... on TagGroupChanged { group { shelfLifeDays roles } } } }"""
SEEN = "{ tags { groups { isForMe roles stores { id } } } }"


async def lines(ground: Ground, actor: Any, customer: Customer, first: int = 20, after: str | None = None) -> Any:
    return (await ask(ground, actor, HISTORY, id=str(customer.id), first=first, after=after))["tagHistory"]


async def test_the_history_is_paged_newest_first_and_hides_others_personal_tags(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    group = await build_group(ground, world)
    tags = [await build_tag(ground, world, group, name) for name in ("一", "二", "三")]
    own = await build_tag(ground, world, None, "我的", owner_id=world.shop.guide.id)
    for days, tag in enumerate([*tags, own]):
        with clock.stopped_at(NOON + days * DAY):
            await put(ground, world.shop.guide, [customer], [tag])

    first = await lines(ground, world.shop.manager, customer, first=2)
    second = await lines(ground, world.shop.manager, customer, first=2, after=first["pageInfo"]["endCursor"])
    mine = await lines(ground, world.shop.guide, customer, first=1)

    assert [edge["node"]["tag"]["name"] for edge in (*first["edges"], *second["edges"])] == ["三", "二", "一"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert [edge["node"]["tag"]["name"] for edge in mine["edges"]] == ["我的"]
    node = second["edges"][0]["node"]
    assert node == {
        "kind": "SET",
        "reason": None,
        "confidence": 100,
        "setBy": "GUIDE",
        "tag": {"name": "一"},
        "otherTag": None,
        "by": {"id": str(world.shop.guide.id)},
    }
    assert (await lines(ground, world.shop.other_guide, customer))["edges"] == []


async def test_one_customer_or_three_take_as_many_statements(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world, shelf_life_days=10)
    tags = [await build_tag(ground, world, group, name) for name in ("一", "二", "三")]
    taken: list[tuple[int, int]] = []

    for more in (1, 2):
        for _ in range(more):
            await put(ground, world.shop.guide, [await build_customer(ground, world.shop.guide)], tags)
        with statements(ground) as sent:
            found = await ask(ground, world.shop.guide, LIST)
        taken.append((len(found["customers"]["edges"]), len(sent)))

    (one, few), (three, many) = taken
    assert (one, three) == (1, 3)
    assert few == many


async def test_a_stale_tag_says_so_and_is_confirmed(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    tag = await build_tag(ground, world, await build_group(ground, world, shelf_life_days=10), "简约")
    with clock.stopped_at(NOON):
        await put(ground, world.shop.guide, [customer], [tag])
    asked: dict[str, Any] = {"customers": [str(customer.id)], "tags": [str(tag.id)], "reason": "当面问过"}

    with clock.stopped_at(NOON + 10 * DAY):
        [before] = (await ask(ground, world.shop.guide, FRESH, id=str(customer.id)))["customer"]["tags"]
        confirmed = (await ask(ground, world.shop.guide, CONFIRM, **asked))["confirmTags"]["customers"]

    assert before == {
        "name": "简约",
        "reason": None,
        "confidence": 100,
        "checkedAt": NOON.isoformat(),
        "validUntil": (NOON + 10 * DAY).isoformat(),
        "isStale": True,
    }
    history = [{"kind": "CONFIRMED", "reason": "当面问过"}, {"kind": "SET", "reason": None}]
    assert confirmed == [{"tags": [{"isStale": False}], "tagHistory": history}]


async def test_where_a_tag_is_used_and_what_a_merger_would_change_as_far_as_one_sees(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    old, new = [await build_tag(ground, world, group, name) for name in ("简约", "极简")]
    mine, other = [await build_customer(ground, guide) for guide in world.shop.guides]
    await put(ground, world.hq, [mine, other], [old])
    await put(ground, world.hq, [mine], [new])
    both: dict[str, Any] = {"from": str(old.id), "into": str(new.id)}

    used = await ask(ground, world.shop.guide, USE, id=str(old.id))
    preview = await ask(ground, world.hq, PREVIEW, **both)
    nothing = await ask(ground, world.hq, PREVIEW, **{"from": str(old.id), "into": "nonsense"})
    stale = await ask(ground, world.hq, MERGE, version=4, **both)
    done = await ask(ground, world.hq, MERGE, version=1, **both)

    assert used["tagUse"] == {"customers": 1, "rules": [], "segments": []}
    assert preview["previewTagMerge"] == {"both": 1, "goes": {"customers": 2}, "stays": {"customers": 1}}
    assert nothing["previewTagMerge"] is None
    assert stale["mergeTags"] == {"code": "STALE_VERSION", "current": {"version": 1}}
    assert done["mergeTags"] == {"tag": {"name": "极简", "synonyms": ["简约"]}}
    assert (await ask(ground, world.hq, USE, id=str(new.id)))["tagUse"]["customers"] == 2


async def test_a_group_says_who_it_is_for(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    store = str(world.shops[1].store.id)

    edited = await ask(ground, world.hq, EDIT, id=str(group.id), stores=[store])
    seen = [
        (await ask(ground, actor, SEEN))["tags"]["groups"][0]
        for actor in (world.shop.guide, world.shops[1].guide, world.shops[1].manager)
    ]
    cleared = await ask(ground, world.hq, CLEAR, id=str(group.id))

    assert edited["editTagGroup"]["group"] == {
        "shelfLifeDays": 30,
        "roles": ["GUIDE"],
        "stores": [{"id": store}],
        "color": "#ff0000",
        "choice": "SINGLE",
    }
    assert [each["isForMe"] for each in seen] == [False, True, False]
    assert seen[0] == {"isForMe": False, "roles": ["GUIDE"], "stores": None}
    assert cleared["editTagGroup"]["group"] == {"shelfLifeDays": None, "roles": ["GUIDE"]}


async def test_a_task_names_the_tag_to_check(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    tag = await build_tag(ground, world, await build_group(ground, world), "简约")
    await build_task(ground, world.shop.guide, customer, kind=TaskKind.CHECK_TAG, tag_id=tag.id)

    found = await ask(ground, world.shop.guide, "{ tasks { edges { node { kind tag { name group { name } } } } } }")

    [edge] = found["tasks"]["edges"]
    assert edge["node"] == {"kind": "CHECK_TAG", "tag": {"name": "简约", "group": {"name": "风格"}}}


async def test_tags_are_found(ground: Ground) -> None:
    world = await build_world(ground)
    await build_tag(ground, world, await build_group(ground, world), "通勤", synonyms=["上班穿"])
    document = "query ($text: String!) { findTags(text: $text, first: 5) { name synonyms group { name } } }"

    found = await ask(ground, world.shop.guide, document, text="上班")

    assert found["findTags"] == [{"name": "通勤", "synonyms": ["上班穿"], "group": {"name": "风格"}}]
