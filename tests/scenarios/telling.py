"""Tell the whole story before an audience: what each step did to whose copy, and what the story leaves out.

`run(ground)` compares everybody's copies after each step, which takes a minute; `make test` lets fewer look.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from graphql import GraphQLInputObjectType, GraphQLInputType, get_named_type
from sqlalchemy.ext.asyncio import AsyncSession

from intake.events import ImportForgotten, ImportLeftBehind, ImportTakenOver
from kernel import feed, jobs
from kernel.work import Event, Ground, Wiring, Work
from server.wiring import SEEN_BY
from tests.scenarios.audience import Audience
from tests.scenarios.chapters import CHAPTERS
from tests.scenarios.documents import roots
from tests.scenarios.stage import Person, Stage, set_stage
from tests.scenarios.story import Deed, Step

OF_SESSIONS = {"signIn", "refreshSession", "signOut"}
OF_REQUESTS = {"idempotencyKey", "expectedVersion"}
# What an interrupted import comes to is told in tests/intake/test_left_behind.py, with phones of its own.
TOLD_ELSEWHERE = {ImportLeftBehind, ImportTakenOver, ImportForgotten}


@dataclass
class Ear:
    """The wiring, and what it heard."""

    wiring: Wiring
    heard: set[type] = field(default_factory=set)

    async def mark(self, work: Work) -> None:
        await self.wiring.mark(work)

    async def seen_by(self, session: AsyncSession, brand_id: UUID, events: Sequence[Event]) -> list[feed.Entry]:
        self.heard |= {type(event) for event in events}
        return await self.wiring.seen_by(session, brand_id, events)

    def reactions(self, events: Sequence[Event]) -> list[jobs.Request]:
        return self.wiring.reactions(events)


@dataclass
class Told:
    """Where copies differed, what the story left out, and how many changes were taken over."""

    differences: list[str]
    left_out: list[str]
    checked: int


async def run(ground: Ground, most: int | None = None, story: Sequence[Step | Deed] | None = None) -> Told:
    """A story from beginning to end; `most` people look after each step, and everybody after the last."""
    ear = Ear(ground.wiring)
    stage = await set_stage(replace(ground, wiring=ear))
    audience = Audience(stage)
    await audience.compare()
    asked: dict[str, set[str]] = defaultdict(set)
    found = []
    for step in steps() if story is None else story:
        if isinstance(step, Deed):
            await step.do(stage)
        else:
            given = await ask(stage, step)
            asked[step.mutation].update(_named(given))
        found += [f"{_title(step)}: {line}" for line in await audience.compare(most)]
    found += [f"by the end: {line}" for line in await audience.compare()]
    return Told(found, [*_unasked(asked), *_unheard(ear.heard)], audience.checked)


def steps() -> list[Step | Deed]:
    """The story, chapter by chapter."""
    return [step for chapter in CHAPTERS.values() for step in chapter]


async def ask(stage: Stage, step: Step) -> dict[str, Any]:
    """Have somebody ask for a mutation; returns what they gave."""
    await stage.look()
    given = step.given(stage)
    answer = await stage.ask(step.by, step.mutation, given)
    made = next((value for value in answer.values() if isinstance(value, dict) and "id" in value), None)
    if step.makes is not None and made is not None:
        stage.things[step.makes] = made["id"]
        if "staff" in answer:
            stage.people[step.makes] = Person(stage.world.brand.id, UUID(made["id"]))
    return given


def _title(step: Step | Deed) -> str:
    return step.name if isinstance(step, Deed) else f"{step.mutation} by {step.by}"


def _unasked(asked: dict[str, set[str]]) -> Iterator[str]:
    for name, definition in roots("mutation").items():
        if name not in asked and name not in OF_SESSIONS:
            yield f"no step asks for {name}: add one to tests/scenarios/chapters.py"
        elif name not in OF_SESSIONS:
            named = {part for key, each in definition.args.items() for part in _names(key, each.type)}
            for left_out in sorted(named - asked[name] - OF_REQUESTS):
                yield f"no step gives {name} its {left_out}: add it to one in tests/scenarios/chapters.py"


def _unheard(heard: set[type]) -> Iterator[str]:
    for event in sorted(SEEN_BY.keys() - heard - TOLD_ELSEWHERE, key=lambda event: event.__name__):
        yield f"no step brings about {event.__name__}: add one to tests/scenarios/chapters.py"


def _names(name: str, kind: GraphQLInputType) -> Iterator[str]:
    """The argument, or the fields of the input that it is, down to the last one."""
    named = get_named_type(kind)
    if not isinstance(named, GraphQLInputObjectType):
        yield name
        return
    for part, definition in named.fields.items():
        yield from (f"{name}.{each}" for each in _names(part, definition.type))


def _named(given: Any, path: str = "") -> Iterator[str]:
    """The same of what was given."""
    for name, value in given.items():
        below = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else [value]
        if below and all(isinstance(each, dict) for each in below):
            yield from (named for each in below for named in _named(each, f"{path}{name}."))
        else:
            yield f"{path}{name}"
