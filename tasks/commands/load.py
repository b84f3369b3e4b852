"""Load many rows at once, for imports and demo data; says nothing to phones."""

from collections.abc import Mapping, Sequence
from typing import Any

from kernel import bulk
from kernel.work import Work
from tasks.models import Campaign, CampaignRecipient, CampaignStore, RevisitRule, Task

Rows = Sequence[Mapping[str, Any]]


async def load(
    work: Work,
    *,
    revisit_rules: Rows = (),
    campaigns: Rows = (),
    campaign_stores: Rows = (),
    tasks: Rows = (),
    campaign_recipients: Rows = (),
) -> None:
    """Insert rows as they are, parents first. The caller answers for their being right and new.

    Nobody's phone is told row by row: whoever loads gives the brand's feeds a new epoch in the end.
    """
    await bulk.insert_rows(work.session, RevisitRule, revisit_rules)
    await bulk.insert_rows(work.session, Campaign, campaigns)
    await bulk.insert_rows(work.session, CampaignStore, campaign_stores)
    await bulk.insert_rows(work.session, Task, tasks)
    await bulk.insert_rows(work.session, CampaignRecipient, campaign_recipients)
