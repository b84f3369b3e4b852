"""The tag library and customers' tags through GraphQL."""

from typing import Any

from kernel import feed
from kernel.work import Ground
from tagging.models import Choice
from tests.asking import ask
from tests.factories import build_customer, build_world, reload, said
from tests.tagging.labels import build_group, build_tag, carried

LIBRARY = "{ tags { groups { id name choice tags { id name color isPersonal } } personal { name isPersonal } } }"
TAGGING = """
mutation ($customers: [ID!]!, $tags: [ID!]!, $key: String) {
  %s(customerIds: $customers, tagIds: $tags, idempotencyKey: $key) {
    ... on CustomersTagged { customers { id version tags { setBy name by { id } } } }
    ... on Problem { code message }
  }
}
"""
ADD_GROUP = """mutation ($name: String!, $choice: Choice!) { addTagGroup(name: $name, choice: $choice) {
    ... on TagGroupChanged { group { id name } } ... on Problem { code } } }"""
ADD = """mutation ($name: String!, $group: ID) { addTag(name: $name, groupId: $group, color: "#FF0000") {
    ... on TagChanged { tag { id name color version isPersonal group { name } } } ... on Problem { code } } }"""
EDIT = """mutation ($id: ID!, $name: String, $version: Int) { editTag(id: $id, name: $name, expectedVersion: $version) {
    ... on TagChanged { tag { name version } } ... on Problem { code } } }"""
RETIRE = """mutation ($id: ID!, $version: Int) { retireTag(id: $id, expectedVersion: $version) {
    ... on TagChanged { tag { version retiredAt } } ... on Problem { code } } }"""


async def test_hq_builds_a_library_that_everybody_reads(ground: Ground) -> None:
    world = await build_world(ground)

    group = (await ask(ground, world.hq, ADD_GROUP, name="风格", choice="SINGLE"))["addTagGroup"]["group"]
    tag = (await ask(ground, world.hq, ADD, name="简约", group=group["id"]))["addTag"]["tag"]
    own = (await ask(ground, world.shop.guide, ADD, name="爱聊天"))["addTag"]["tag"]
    refusals = [
        (await ask(ground, world.shop.guide, ADD_GROUP, name="别的", choice="MULTI"))["addTagGroup"],
        (await ask(ground, world.shop.guide, ADD, name="别的", group=group["id"]))["addTag"],
        (await ask(ground, world.hq, ADD, name="简约", group=group["id"]))["addTag"],
        (await ask(ground, world.hq, ADD, name="运动", group="nonsense"))["addTag"],
    ]

    assert [each["code"] for each in refusals] == ["FORBIDDEN", "FORBIDDEN", "TAG_NAME_TAKEN", "NOT_FOUND"]
    assert (tag["color"], tag["isPersonal"], tag["group"]) == ("#ff0000", False, {"name": "风格"})
    assert (own["isPersonal"], own["group"]) == (True, None)
    shown = {"id": tag["id"], "name": "简约", "color": "#ff0000", "isPersonal": False}
    groups = [{"id": group["id"], "name": "风格", "choice": "SINGLE", "tags": [shown]}]
    assert (await ask(ground, world.shop.guide, LIBRARY))["tags"] == {
        "groups": groups,
        "personal": [{"name": "爱聊天", "isPersonal": True}],
    }
    assert (await ask(ground, world.shop.manager, LIBRARY))["tags"] == {"groups": groups, "personal": []}


async def test_a_tag_is_edited_and_retired_with_the_version_that_was_seen(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "简约")
    asked: dict[str, Any] = {"id": str(tag.id)}

    stale = await ask(ground, world.hq, EDIT, name="极简", version=3, **asked)
    edited = await ask(ground, world.hq, EDIT, name="极简", version=1, **asked)
    retired = await ask(ground, world.hq, RETIRE, version=2, **asked)
    late = await ask(ground, world.hq, EDIT, name="再改", **asked)

    assert stale["editTag"] == {"code": "STALE_VERSION"}
    assert edited["editTag"]["tag"] == {"name": "极简", "version": 2}
    assert retired["retireTag"]["tag"]["retiredAt"] is not None
    assert late["editTag"] == {"code": "TAG_RETIRED"}


async def test_groups_are_renamed_and_put_in_order(ground: Ground) -> None:
    world = await build_world(ground)
    groups = [await build_group(ground, world, name) for name in ("甲", "乙")]
    order = """mutation ($ids: [ID!]!) { orderTagGroups(groupIds: $ids) {
        ... on TagGroupsOrdered { groups { name } } ... on Problem { code } } }"""
    rename = """mutation ($id: ID!) { renameTagGroup(id: $id, name: "丙", expectedVersion: 1) {
        ... on TagGroupChanged { group { name } } ... on Problem { code } } }"""

    renamed = await ask(ground, world.hq, rename, id=str(groups[0].id))
    ordered = await ask(ground, world.hq, order, ids=[str(group.id) for group in groups[::-1]])
    incomplete = await ask(ground, world.hq, order, ids=[str(groups[0].id)])

    assert renamed["renameTagGroup"] == {"group": {"name": "丙"}}
    assert ordered["orderTagGroups"] == {"groups": [{"name": "乙"}, {"name": "丙"}]}
    assert incomplete["orderTagGroups"] == {"code": "LIBRARY_CHANGED"}


async def test_customers_are_tagged_once_per_key_and_untagged(ground: Ground) -> None:
    world = await build_world(ground)
    customers = [await build_customer(ground, world.shop.guide) for _ in range(2)]
    sizes = await build_group(ground, world, "尺码", Choice.SINGLE)
    small, large = [await build_tag(ground, world, sizes, name) for name in ("S", "L")]
    asked: dict[str, Any] = {"customers": [str(row.id) for row in customers], "tags": [str(small.id)]}

    once = await ask(ground, world.shop.guide, TAGGING % "addTags", key="k", **asked)
    again = await ask(ground, world.shop.guide, TAGGING % "addTags", key="k", **asked)
    both = await ask(ground, world.shop.guide, TAGGING % "addTags", **asked | {"tags": [str(small.id), str(large.id)]})
    off = await ask(ground, world.shop.guide, TAGGING % "removeTags", **asked)
    nothing = await ask(ground, world.shop.guide, TAGGING % "removeTags", **asked)

    assert once == again
    worn = [{"setBy": "GUIDE", "name": "S", "by": {"id": str(world.shop.guide.id)}}]
    assert [row["tags"] for row in once["addTags"]["customers"]] == [worn, worn]
    assert both["addTags"]["code"] == "ONLY_ONE_OF_GROUP"
    assert [row["tags"] for row in off["removeTags"]["customers"]] == [[], []]
    assert nothing["removeTags"]["customers"] == []
    assert (await reload(ground, customers[0])).version == 3


async def test_an_unseen_customer_or_a_malformed_id_is_not_found_and_nothing_happens(ground: Ground) -> None:
    world = await build_world(ground)
    mine = await build_customer(ground, world.shop.guide)
    colleagues = await build_customer(ground, world.shop.other_guide)
    tag = await build_tag(ground, world, await build_group(ground, world), "简约")

    answers = [
        (
            await ask(
                ground,
                world.shop.guide,
                TAGGING % "addTags",
                customers=[str(mine.id), unseen],
                tags=[str(tag.id)],
            )
        )["addTags"]
        for unseen in (str(colleagues.id), "00000000-0000-7000-8000-000000000000", "nonsense")
    ]

    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["code"] == "NOT_FOUND"
    assert await carried(ground, mine) == set()
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == []


async def test_customers_are_found_by_their_tags_and_shown_with_them(ground: Ground) -> None:
    world = await build_world(ground)
    tagged, _bare = [await build_customer(ground, world.shop.guide) for _ in range(2)]
    tag = await build_tag(ground, world, await build_group(ground, world), "简约")
    await ask(ground, world.shop.guide, TAGGING % "addTags", customers=[str(tagged.id)], tags=[str(tag.id)])
    document = "query ($tags: [ID!]) { customers(filter: {tagIds: $tags}) { edges { node { id tags { name } } } } }"

    found = await ask(ground, world.shop.guide, document, tags=[str(tag.id)])

    assert found["customers"]["edges"] == [{"node": {"id": str(tagged.id), "tags": [{"name": "简约"}]}}]


async def test_a_change_of_the_library_comes_to_everybody_in_the_stores(ground: Ground) -> None:
    world = await build_world(ground)
    start = (await ask(ground, world.shop.guide, "{ changes { cursor } }"))["changes"]["cursor"]
    group = (await ask(ground, world.hq, ADD_GROUP, name="风格", choice="MULTI"))["addTagGroup"]["group"]
    await ask(ground, world.hq, ADD, name="简约", group=group["id"])

    answer = await ask(
        ground,
        world.shop.guide,
        """query ($after: Cursor) { changes(after: $after) { changes {
        node { ... on Tag { name } ... on TagGroup { choice } } } } }""",
        after=start,
    )

    assert answer["changes"]["changes"] == [{"node": {"choice": "MULTI"}}, {"node": {"name": "简约"}}]
