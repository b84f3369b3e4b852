"""Understand rules as people write them, and write them down again with the names that things have now."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor
from tagging.errors import BadExpression, BadRule
from tagging.models.behaviour import BEHAVIOUR
from tagging.models.expressions import (
    Kind,
    Node,
    checked,
    comparisons,
    parse,
    references,
    resolved,
    written,
)
from tagging.models.measuring import Rule
from tagging.queries import facts, rules


class Text(NamedTuple):
    """A rule as it is written today."""

    condition: str
    enough: str | None


async def understood(session: AsyncSession, actor: Actor, condition: str, enough: str | None) -> Rule:
    """What the texts say. Raises `BAD_EXPRESSION`, with the text, the line and the column."""
    digits = await facts.digits_of(session, actor.brand_id)
    trees = [_checked("condition", "条件", condition, digits)]
    if enough is not None and enough.strip():
        trees.append(_checked("enough", "证据是否充分", enough, digits))
    codes = {each.name for tree in trees for each in references(tree, BEHAVIOUR)}
    named = await rules.store_ids(session, actor.brand_id, sorted(codes)) if codes else {}
    said = []
    for part, part_zh, tree in zip(("condition", "enough"), ("条件", "证据是否充分"), trees, strict=False):
        try:
            said.append(resolved(tree, BEHAVIOUR, named))
        except BadExpression as error:
            raise _in(part, part_zh, error) from error
    return Rule(*said)


async def texts(session: AsyncSession, actor: Actor, rule_ids: Sequence[UUID]) -> dict[UUID, Text]:
    """Those of the rules that are in sight, in words."""
    rows = await rules.by_ids(session, actor, rule_ids)
    trees = {row.id: rules.tree_of(row) for row in rows.values()}
    stores = {
        UUID(str(value))
        for rule in trees.values()
        for tree in rule.trees
        for compare in comparisons(tree)
        for name, value in compare.arguments
        if BEHAVIOUR[compare.word].arguments[name].kind is Kind.STORE
    }
    names = await rules.store_codes(session, actor.brand_id, sorted(stores)) if stores else {}
    digits = await facts.digits_of(session, actor.brand_id)

    def text(tree: Node) -> str:
        return written(tree, BEHAVIOUR, names, minor_digits=digits)

    return {
        rule_id: Text(text(rule.condition), text(rule.enough) if rule.enough else None)
        for rule_id, rule in trees.items()
    }


def _checked(part: str, part_zh: str, text: str, digits: int) -> Node:
    try:
        return checked(parse(text), BEHAVIOUR, minor_digits=digits)
    except BadExpression as error:
        raise _in(part, part_zh, error) from error


def _in(part: str, part_zh: str, error: BadExpression) -> BadRule:
    return BadRule(part=part, part_zh=part_zh, **error.facts)
