"""One thing of each kind that a shop has, for tests that walk through the whole schema."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers.models import Note, Relationship, Visit
from directory.models import Account, Cover
from handover.models import Handover, HandoverAccount, HandoverKind, HandoverState, Strategy
from intake.models import HookMessage, HookMessageState, HookSecret, HookSource
from kernel import ids
from kernel.actor import Actor
from kernel.work import Ground
from kpi.models import KpiNotice, KpiWatch, WatchKind
from mall.models import (
    Channel,
    CommissionPlan,
    Credit,
    CreditReason,
    LineKind,
    Order,
    OrderLine,
    OrderState,
    Product,
    Refund,
    RefundCharge,
    RefundLine,
    Sku,
)
from tagging.models import (
    OPEN_FOR,
    AuditItem,
    AuditMethod,
    AuditScope,
    CustomerTag,
    RuleMode,
    Segment,
    SegmentVersion,
    SetBy,
    Sharing,
    Tag,
    TagAudit,
    TagGroup,
    TagRule,
    TagSuggestion,
)
from tasks.models import RevisitRule, RevisitRuleState, Trigger
from tests.asking import VAULT
from tests.factories import (
    NOON,
    Shop,
    World,
    build_campaign,
    build_customer,
    build_run,
    build_task,
    relationship_of,
    save,
)
from tests.handover.leaving import build_alert
from tests.mall.sharing import build_share

Belongings = dict[str, UUID]

# What there may be one of a day is made for a day of its own.
_DAYS = count()


async def furnish(ground: Ground, world: World, shop: Shop) -> Belongings:
    """One new thing of each kind, held by the shop's first guide."""
    guide, brand_id = shop.guide, world.brand.id
    customer = await build_customer(ground, guide)
    name = customer.id.hex[-8:]
    relationship = await relationship_of(ground, customer)
    task = await build_task(ground, guide, customer)
    about: dict[str, Any] = {"brand_id": brand_id, "relationship_id": relationship.id, "store_id": shop.store.id}
    note = Note(id=ids.new(), by_staff_id=guide.id, body="喜欢素色", at=NOON, **about)
    visit = Visit(id=ids.new(), account_id=guide.account_ids[0], by_staff_id=guide.id, at=NOON, **about)
    product = Product(brand_id=brand_id, id=ids.new(), code=f"P-{name}", name="真丝衬衫", price=39900)
    sku = Sku(brand_id=brand_id, id=ids.new(), product_id=product.id, code=f"P-{name}-M", variant="M")
    group = TagGroup(brand_id=brand_id, id=ids.new(), name=f"风格{name}")
    tag = Tag(brand_id=brand_id, id=ids.new(), group_id=group.id, name="素雅")
    worn = CustomerTag(
        brand_id=brand_id,
        customer_id=customer.id,
        tag_id=tag.id,
        set_by=SetBy.GUIDE,
        by_staff_id=guide.id,
        set_at=NOON,
        checked_at=NOON,
    )
    rule = TagRule(
        brand_id=brand_id,
        id=ids.new(),
        name=f"规则{name}",
        tag_id=tag.id,
        mode=RuleMode.SUGGEST,
        condition={"word": "orders", "op": ">=", "values": [1], "with": {"days": 365}},
        created_at=NOON,
    )
    suggestion = TagSuggestion(
        brand_id=brand_id,
        id=ids.new(),
        customer_id=customer.id,
        tag_id=tag.id,
        rule_id=rule.id,
        reason="近 365 天下单 1 次",
        at=NOON,
    )
    run = await build_run(ground, brand_id)
    segment = Segment(
        brand_id=brand_id,
        id=ids.new(),
        name=f"金卡{name}",
        owner_id=world.hq.id,
        sharing=Sharing.BRAND,
        tree={"word": "tier", "op": "=", "values": ["金卡"]},
        created_at=NOON,
        edited_at=NOON,
    )
    said: dict[str, Any] = {"version": 1, "name": segment.name, "tree": segment.tree, "at": NOON}
    await save(ground, note, visit, product, sku, group, tag, worn, rule, suggestion, segment)
    await save(ground, SegmentVersion(brand_id=brand_id, segment_id=segment.id, **said))
    revisit_rules = [_revisit_rule(world, state, name) for state in (RevisitRuleState.DRAFT, RevisitRuleState.LIVE)]
    await save(ground, *revisit_rules)
    order, refund = await _sell(ground, relationship, product, guide)
    campaign = await build_campaign(ground, shop.manager)
    share = await build_share(ground, guide, product)
    handover = await _handed_over(ground, shop)
    audited = await _audit(ground, relationship, tag, shop)
    plan = await _commission_plan(ground, world)
    hooks = await _connect(ground, brand_id, name)
    alert = await build_alert(ground, shop)
    return {
        "alert": alert.id,
        **await _told(ground, guide),
        "commission_plan": plan.id,
        "customer": customer.id,
        "relationship": relationship.id,
        "note": note.id,
        "task": task.id,
        "order": order.id,
        "refund": refund.id,
        "account": await _account(ground, shop),
        "staff": guide.id,
        "store": shop.store.id,
        "region": shop.store.region_id,
        "product": product.id,
        "sku": sku.id,
        "tag": tag.id,
        "tag_group": group.id,
        "tag_rule": rule.id,
        "tag_suggestion": suggestion.id,
        "import_run": run.id,
        "segment": segment.id,
        "campaign": campaign.id,
        "revisit_rule": revisit_rules[0].id,
        "live_rule": revisit_rules[1].id,
        "tag_audit": audited.audit_id,
        "tag_question": audited.id,
        "share": share.id,
        "handover": handover.id,
        "cover": await _cover(ground, shop),
        **hooks,
    }


async def _told(ground: Ground, guide: Actor) -> Belongings:
    """A subscription of the guide's, and what they were told on some day."""
    theirs: dict[str, Any] = {"brand_id": guide.brand_id, "staff_id": guide.id, "kind": WatchKind.DAILY}
    day_of_its_own = NOON.date() + timedelta(days=next(_DAYS))
    watch = KpiWatch(id=ids.new(), figures=["gross"], sent_for=NOON.date(), looked_at=NOON, created_at=NOON, **theirs)
    content = {"currency": "CNY", "lines": []}
    notice = KpiNotice(id=ids.new(), day=day_of_its_own, content=content, sent_at=NOON, **theirs)
    await save(ground, watch, notice)
    return {"kpi_watch": watch.id, "kpi_notice": notice.id}


async def _handed_over(ground: Ground, shop: Shop) -> Handover:
    """A handover of the shop's second guide that was given up."""
    brand_id, leaver = shop.store.brand_id, shop.other_guide
    handover = Handover(
        brand_id=brand_id,
        id=ids.new(),
        kind=HandoverKind.TRANSFER,
        state=HandoverState.CANCELLED,
        staff_id=leaver.id,
        store_id=shop.store.id,
        strategy=Strategy.BALANCED,
        started_at=NOON,
    )
    of_it: dict[str, Any] = {"brand_id": brand_id, "handover_id": handover.id, "store_id": shop.store.id}
    await save(ground, handover, HandoverAccount(account_id=leaver.account_ids[0], **of_it))
    return handover


async def _cover(ground: Ground, shop: Shop) -> UUID:
    """One that is long to come: nobody sees more by it yet."""
    begins = datetime(2100, 1, 1, tzinfo=UTC)
    absent, delegate = shop.guides
    row = Cover(
        brand_id=absent.brand_id,
        id=ids.new(),
        store_id=shop.store.id,
        account_id=absent.account_ids[0],
        staff_id=absent.id,
        delegate_id=delegate.id,
        starts_at=begins,
        ends_at=begins + timedelta(days=3),
        arranged_by_id=shop.manager.id,
        arranged_at=NOON,
    )
    await save(ground, row)
    return row.id


def _revisit_rule(world: World, state: RevisitRuleState, name: str) -> RevisitRule:
    return RevisitRule(
        brand_id=world.brand.id,
        id=ids.new(),
        name=f"{state} {name}",
        trigger=Trigger.NO_CONTACT,
        state=state,
        days=90,
        title="问候",
        created_at=NOON,
    )


async def _connect(ground: Ground, brand_id: UUID, name: str) -> Belongings:
    """A mall, one of its secrets, and a message of its that is parked."""
    source = HookSource(
        brand_id=brand_id, id=ids.new(), slug=f"x.{name}", title=f"商城{name}", mapping="daogou", created_at=NOON
    )
    of_source: dict[str, Any] = {"brand_id": brand_id, "source_id": source.id}
    secret = HookSecret(id=ids.new(), sealed=VAULT.seal(brand_id, "whsec_"), made_at=NOON, **of_source)
    message = HookMessage(
        id=ids.new(),
        message_id=name,
        digest="0" * 64,
        body=VAULT.seal(brand_id, "{}"),
        state=HookMessageState.PARKED,
        state_at=NOON,
        received_at=NOON,
        code="STORE_UNKNOWN",
        facts={"field": "store", "store": "SH-01"},
        **of_source,
    )
    await save(ground, source, secret, message)
    return {"hook_source": source.id, "hook_secret": secret.id, "hook_message": message.id}


async def _audit(ground: Ground, relationship: Relationship, tag: Tag, shop: Shop) -> AuditItem:
    """An audit of the store that asks the other guide about the tag."""
    audit = TagAudit(
        brand_id=tag.brand_id,
        id=ids.new(),
        name="抽查",
        method=AuditMethod.BLIND,
        store_id=shop.store.id,
        scope=AuditScope(store_id=shop.store.id).to_json(),
        size=10,
        seed=7,
        strata=[{"store_id": None, "setter_id": None, "tag_id": None, "size": 1, "drawn": 1}],
        by_staff_id=shop.manager.id,
        drawn_at=NOON,
        closes_at=NOON + OPEN_FOR,
    )
    item = AuditItem(
        brand_id=tag.brand_id,
        id=ids.new(),
        audit_id=audit.id,
        stratum=0,
        store_id=shop.store.id,
        customer_id=relationship.customer_id,
        relationship_id=relationship.id,
        tag_id=tag.id,
        setter_id=shop.guide.id,
        asked_id=shop.other_guide.id,
        asked_at=NOON,
    )
    await save(ground, audit, item)
    return item


async def _sell(ground: Ground, relationship: Relationship, product: Product, guide: Actor) -> tuple[Order, Refund]:
    sold: dict[str, Any] = {
        "brand_id": relationship.brand_id,
        "source": "mall",
        "store_id": relationship.store_id,
        "customer_id": relationship.customer_id,
        "relationship_id": relationship.id,
        "currency": "CNY",
        "placed_at": NOON,
        "day": NOON.date(),
    }
    line: dict[str, Any] = {
        "brand_id": relationship.brand_id,
        "line": 1,
        "product_code": product.code,
        "name": product.name,
        "kind": LineKind.GOODS,
        "quantity": 1,
    }
    order = Order(
        id=ids.new(),
        number=f"O-{product.code}",
        serving_account_id=guide.account_ids[0],
        state=OrderState.PAID,
        channel=Channel.MINI_MALL,
        amount=39900,
        **sold,
    )
    refund = Refund(id=ids.new(), number=f"R-{product.code}", order_id=order.id, amount=100, **sold)
    await save(
        ground,
        order,
        OrderLine(order_id=order.id, product_id=product.id, amount=39900, **line),
        Credit(
            brand_id=order.brand_id,
            id=ids.new(),
            order_id=order.id,
            store_id=order.store_id,
            account_id=guide.account_ids[0],
            amount=order.amount,
            reason=CreditReason.HOLDER,
            decided_at=NOON,
        ),
        refund,
        RefundLine(refund_id=refund.id, amount=100, **line),
        RefundCharge(
            brand_id=refund.brand_id,
            refund_id=refund.id,
            part=1,
            account_id=guide.account_ids[0],
            amount=100,
            placed_at=refund.placed_at,
        ),
    )
    return order, refund


async def _account(ground: Ground, shop: Shop) -> UUID:
    async with ground.db.read() as session:
        found = await session.scalar(
            select(col(Account.id)).where(
                col(Account.brand_id) == shop.store.brand_id, col(Account.id) == shop.guide.account_ids[0]
            )
        )
    assert found
    return found


async def _commission_plan(ground: Ground, world: World) -> CommissionPlan:
    """A draft for a day of its own, which is long to come."""
    day = date(2100, 1, 1) + timedelta(days=next(_DAYS))
    plan = CommissionPlan(
        brand_id=world.brand.id,
        id=ids.new(),
        name="佣金",
        from_day=day,
        until_day=day,
        rates=[{"role": "guide", "category": None, "rate": 500}],
        created_at=NOON,
    )
    await save(ground, plan)
    return plan
