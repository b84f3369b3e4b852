"""Guides are asked blind: they see that one customer for that question, never the tag, and nothing afterwards."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import and_, select
from sqlmodel import col

import customers.policy
from customers import commands as visiting
from customers.models import Relationship
from directory.models import Account, AccountKind, Staff
from kernel import clock, feed, ids, jobs
from kernel.actor import Actor, Role, system
from kernel.errors import Invalid, NotFound
from kernel.work import Ground, unit_of_work
from mall.commands import Line
from mall.models import LineKind
from schema.root import schema
from server.wiring import HANDLERS
from tagging import commands
from tagging.commands import audits as commanding
from tagging.errors import OnlyOneOfGroup, TagRetired
from tagging.models import AuditItem, AuditMethod, AuditState, Choice, Night, Tag, TagAudit, Verdict
from tagging.queries import audits, questions
from tasks.models import Task, TaskKind, TaskState
from tests.asking import ask, context
from tests.factories import NOON, World, build_customer, build_world, reload, save
from tests.mall.trading import place
from tests.refusals import snapshot
from tests.scenarios.documents import GRAPH, document, roots, variables
from tests.statements import statements
from tests.tagging.auditing import build_tagged, build_tags, draw, items
from tests.tagging.labels import put

QUESTIONS = """{ myTagQuestions { id version askedAt closesAt group { id name choice tags { id name } }
    customer { name tier visits purchases { day name variant quantity amount currency } } } }"""


async def ask_blind(ground: Ground, world: World, count: int = 10, **values: Any) -> tuple[TagAudit, list[Tag]]:
    """Questions about customers of the first guide, who set the tags: the shop's other guide is asked."""
    tags = await build_tags(ground, world, 3, values.pop("choice", Choice.MULTI))
    await build_tagged(ground, world.shop, tags[0], count)
    audit = await draw(ground, world.shop.manager, method=AuditMethod.BLIND, size=max(10, count), **values)
    return audit, tags


async def mine(ground: Ground, actor: Actor) -> list[UUID]:
    async with ground.db.read() as session:
        return [row.id for row in await questions.mine(session, actor)]


async def answer(ground: Ground, actor: Actor, question_id: UUID, tags: list[Tag] | None) -> AuditItem:
    async with unit_of_work(ground, actor) as work:
        given = None if tags is None else [tag.id for tag in tags]
        return await commands.answer_question(work, question_id, tag_ids=given, cannot_say=tags is None)


async def pass_night(ground: Ground, world: World, days: int = 0) -> Night:
    """What is done once a night about audits, that many days from now."""
    at = clock.now() + timedelta(days=days)
    night = Night(brand_id=world.brand.id, day=at.date(), step="audits", counts={}, begun_at=at)
    with clock.stopped_at(at):
        while True:
            async with unit_of_work(ground, system(world.brand.id)) as work:
                night.after_id = await commanding.see_to_audits(work, night)
            if night.after_id is None:
                return night


async def carry_out_jobs(ground: Ground, *, backwards: bool = False) -> None:
    """Run every job once, in the order they were asked for, or the other way round."""
    async with ground.db.read() as session:
        due = [await session.get(jobs.Job, key) for key in await _job_keys(session)]
    for job in due[::-1] if backwards else due:
        assert job
        async with unit_of_work(ground, system(job.brand_id)) as work:
            await HANDLERS[job.name](work, **job.args)


async def tasks_of(ground: Ground, actor: Actor) -> list[Task]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(Task).where(col(Task.brand_id) == actor.brand_id, col(Task.account_id).in_(actor.account_ids))
        )
        return list(found)


async def test_a_guide_is_asked_without_seeing_the_tag(ground: Ground) -> None:
    world = await build_world(ground)
    tags = await _two_different_tags(ground, world)

    shown = (await ask(ground, world.shop.other_guide, QUESTIONS))["myTagQuestions"]

    assert len(shown) == 2
    assert shown[0]["group"]["tags"] == [{"id": str(tag.id), "name": tag.name} for tag in tags]
    assert shown[0]["customer"] == {"name": "王芳", "tier": None, "visits": [], "purchases": []}
    assert _but_for_ids(shown[0]) == _but_for_ids(shown[1]), "the tags differ, and nothing says so"
    assert (await ask(ground, world.shop.guide, QUESTIONS))["myTagQuestions"] == []


async def test_a_question_that_shows_the_tag_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: what is read of the customer has something of the tag in it."""
    world = await build_world(ground)
    await _two_different_tags(ground, world)
    read = questions.mine

    async def with_tag(session: Any, actor: Actor) -> list[Any]:
        rows = await read(session, actor)
        found = await session.execute(select(col(AuditItem.id), col(AuditItem.tag_id)))
        told = {key: str(tag_id) for key, tag_id in found}
        return [SimpleNamespace(**{**row._mapping, "tier": told[row.id]}) for row in rows]

    monkeypatch.setattr(questions, "mine", with_tag)
    shown = (await ask(ground, world.shop.other_guide, QUESTIONS))["myTagQuestions"]

    assert _but_for_ids(shown[0]) != _but_for_ids(shown[1])


def test_a_question_holds_what_was_decided_and_no_more() -> None:
    kinds: Any = {name: set(GRAPH.type_map[name].fields) for name in ("TagQuestion", "QuestionCustomer")}  # type: ignore[attr-defined]  # objects

    assert kinds == {
        "TagQuestion": {"id", "version", "askedAt", "closesAt", "group", "customer"},
        "QuestionCustomer": {"name", "tier", "purchases", "visits"},
    }


async def test_the_customer_of_a_question_is_seen_nowhere_else(ground: Ground) -> None:
    world = await build_world(ground)
    audit, tags = await ask_blind(ground, world)
    asked = world.shop.other_guide
    [item, *_] = await items(ground, audit)

    assert await _sights(ground, asked, item) == set()
    await answer(ground, asked, item.id, [tags[0]])
    assert await _sights(ground, asked, item) == set()
    assert item.id not in await mine(ground, asked)
    seen_by_holder = {"customer", "customers", "addTags", "removeTags"}
    assert seen_by_holder <= await _sights(ground, world.shop.guide, item)


async def test_a_question_that_gives_sight_of_the_customer_elsewhere_is_noticed(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: whoever is asked sees the relationship as if they held it."""
    world = await build_world(ground)
    audit, _ = await ask_blind(ground, world)
    about = select(col(AuditItem.relationship_id)).where(
        col(AuditItem.brand_id) == world.brand.id, col(AuditItem.asked_id) == world.shop.other_guide.id
    )
    monkeypatch.setattr(
        customers.policy,
        "relationships_visible_to",
        lambda actor: and_(col(Relationship.brand_id) == actor.brand_id, col(Relationship.id).in_(about)),
    )

    assert "customer" in await _sights(ground, world.shop.other_guide, (await items(ground, audit))[0])


async def test_what_was_bought_here_and_when_they_came_is_shown_at_most_ten_each(ground: Ground) -> None:
    world = await build_world(ground)
    audit, _ = await ask_blind(ground, world)
    [item, *_] = await items(ground, audit)
    lines = [Line("P1", "羊绒衫", 1, 19_900), Line("POST", "运费", 1, 0, kind=LineKind.SERVICE)]
    about: dict[str, Any] = {"customer_id": item.customer_id, "lines": lines}
    for number in range(12):
        await place(ground, world, placed_at=NOON + timedelta(days=number), **about)
        with clock.stopped_at(NOON + timedelta(days=number)):
            async with unit_of_work(ground, world.shop.guide) as work:
                await visiting.note_visit(work, item.customer_id, remark="爱穿 M 码")
    await place(ground, world, store_id=world.shops[1].store.id, **about)

    shown = (await ask(ground, world.shop.other_guide, QUESTIONS))["myTagQuestions"]

    [about_them] = [each["customer"] for each in shown if each["id"] == str(item.id)]
    assert [line["day"] for line in about_them["purchases"]] == [f"2026-03-{13 - n:02}" for n in range(10)]
    assert {line["name"] for line in about_them["purchases"]} == {"羊绒衫"}
    assert len(about_them["visits"]) == 10
    assert "爱穿" not in repr(shown)


async def test_questions_are_read_in_as_many_statements_whether_one_or_three(ground: Ground) -> None:
    world = await build_world(ground)
    await ask_blind(ground, world)
    counts = []
    for left in (3, 1):
        for question_id in (await mine(ground, world.shop.other_guide))[left:]:
            await answer(ground, world.shop.other_guide, question_id, [])
        with statements(ground) as sent:
            assert len((await ask(ground, world.shop.other_guide, QUESTIONS))["myTagQuestions"]) == left
        counts.append(len(sent))

    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("choice", "said", "verdict"),
    [
        (Choice.MULTI, [0], Verdict.RIGHT),
        (Choice.MULTI, [0, 1], Verdict.RIGHT),
        (Choice.MULTI, [1, 2], Verdict.WRONG),
        (Choice.MULTI, [], Verdict.WRONG),
        (Choice.MULTI, None, Verdict.UNKNOWN),
        (Choice.SINGLE, [0], Verdict.RIGHT),
        (Choice.SINGLE, [1], Verdict.WRONG),
    ],
)
async def test_an_answer_is_compared_with_the_tag(
    ground: Ground, choice: Choice, said: list[int] | None, verdict: Verdict
) -> None:
    world = await build_world(ground)
    audit, tags = await ask_blind(ground, world, choice=choice)
    [item, *_] = await items(ground, audit)

    await answer(ground, world.shop.other_guide, item.id, None if said is None else [tags[n] for n in said])

    item = await reload(ground, item)
    assert (item.verdict, item.version) == (verdict, 2)
    assert item.answered_at is not None
    assert item.answer_ids == (None if said is None else sorted(str(tags[n].id) for n in said))


async def test_what_is_no_answer_is_refused_and_changes_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    audit, tags = await ask_blind(ground, world, choice=Choice.SINGLE)
    [other_group] = await build_tags(ground, world, 1)
    async with unit_of_work(ground, world.hq) as work:
        await commands.retire_tag(work, tags[2].id)
    [item, *_] = await items(ground, audit)
    guide = world.shop.other_guide
    before = await snapshot(ground)

    refusals: list[tuple[Actor, dict[str, Any], type[Exception]]] = [
        (guide, {}, Invalid),
        (guide, {"tag_ids": [], "cannot_say": True}, Invalid),
        (guide, {"tag_ids": [other_group.id]}, Invalid),
        (guide, {"tag_ids": [ids.new()]}, NotFound),
        (guide, {"tag_ids": [tags[2].id]}, TagRetired),
        (guide, {"tag_ids": [tags[0].id, tags[1].id]}, OnlyOneOfGroup),
        (world.shop.guide, {"tag_ids": []}, NotFound),
        (world.shop.manager, {"tag_ids": []}, NotFound),
        (world.hq, {"tag_ids": []}, NotFound),
        (world.shops[1].guide, {"tag_ids": []}, NotFound),
    ]
    for actor, given, refusal in refusals:
        with pytest.raises(refusal):
            async with unit_of_work(ground, actor) as work:
                await commands.answer_question(work, item.id, **given)

    assert await snapshot(ground) == before


async def test_a_question_is_answered_once_also_by_two_at_once(ground: Ground) -> None:
    world = await build_world(ground)
    audit, tags = await ask_blind(ground, world)
    [item, *_] = await items(ground, audit)

    both = await asyncio.gather(
        *(answer(ground, world.shop.other_guide, item.id, [tag]) for tag in tags[:2]), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in both) == ["AuditItem", "NotFound"]
    assert (await reload(ground, item)).version == 2


async def test_a_tag_that_was_merged_is_right_under_its_new_name_and_a_retired_one_cannot_be_said(
    ground: Ground,
) -> None:
    world = await build_world(ground)
    audit, tags = await ask_blind(ground, world)
    first, second, *_ = await items(ground, audit)
    async with ground.db.write() as session:
        tag = await session.get(Tag, (world.brand.id, tags[0].id))
        assert tag
        tag.retired_at, tag.merged_into_id = clock.now(), tags[1].id
    await answer(ground, world.shop.other_guide, first.id, [tags[1]])
    async with ground.db.write() as session:
        tag = await session.get(Tag, (world.brand.id, tags[0].id))
        assert tag
        tag.merged_into_id = None
    await answer(ground, world.shop.other_guide, second.id, [tags[1]])

    assert [(await reload(ground, each)).verdict for each in (first, second)] == [Verdict.RIGHT, Verdict.UNKNOWN]


async def test_nobody_is_asked_who_set_the_tag_or_holds_the_customer(ground: Ground) -> None:
    world = await build_world(ground)
    [tag] = await build_tags(ground, world, 1)
    await build_tagged(ground, world.shop, tag, 5, setter=world.shop.other_guide)
    await build_tagged(ground, world.shop, tag, 5)

    audit = await draw(ground, world.shop.manager, method=AuditMethod.BLIND)

    asked = {item.setter_id: item.asked_id for item in await items(ground, audit)}
    assert asked == {world.shop.guide.id: world.shop.other_guide.id, world.shop.other_guide.id: None}


async def test_questions_are_spread_evenly_and_no_guide_has_more_than_ten(ground: Ground) -> None:
    world = await build_world(ground)
    third, fourth = [await _hire(ground, world, number) for number in ("G3", "G4")]
    await ask_blind(ground, world, 25)
    busy = [len(await mine(ground, actor)) for actor in (world.shop.other_guide, third, fourth)]
    assert sorted(busy) == [8, 8, 9]

    await ask_blind(ground, world, 25)
    assert [len(await mine(ground, actor)) for actor in (world.shop.other_guide, third, fourth)] == [10, 10, 10]
    await answer(ground, third, (await mine(ground, third))[0], [])
    assert len(await mine(ground, third)) == 9, "nothing new before the night"

    night = await pass_night(ground, world, 1)

    assert night.counts == {"questions_asked": 1, "questions_taken_back": 0}
    assert len(await mine(ground, third)) == 10


async def test_the_questions_of_who_leaves_are_asked_of_somebody_else(ground: Ground) -> None:
    world = await build_world(ground)
    audit, _ = await ask_blind(ground, world)
    third = await _hire(ground, world, "G3")
    async with unit_of_work(ground, world.hq) as work:
        await visiting.close_access(work, world.shop.other_guide.id)

    night = await pass_night(ground, world, 1)

    assert night.counts == {"questions_asked": 10, "questions_taken_back": 10}
    assert {item.asked_id for item in await items(ground, audit)} == {third.id}


async def test_a_guide_who_went_to_another_store_does_not_see_the_questions_of_the_former(ground: Ground) -> None:
    world = await build_world(ground)
    await ask_blind(ground, world)
    moved = Actor(
        brand_id=world.brand.id,
        id=world.shop.other_guide.id,
        role=Role.GUIDE,
        staff_id=world.shop.other_guide.id,
        store_id=world.shops[1].store.id,
        account_ids=world.shop.other_guide.account_ids,
    )

    assert await mine(ground, moved) == []


async def test_after_two_weeks_what_is_open_is_unknown(ground: Ground) -> None:
    world = await build_world(ground)
    audit, tags = await ask_blind(ground, world)
    first, *others = await items(ground, audit)
    await answer(ground, world.shop.other_guide, first.id, [tags[0]])
    await pass_night(ground, world, 13)
    assert (await reload(ground, audit)).state is AuditState.OPEN

    await pass_night(ground, world, 14)

    assert (await reload(ground, audit)).state is AuditState.CLOSED
    assert {(await reload(ground, item)).verdict for item in others} == {Verdict.UNKNOWN}
    assert await mine(ground, world.shop.other_guide) == []
    with pytest.raises(NotFound):
        await answer(ground, world.shop.other_guide, others[0].id, [tags[0]])


async def test_an_audit_with_all_its_answers_is_closed_the_next_night(ground: Ground) -> None:
    world = await build_world(ground)
    audit, _ = await ask_blind(ground, world)
    for item in await items(ground, audit):
        await answer(ground, world.shop.other_guide, item.id, [])

    await pass_night(ground, world)

    assert (await reload(ground, audit)).state is AuditState.CLOSED


async def test_agreement_is_told_by_group(ground: Ground) -> None:
    world = await build_world(ground)
    small, large = await build_tags(ground, world, 2, Choice.SINGLE)
    for tag in (small, large):
        await build_tagged(ground, world.shop, tag, 5)
    audit = await draw(ground, world.shop.manager, method=AuditMethod.BLIND)
    for item in (await items(ground, audit))[1:]:
        await answer(ground, world.shop.other_guide, item.id, [small if item.tag_id == small.id else large])
    wrong = (await items(ground, audit))[0]
    await answer(ground, world.shop.other_guide, wrong.id, [small if wrong.tag_id == large.id else large])

    async with ground.db.read() as session:
        found = (await audits.results(session, world.shop.manager, [audit.id]))[audit.id]

    [line] = found.by_group
    assert line.agreement is not None
    assert (line.agreement.pairs, line.agreement.observed) == (10, 0.9)
    assert line.agreement.kappa == pytest.approx(0.8)
    assert found.overall.estimate == pytest.approx(0.9)


async def test_of_several_choices_each_is_a_judgement(ground: Ground) -> None:
    world = await build_world(ground)
    one, two, _ = tags = await build_tags(ground, world, 3)
    customer = await build_customer(ground, world.shop.guide)
    await put(ground, world.shop.guide, [customer], [one, two])
    audit = await draw(ground, world.shop.manager, method=AuditMethod.BLIND)
    for item in await items(ground, audit):
        await answer(ground, world.shop.other_guide, item.id, [one, tags[2]])

    async with ground.db.read() as session:
        found = (await audits.results(session, world.shop.manager, [audit.id]))[audit.id]

    [line] = found.by_group
    assert line.agreement is not None
    assert (line.agreement.pairs, line.agreement.observed) == (6, 1 / 3)


@pytest.mark.parametrize("backwards", [False, True])
async def test_a_question_is_a_to_do_until_it_is_closed(ground: Ground, backwards: bool) -> None:
    world = await build_world(ground)
    audit, tags = await ask_blind(ground, world)
    guide = world.shop.other_guide
    if not backwards:
        await carry_out_jobs(ground)
        made = await tasks_of(ground, guide)
        assert {(task.kind, task.state, task.title) for task in made} == {
            (TaskKind.CHECK_TAG, TaskState.PENDING, "请回答一个标签问题")
        }
        assert {(task.customer_id, task.relationship_id) for task in made} == {(None, None)}
        assert len(made) == 10
    first, *_ = await items(ground, audit)
    await answer(ground, guide, first.id, [tags[0]])
    async with unit_of_work(ground, world.shop.manager) as work:
        await commands.close_audit(work, audit.id)

    for _ in range(2):
        await carry_out_jobs(ground, backwards=backwards)

    states = Counter(task.state for task in await tasks_of(ground, guide))
    assert states == ({} if backwards else {TaskState.DONE: 1, TaskState.CANCELLED: 9})


def _but_for_ids(question: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in question.items() if name not in ("id", "askedAt")}


async def _two_different_tags(ground: Ground, world: World) -> list[Tag]:
    tags = await build_tags(ground, world, 2)
    for tag in tags:
        await build_tagged(ground, world.shop, tag, 1)
    await draw(ground, world.shop.manager, method=AuditMethod.BLIND)
    return tags


async def _sights(ground: Ground, actor: Actor, item: AuditItem) -> set[str]:
    """Through which queries somebody gets at the customer of a question, of all that there are."""
    found = set()
    for name, field in roots("query").items():
        takes_ids = any(str(argument.type) == "ID!" for argument in field.args.values())
        for key in (item.customer_id, item.relationship_id, item.id) if takes_ids else (item.id,):
            given = variables(field, lambda _name, key=key: str(key))  # type: ignore[misc]  # bound at once
            answer = await schema.execute(document("query", name, field, given, depth=3), given, context(ground, actor))
            seen = repr(answer.data)
            if str(item.customer_id) in seen or str(item.relationship_id) in seen:
                found.add(name)
    for mutation in ("addTags", "removeTags"):
        text = f"""mutation ($customers: [ID!]!, $tags: [ID!]!) {{ {mutation}(customerIds: $customers, tagIds: $tags) {{
            __typename ... on Problem {{ code }} }} }}"""
        asked = {"customers": [str(item.customer_id)], "tags": [str(item.tag_id)]}
        if (await ask(ground, actor, text, **asked))[mutation].get("code") != "NOT_FOUND":
            found.add(mutation)
    return found


async def _job_keys(session: Any) -> list[Any]:
    found = await session.execute(select(col(jobs.Job.brand_id), col(jobs.Job.id)).order_by(col(jobs.Job.id)))
    return [tuple(row) for row in found]


async def _hire(ground: Ground, world: World, number: str) -> Actor:
    """A third guide for the first shop."""
    shop = world.shop.store
    person = Staff(
        brand_id=world.brand.id,
        id=ids.new(),
        number=number,
        name=number,
        role=Role.GUIDE,
        store_id=shop.id,
        hired_at=NOON,
    )
    account = Account(
        brand_id=world.brand.id, id=ids.new(), store_id=shop.id, kind=AccountKind.GUIDE, staff_id=person.id
    )
    await save(ground, person, account)
    async with ground.db.write() as session:
        await feed.open_feeds(session, world.brand.id, [person.id])
    return replace(world.shop.guide, id=person.id, staff_id=person.id, account_ids=(account.id,))
