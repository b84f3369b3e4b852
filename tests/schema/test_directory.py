"""The directory through GraphQL."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from directory.commands.passwords import matches
from directory.models import Staff
from kernel.actor import Actor
from kernel.errors import NotSignedIn
from kernel.idempotency import ClientMutation
from kernel.work import Ground
from tests.asking import ask, refused
from tests.factories import HOURS, World, build_customer, build_world
from tests.statements import statements

WEEK = [{"opens": opens, "closes": closes} for opens, closes in HOURS]
PROBLEM = "... on Problem { code message }"
OPEN = f"""mutation ($region: ID!, $week: [OpeningHoursInput]!, $code: String = "S9") {{
  openStore(regionId: $region, code: $code, name: "新天地店", timeZone: "Asia/Shanghai", openingHours: $week) {{
    ... on StoreChanged {{ store {{ id code city state version openingHours {{ opens closes }}
      region {{ code }} accounts {{ kind owner {{ id }} }} }} }} {PROBLEM} }} }}"""
HIRE = f"""mutation ($store: ID, $role: Role = GUIDE, $password: String, $key: String) {{
  hireStaff(number: "G9", name: "李雷", role: $role, storeId: $store, password: $password, idempotencyKey: $key) {{
    ... on StaffChanged {{ staff {{ id number role state store {{ code }} region {{ code }} accounts {{ kind }}
      assignments {{ role endsAt store {{ code }} }} }} }} {PROBLEM} }} }}"""


async def change(ground: Ground, actor: Actor, call: str) -> dict[str, Any]:
    """The answer to a mutation of a staff member, as state and version, or its problem."""
    document = f"mutation {{ {call} {{ ... on StaffChanged {{ staff {{ state version name }} }} {PROBLEM} }} }}"
    [answer] = (await ask(ground, actor, document)).values()
    staff: dict[str, Any] = answer.get("staff", answer)
    return staff


async def of_guide(ground: Ground, world: World) -> Staff:
    async with ground.db.read() as session:
        found = await session.get(Staff, (world.brand.id, world.shop.guide.id))
    assert found
    return found


async def test_the_viewer_is_who_asks(ground: Ground) -> None:
    world = await build_world(ground)
    document = """{ viewer { id role brand { code currency } staff { number store { code region { path } } }
        accounts { id kind store { code } owner { number } } } }"""

    guide = (await ask(ground, world.shop.guide, document))["viewer"]
    manager = (await ask(ground, world.shop.manager, document))["viewer"]

    assert guide == {
        "id": str(world.shop.guide.id),
        "role": "GUIDE",
        "brand": {"code": "qinghe", "currency": "CNY"},
        "staff": {"number": "qinghe-1-G1", "store": {"code": "qinghe-1", "region": {"path": "/cn/east/"}}},
        "accounts": [
            {
                "id": str(world.shop.guide.account_ids[0]),
                "kind": "GUIDE",
                "store": {"code": "qinghe-1"},
                "owner": {"number": "qinghe-1-G1"},
            }
        ],
    }
    assert [account["kind"] for account in manager["accounts"]] == ["PUBLIC"]


async def test_the_tree_is_paged_and_knows_its_parents(ground: Ground) -> None:
    world = await build_world(ground)
    document = """query ($after: Cursor) { regions(first: 2, after: $after) {
        edges { node { path parent { path } } } pageInfo { hasNextPage endCursor } } }"""

    first = (await ask(ground, world.hq, document))["regions"]
    rest = (await ask(ground, world.hq, document, after=first["pageInfo"]["endCursor"]))["regions"]
    east = (await ask(ground, world.east_manager, document))["regions"]

    assert [edge["node"] for edge in first["edges"] + rest["edges"]] == [
        {"path": "/cn/", "parent": None},
        {"path": "/cn/east/", "parent": {"path": "/cn/"}},
        {"path": "/cn/north/", "parent": {"path": "/cn/"}},
    ]
    assert [edge["node"] for edge in east["edges"]] == [{"path": "/cn/east/", "parent": None}]


@pytest.mark.parametrize(
    "part",
    [
        "region { parent { path } }",
        "accounts { owner { name assignments { role store { code } } } }",
        "accounts { owner { accounts { store { code } } } }",
    ],
)
async def test_one_store_and_three_take_the_same_number_of_statements(ground: Ground, part: str) -> None:
    world = await build_world(ground)
    document = f"query ($first: Int!) {{ stores(first: $first) {{ edges {{ node {{ code {part} }} }} }} }}"

    counts = []
    for first in (1, 3):
        with statements(ground) as sent:
            found = (await ask(ground, world.hq, document, first=first))["stores"]["edges"]
        assert len(found) == first
        counts.append(len(sent))

    assert counts[0] == counts[1]


async def test_what_is_unseen_or_malformed_is_null(ground: Ground) -> None:
    world = await build_world(ground)
    document = """query ($store: ID!, $region: ID!, $staff: ID!) {
        store(id: $store) { id } region(id: $region) { id } staffMember(id: $staff) { id }
        stores(regionId: $region) { edges { node { id } } } staff(storeId: $store) { edges { node { id } } } }"""
    nothing: dict[str, Any] = {
        "store": None,
        "region": None,
        "staffMember": None,
        "stores": {"edges": []},
        "staff": {"edges": []},
    }

    north = {
        "store": str(world.shops[2].store.id),
        "region": str(world.regions["north"].id),
        "staff": str(world.hq.id),
    }
    for ids in (north, dict.fromkeys(north, "nonsense"), dict.fromkeys(north, str(world.brand.id))):
        assert await ask(ground, world.shop.guide, document, **ids) == nothing


async def test_a_store_is_opened_edited_and_its_city_forgotten(ground: Ground) -> None:
    world = await build_world(ground)
    week = [None, *WEEK[1:]]

    store = (await ask(ground, world.hq, OPEN, region=str(world.regions["east"].id), week=week))["openStore"]["store"]
    assert store["openingHours"][:2] == [None, {"opens": "10:00", "closes": "22:00"}]
    assert store["accounts"] == [{"kind": "PUBLIC", "owner": None}]

    edit = f"""mutation {{ one: editStore(id: "{store["id"]}", city: "上海", expectedVersion: 1) {{ ...S }}
        two: editStore(id: "{store["id"]}", name: "新名") {{ ...S }}
        three: editStore(id: "{store["id"]}", city: null) {{ ...S }} }}
        fragment S on StoreResult {{ ... on StoreChanged {{ store {{ name city version }} }} {PROBLEM} }}"""
    edited = await ask(ground, world.hq, edit)
    assert [edited[step]["store"] for step in ("one", "two", "three")] == [
        {"name": "新天地店", "city": "上海", "version": 2},
        {"name": "新名", "city": "上海", "version": 3},
        {"name": "新名", "city": None, "version": 4},
    ]


async def test_refusals_are_problems_in_the_readers_language(ground: Ground) -> None:
    world = await build_world(ground)
    region = str(world.regions["east"].id)

    async def code(actor: Actor, **values: Any) -> str:
        answer = await ask(ground, actor, OPEN, **{"region": region, "week": WEEK} | values)
        return str(answer["openStore"]["code"])

    assert await code(world.hq, week=WEEK[1:]) == "BAD_OPENING_HOURS"
    assert await code(world.hq, code="qinghe-1") == "CODE_TAKEN"
    assert await code(world.shop.guide) == "FORBIDDEN"
    assert await code(world.hq, region="nonsense") == "NOT_FOUND"
    assert await code(world.hq, region=str(world.brand.id)) == "NOT_FOUND"


async def test_a_region_is_added_renamed_and_moved(ground: Ground) -> None:
    world = await build_world(ground)
    east, north = world.regions["east"].id, world.regions["north"].id
    document = f"""mutation {{
        add: addRegion(code: "sh", name: "上海", parentId: "{east}") {{ ...R }}
        rename: renameRegion(id: "{east}", name: "华东大区", expectedVersion: 1) {{ ...R }}
        move: moveRegion(id: "{east}", parentId: "{north}") {{ ...R }}
        again: moveRegion(id: "{north}", parentId: "{east}") {{ ...R }} }}
        fragment R on RegionResult {{ ... on RegionChanged {{ region {{ name path version }} }} {PROBLEM} }}"""

    answer = await ask(ground, world.hq, document)

    assert answer["add"]["region"] == {"name": "上海", "path": "/cn/east/sh/", "version": 1}
    assert answer["rename"]["region"] == {"name": "华东大区", "path": "/cn/east/", "version": 2}
    assert answer["move"]["region"] == {"name": "华东大区", "path": "/cn/north/east/", "version": 3}
    assert answer["again"]["code"] == "REGION_CYCLE"


async def test_a_guide_is_hired_with_a_password_that_no_hash_of_the_request_gives_away(ground: Ground) -> None:
    world = await build_world(ground)
    variables = {"store": str(world.shop.store.id), "password": "密码一二三四五六", "key": "k1"}

    once = await ask(ground, world.shop.manager, HIRE, **variables)
    again = await ask(ground, world.shop.manager, HIRE, **variables)
    other = await ask(ground, world.shop.manager, HIRE, **variables | {"password": "另一个密码一二三"})

    staff = once["hireStaff"]["staff"]
    assert again == once
    assert other["hireStaff"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert (staff["accounts"], staff["assignments"]) == (
        [{"kind": "GUIDE"}],
        [{"role": "GUIDE", "endsAt": None, "store": {"code": "qinghe-1"}}],
    )
    async with ground.db.read() as session:
        stored = await session.scalar(select(col(Staff.password_hash)).where(col(Staff.number) == "G9"))
        [mutation] = list(await session.scalars(select(ClientMutation)))
    assert matches(stored, variables["password"])
    assert mutation.result_ref is not None
    assert mutation.result_ref.keys() == {"ids", "places"}
    assert mutation.result_ref["ids"] == [staff["id"]]


async def test_a_short_password_and_a_wrong_place_are_problems(ground: Ground) -> None:
    world = await build_world(ground)
    store = str(world.shop.store.id)

    async def code(**values: Any) -> str:
        return str((await ask(ground, world.hq, HIRE, **values))["hireStaff"]["code"])

    assert await code(store=store, password="short") == "PASSWORD_LENGTH"
    assert await code(store=store, role="HQ") == "PLACE_MISMATCH"
    assert await code(role="SYSTEM") == "PLACE_MISMATCH"


async def test_staff_are_renamed_moved_shut_out_and_taken_back(ground: Ground) -> None:
    world = await build_world(ground)
    guide, there = world.shop.guide.id, world.shops[1].store.id
    await build_customer(ground, world.shop.other_guide)

    hq = world.hq
    assert (await change(ground, hq, f'renameStaff(id: "{guide}", name: "韩梅梅")'))["name"] == "韩梅梅"
    moved = await change(ground, hq, f'moveStaff(id: "{guide}", role: GUIDE, storeId: "{there}", expectedVersion: 2)')
    assert moved["version"] == 3
    assert (await change(ground, hq, f'closeAccess(id: "{guide}")'))["state"] == "DEPARTED"
    assert (await change(ground, hq, f'closeAccess(id: "{guide}")'))["code"] == "ACCESS_CLOSED"
    assert (await change(ground, hq, f'reopenAccess(id: "{guide}")'))["state"] == "ACTIVE"
    assert (await change(ground, hq, f'closeAccess(id: "{hq.id}")'))["code"] == "OWN_ACCESS"
    holder = world.shop.other_guide.id
    assert (await change(ground, hq, f'moveStaff(id: "{holder}", role: HQ)'))["code"] == "STILL_HOLDS"
    assert (await change(ground, hq, f'closeAccess(id: "{holder}")'))["state"] == "LEAVING"


async def test_a_password_is_reset(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide.id

    reset = f'resetPassword(id: "{guide}", password: "newpassword1")'
    assert (await change(ground, world.shop.manager, reset))["version"] == 2
    assert (await change(ground, world.shop.other_guide, reset))["code"] == "FORBIDDEN"

    assert matches((await of_guide(ground, world)).password_hash, "newpassword1")


async def test_nobody_keeps_the_server_hashing_without_signing_in(ground: Ground) -> None:
    world = await build_world(ground)

    for document in (
        f'mutation {{ resetPassword(id: "{world.shop.guide.id}", password: "newpassword1") {{ __typename }} }}',
        'mutation { hireStaff(number: "1", name: "1", role: HQ, password: "newpassword1") { __typename } }',
        "{ viewer { id } }",
    ):
        [error] = await refused(ground, None, document)
        assert isinstance(error, NotSignedIn)


async def test_a_store_is_closed_and_reopened(ground: Ground) -> None:
    world = await build_world(ground)
    made = (await ask(ground, world.hq, OPEN, region=str(world.regions["east"].id), week=WEEK))["openStore"]["store"]
    document = f"""mutation {{
        close: closeStore(id: "{made["id"]}") {{ ...S }}
        again: closeStore(id: "{made["id"]}") {{ ...S }}
        reopen: reopenStore(id: "{made["id"]}", expectedVersion: 2) {{ ...S }}
        staffed: closeStore(id: "{world.shop.store.id}") {{ ...S }} }}
        fragment S on StoreResult {{ ... on StoreChanged {{ store {{ state }} }} {PROBLEM} }}"""

    answer = await ask(ground, world.hq, document)

    assert answer["close"]["store"]["state"] == "CLOSED"
    assert answer["again"]["code"] == "STORE_CLOSED"
    assert answer["reopen"]["store"]["state"] == "OPEN"
    assert answer["staffed"] == {
        "code": "STORE_STAFFED",
        "message": "3 staff still work in this store. Move them or close their access first.",
    }
