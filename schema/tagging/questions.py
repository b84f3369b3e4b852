"""Blind questions in GraphQL: what a guide may know of a customer for as long as they are asked, and no more."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from schema.context import Info
from schema.fields import field, mutation
from schema.payloads import told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Fen, read_id, shown_as
from schema.tagging.library import TagGroup, group_of
from schema.versioned import Versioned
from tagging import commands
from tagging.queries import questions


@strawberry.type(description="A line of goods that the customer bought in this store.")
class QuestionPurchase:
    day: date = strawberry.field(description="The store's calendar day.")
    name: str = strawberry.field(description="As sold.")
    variant: str | None = strawberry.field(description="Size and colour in the source's words.")
    quantity: int
    amount: Fen = strawberry.field(description="What the line came to.")
    currency: str = strawberry.field(description="Three letters, ISO 4217.")


@strawberry.type(
    description="All that may be known of the customer for this question: no id, no tags, and no notes, which could "
    "give the answer away."
)
class QuestionCustomer:
    name: str
    tier: str | None = strawberry.field(description="The tier of membership in the brand's words.")
    id: strawberry.Private[UUID]

    @field("The last 10 lines of goods bought in this store, the latest first.")
    async def purchases(self, info: Info) -> list[QuestionPurchase]:
        return shown_as(list[QuestionPurchase], await info.context.load(questions.purchases, self.id) or [])

    @field("When they last came or were called, at most 10, the latest first; in UTC.")
    async def visits(self, info: Info) -> list[datetime]:
        return [row.at for row in await info.context.load(questions.visits, self.id) or []]


@strawberry.type(
    description="A question of an audit (抽查): which tags of the group fit this customer? Others have an opinion "
    "already, which isn't shown."
)
class TagQuestion(Versioned):
    asked_at: datetime = strawberry.field(description="In UTC.")
    closes_at: datetime = strawberry.field(description="Until when it can be answered, in UTC.")
    group_id: strawberry.Private[UUID]

    @field("The group that is asked for; its tags are the answers there are.")
    async def group(self, info: Info) -> TagGroup | None:
        return await group_of(info, self.group_id)

    @field("Whom it is about.")
    async def customer(self) -> QuestionCustomer:
        return shown_as(QuestionCustomer, self)


@strawberry.type(description="The answer was taken.")
class TagQuestionAnswered:
    open: list[TagQuestion] = strawberry.field(description="The viewer's questions that are open still.")
    places: list[Place] = told()


TagQuestionResult = Annotated[TagQuestionAnswered | Problem, strawberry.union("TagQuestionResult")]


async def questions_of(info: Info) -> list[TagQuestion]:
    """The viewer's open questions."""
    async with info.context.read() as session:
        return shown_as(list[TagQuestion], await questions.mine(session, info.context.actor))


@strawberry.type
class QuestionQueries:
    @field(
        "Questions that wait for the viewer's answer, the oldest first; at most 10 are open at once. The viewer has "
        "sight of the customer here only, and until it is answered."
    )
    async def my_tag_questions(self, info: Info) -> list[TagQuestion]:
        return await questions_of(info)


@strawberry.type
class QuestionMutations:
    @mutation(
        "Answer a question of one's own: the tags that fit, an empty list for none of them, or `cannotSay`: "
        "`NOT_FOUND` (also once it is closed), `INVALID`, `TAG_RETIRED`, `ONLY_ONE_OF_GROUP`."
    )
    async def answer_tag_question(
        self,
        info: Info,
        id: strawberry.ID,
        tag_ids: list[strawberry.ID] | None = None,
        cannot_say: bool = False,
        idempotency_key: str | None = None,
    ) -> TagQuestionResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.answer_question(
                work,
                read_id(id),
                tag_ids=None if tag_ids is None else [read_id(each) for each in tag_ids],
                cannot_say=cannot_say,
            ),
        )
        return TagQuestionAnswered(open=await questions_of(info), places=done.places)
