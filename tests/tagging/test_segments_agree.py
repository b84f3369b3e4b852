"""Bitmaps, SQL and plain Python say the same of random customers, whatever has been folded in."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel import clock, ids
from kernel.actor import Actor, Role, system
from kernel.work import Ground, unit_of_work
from tagging.commands import folding
from tagging.models.expressions import Compare, Node, Op, written
from tagging.models.facts import FACTS
from tagging.queries import bitmaps, counting, facts, naming, reading
from tagging.queries.preparing import prepared
from tests.factories import NOON, World, build_world
from tests.tagging.labels import build_group, build_tag
from tests.tagging.people import Crowd, Person, expressions, meets, people

SLOWLY = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


async def crowd(ground: Ground) -> Crowd:
    world = await build_world(ground, ids.new().hex[-12:])
    group = await build_group(ground, world)
    return Crowd(world, [(await build_tag(ground, world, group, f"标签{number}")).id for number in range(4)])


async def rebuild(ground: Ground, world: World) -> None:
    """Look at everybody, a few at a time."""
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await folding.begin(work)
    after = None
    while True:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            after = await folding.look_again(work, after, clock.now(), most=3)
        if after is None:
            return


async def fold(ground: Ground, world: World, most: int = 500) -> int:
    async with unit_of_work(ground, system(world.brand.id)) as work:
        return await folding.fold(work, most)


def sees(actor: Actor, world: World, person: Person) -> bool:
    """Whether one of the person's relationships is in the actor's sight."""
    match actor.role:
        case Role.HQ:
            return True
        case Role.REGIONAL_MANAGER:
            return bool({0, 1} & person.stores.keys())
        case Role.STORE_MANAGER:
            return 0 in person.stores
        case _:
            return person.stores.get(0, (1, None))[0] == 0


async def agree(ground: Ground, crowd: Crowd, node: Node) -> None:
    """All ways to count say the same to everybody, and the bitmaps and SQL find the same people."""
    world = crowd.world
    async with ground.db.read() as session:
        today = await facts.today_of(session, world.brand.id)
        ready = await prepared(session, world.brand.id, crowd.with_ids(node))
        for actor in (world.hq, world.east_manager, world.shop.manager, world.shop.guide):
            seen = [person for person in crowd.people if sees(actor, world, person)]
            true = {person.id for person in seen if meets(person, node, crowd.areas)}
            by_sql = (await session.scalars(counting.by_sql(actor, ready, today))).all()
            counted = await counting.count(session, actor, ready, today)
            assert (set(by_sql), len(by_sql)) == (true, len(true))
            assert (counted.count, counted.is_exact) == (len(true), True)


@SLOWLY
@given(there=st.lists(people, min_size=1, max_size=12), more=st.lists(people, max_size=6), data=st.data())
async def test_bitmaps_sql_and_python_agree_on_random_customers(
    ground: Ground, there: list[Person], more: list[Person], data: st.DataObject
) -> None:
    with clock.stopped_at(NOON):
        whole = await crowd(ground)
        await whole.enter(ground, there)
        asked = data.draw(st.lists(expressions, min_size=4, max_size=6))
        for node in asked[:2]:
            await agree(ground, whole, node)
        await rebuild(ground, whole.world)
        for node in asked:
            await agree(ground, whole, node)
        for person in more[:3]:
            await whole.change(ground, data.draw(st.sampled_from(whole.people)), person)
        await whole.enter(ground, more[3:])
        for node in asked:
            await agree(ground, whole, node)
        folded = await fold(ground, whole.world, most=2)
        for node in asked:
            await agree(ground, whole, node)
        while folded:
            folded = await fold(ground, whole.world)
        bitmaps.SHARED.clear()
        for node in asked:
            await agree(ground, whole, node)


RISKS = [
    *(Compare("churn_risk", op, ("high",)) for op in (Op.IS, Op.IS_NOT)),
    *(Compare("churn_risk", op, ("low", "medium")) for op in (Op.IN, Op.NOT_IN)),
    *(Compare("value_at_risk_score", op, (4,)) for op in (Op.IS, Op.IS_NOT, Op.LESS, Op.AT_LEAST)),
]


async def test_risk_and_value_at_risk_are_found_on_the_bitmaps_too(ground: Ground) -> None:
    with clock.stopped_at(NOON):
        whole = await crowd(ground)
        judged = [None, *zip((None, "low", "medium", "high", "high"), (None, 1, 4, 4, 5), strict=True)]
        profiles = [found and {"churn_risk": found[0], "value_at_risk_score": found[1]} for found in judged]
        await whole.enter(
            ground, [Person(None, None, None, False, NOON, {0: (0, None)}, {}, profile) for profile in profiles]
        )
        await rebuild(ground, whole.world)
        await fold(ground, whole.world)

        for node in RISKS:
            await agree(ground, whole, node)


@SLOWLY
@given(there=st.lists(people, min_size=1, max_size=6), asked=st.lists(expressions, min_size=4, max_size=8))
async def test_what_is_written_down_is_read_as_it_was_meant(
    ground: Ground, there: list[Person], asked: list[Node]
) -> None:
    with clock.stopped_at(NOON):
        whole = await crowd(ground)
        await whole.enter(ground, there)
        hq = whole.world.hq
        for meant in map(whole.with_ids, asked):
            async with ground.db.read() as session:
                names = await naming.names_of(session, hq, [meant], FACTS)
                text = written(meant, FACTS, names, minor_digits=2)
                read = await reading.read(session, hq, text)
                assert written(read, FACTS, names, minor_digits=2) == text
                today = await facts.today_of(session, hq.brand_id)
                found = []
                for node in (meant, read):
                    ready = await prepared(session, hq.brand_id, node)
                    found.append(set(await session.scalars(counting.by_sql(hq, ready, today))))
            assert found[0] == found[1]
