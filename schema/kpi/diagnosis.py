"""What holds a guide back, against their peers, in GraphQL."""

from datetime import date
from fractions import Fraction
from uuid import UUID

import strawberry

from kpi.models import Days
from kpi.models.advice import said
from kpi.models.definitions import SMALL_SAMPLE, Sums
from kpi.models.diagnosing import TESTED, Cause, Diagnosis, Finding, Funnel, Step
from kpi.queries import diagnosing
from kpi.queries.diagnosing import Diagnosed, PeerKind
from kpi.queries.scoping import Asked
from mall.models import minor_digits
from schema.context import Info
from schema.directory import Staff, staff_of
from schema.fields import OUT_OF_SIGHT, field
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, Fen, given_id
from schema.tagging import Standing

strawberry.enum(
    PeerKind,
    name="KpiPeerKind",
    description="`SAME_SIZE`: guides of the third of the brand's stores, by gross per guide's day at work in the "
    "range, that the guide's store is in. `IN_SIGHT`: where these are fewer than 5, all guides in the viewer's sight.",
)
strawberry.enum(
    Cause,
    name="KpiCause",
    description="`MOTIVATION`: it is done too little. `METHOD`: it is done, and little comes of it. `NONE`: no step is "
    "short beyond noise, or it isn't the guide's to mend.",
)
strawberry.enum(
    Step,
    name="KpiStep",
    description="One thing for each of another: guides' days with a link per day at work; links per such day; opens "
    "per link; orders through links per open; what such an order comes to. Tasks of turning to a customer per day at "
    "work; of these, customers reached; of these, tasks after which they bought.",
)


@strawberry.type(description="A step of a guide against the same of the peers together.")
class KpiStepFinding:
    step: Step
    own: float | None = strawberry.field(
        description="The guide's rate, not rounded: a share from 0 to 1, a count for each, or of what an order comes "
        "to minor units. Null where it would be a part of nothing."
    )
    peers: float | None = strawberry.field(description="The peers' rate, of all of them together.")
    sample: int = strawberry.field(description="Of how many the own rate is.")
    is_small: bool = strawberry.field(description=f"Whether that is fewer than {SMALL_SAMPLE}.")
    shortfall: Fen = strawberry.field(
        description="What the step costs; below 0 where the guide is ahead. The steps add up to `expected` less "
        "`brought` (LMDI-I, Ang 2005; zeros as small values, Ang & Liu 2007)."
    )
    standing: Standing | None = strawberry.field(
        description="Against the peers: shares by Newcombe (1998, method 10), counts per unit by the exact conditional "
        f"binomial test, at 95 % over all {TESTED} steps together (Bonferroni). Null where nothing tells: what an "
        "order comes to is never tested, and neither is a part of nothing."
    )
    lowest: float | None = strawberry.field(
        description="The own rate is from here on, as far as the peers' is right; null without a standing."
    )
    highest: float | None = strawberry.field(description="And up to here; null without a standing, or without a bound.")


@strawberry.type(description="What came of a way of selling, and what the peers' rates would have made of it.")
class KpiFunnel:
    brought: Fen = strawberry.field(description="What came of it.")
    expected: Fen = strawberry.field(description="What the same days at work would have brought at the peers' rates.")
    steps: list[KpiStepFinding] = strawberry.field(description="In the order in which one follows on another.")


@strawberry.type(description="What was left out because it had come by a handover in the last 30 days (交接调整).")
class KpiHanded:
    orders: int = strawberry.field(description="Orders of customers who were taken over.")
    gross: Fen = strawberry.field(description="What these come to.")
    refunds: Fen = strawberry.field(description="Given back to such customers.")
    tasks_due: int = strawberry.field(description="Tasks about such customers that were due.")
    contacts_due: int = strawberry.field(description="Those of them that are about turning to the customer.")


@strawberry.type(description="What holds a guide back (诊断), against peers who are never named.")
class KpiDiagnosis:
    currency: str = strawberry.field(description="Of all amounts: three letters, ISO 4217.")
    was_at_work: bool = strawberry.field(description="On any of these days.")
    peer_kind: PeerKind | None = strawberry.field(description="Null where there are fewer than 5 peers.")
    peers: int | None = strawberry.field(description="How many there are, the guide left out; null if fewer than 5.")
    sharing: KpiFunnel | None = strawberry.field(
        description="From days at work to what came through links; null without work or peers."
    )
    tasks: KpiFunnel | None = strawberry.field(
        description="From days at work to tasks after which customers bought, each at the guide's average basket (the "
        "peers' where the guide sold nothing); null without work or peers. It overlaps with the other: don't add them."
    )
    weakest: Step | None = strawberry.field(
        description="The largest shortfall of those beyond noise: never one that chance may have brought about. Null "
        "if there is none."
    )
    cause: Cause = strawberry.field(description="What that step is a matter of.")
    says: str = strawberry.field(description="All that as a sentence, in the reader's language.")
    handed: KpiHanded | None = strawberry.field(description="Null unless `adjusted`.")
    staff_id: strawberry.Private[UUID]

    @field(f"Whom it is about; {OUT_OF_SIGHT}.")
    async def guide(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)


@strawberry.type
class DiagnosisQueries:
    @field(
        "What holds a guide back, or each guide at work in a store (at most 100 a page, by id), over 1 to 366 days: "
        "two funnels against peers. Guides get their own. `adjusted` leaves out what came by a handover in the last "
        "30 days, of the guide and of peers. `FORBIDDEN` for a machine without `reports:read`; `NOT_FOUND` for what "
        "is out of sight; `INVALID` for other ranges, and unless either a guide or a store is named; `BAD_PAGE_SIZE`, "
        "`BAD_CURSOR`."
    )
    async def kpi_diagnosis(
        self,
        info: Info,
        from_day: date,
        until_day: date,
        staff_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        adjusted: bool = False,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[KpiDiagnosis]:
        page, days = page_of(first, after), Days(from_day, until_day)
        asked = Asked(store_id=given_id(store_id), staff_id=given_id(staff_id))
        async with info.context.read() as session:
            rows = await diagnosing.page(session, info.context.actor, page, asked, days, adjusted=adjusted)
        shown = [_shown(row, info.context.language) for row in rows]
        return connection(KpiDiagnosis, shown, page, lambda row: [row.staff_id])


def _shown(row: Diagnosed, language: str) -> KpiDiagnosis:
    found = row.diagnosis
    return KpiDiagnosis(
        currency=row.currency,
        was_at_work=row.was_at_work,
        peer_kind=row.peer_kind,
        peers=row.peers,
        sharing=_funnel(found.sharing) if found else None,
        tasks=_funnel(found.tasks) if found else None,
        weakest=_weakest(found),
        cause=found.cause if found else Cause.NONE,
        says=said(
            found,
            was_at_work=row.was_at_work,
            currency=row.currency,
            digits=minor_digits(row.currency),
            language=language,
        ),
        handed=None if row.handed is None else _handed(row.handed),
        staff_id=row.staff_id,
    )


def _weakest(found: Diagnosis | None) -> Step | None:
    return found.weakest.step if found and found.weakest else None


def _funnel(funnel: Funnel) -> KpiFunnel:
    return KpiFunnel(
        brought=Fen(funnel.brought),
        expected=Fen(funnel.expected),
        steps=[_finding(each) for each in funnel.findings],
    )


def _finding(each: Finding) -> KpiStepFinding:
    compared = each.compared
    return KpiStepFinding(
        step=each.step,
        own=_float(each.own),
        peers=_float(each.peers),
        sample=each.sample,
        is_small=each.is_small,
        shortfall=Fen(each.shortfall),
        standing=compared.standing if compared else None,
        lowest=compared.lowest if compared else None,
        highest=compared.highest if compared else None,
    )


def _handed(sums: Sums) -> KpiHanded:
    return KpiHanded(
        orders=sums.get("orders", 0),
        gross=Fen(sums.get("gross", 0)),
        refunds=Fen(sums.get("refunds", 0)),
        tasks_due=sums.get("tasks_due", 0),
        contacts_due=sums.get("contacts_due", 0),
    )


def _float(rate: Fraction | None) -> float | None:
    return None if rate is None else float(rate)
