"""Stage the members of a file, and apply them: what is told of each, and where they are at home."""

import base64
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import col

import customers.commands
from customers.commands.members import TOLD, owners_of_phones, update_many
from customers.models import Customer
from intake.commands import noting, runs, stage
from intake.commands.noting import Known
from intake.commands.stage import Tally
from intake.models import ImportedMember, ImportRun, Outcome, StagedMember
from intake.models.cells import Refused
from intake.models.invoice import pack, unpack
from intake.models.mapping import MemberMapping
from intake.models.members_file import Member
from kernel import bulk, clock, ids
from kernel.work import Work

AT_ONCE = 200


async def add_members(
    work: Work, run: ImportRun, mapping: MemberMapping, known: Known, tally: Tally, batch: Sequence[Member]
) -> None:
    """Keep those members of whom the file says something new. Refuses one who is there twice."""
    await runs.renew(work, run)
    found = await work.session.execute(
        select(col(ImportedMember.customer_key), col(ImportedMember.digest)).where(
            col(ImportedMember.brand_id) == run.brand_id,
            col(ImportedMember.customer_key).in_([member.number for member in batch]),
        )
    )
    digests = dict(found.all())
    rows = [_row(run, member) for member in batch]
    added = await bulk.insert_missing(work.session, StagedMember, rows)
    _require_once(run, mapping, batch, {str(key.customer_key) for key in added})
    for member in batch:
        await noting.note_place(work, run, mapping, known, member.row, member.store, member.guide)
    fresh = [member for member in batch if digests.get(member.number) != member.digest]
    await stage.note_customers(work, run, [member.number for member in fresh])
    tally.customers_told += len(batch)
    tally.outcomes[Outcome.CHANGED.value] += sum(member.number in digests for member in fresh)
    tally.outcomes[Outcome.NEW.value] += sum(member.number not in digests for member in fresh)
    tally.outcomes[Outcome.UNCHANGED.value] += len(batch) - len(fresh)


def _require_once(run: ImportRun, mapping: MemberMapping, batch: Sequence[Member], added: set[str]) -> None:
    seen: set[str] = set()
    for member in batch:
        if member.number in seen or member.number not in added:
            twice = Refused("this member is there twice.", "该会员重复出现。", field="customer")
            raise twice.at(run.file_name, member.row, mapping.columns)
        seen.add(member.number)


def _row(run: ImportRun, member: Member) -> dict[str, Any]:
    store = member.store.code if member.store else None
    guide = member.guide.code if member.guide else None
    return {
        "brand_id": run.brand_id,
        "run_id": run.id,
        "customer_key": member.number,
        "row": member.row,
        "content": pack((member.known, store, guide, member.digest)),
    }


async def apply_next(work: Work, run: ImportRun) -> tuple[str, int]:
    """Apply the next staged members; returns the last number and how many they were."""
    found = await work.session.execute(
        select(col(StagedMember.customer_key), col(StagedMember.content))
        .where(
            col(StagedMember.brand_id) == run.brand_id,
            col(StagedMember.run_id) == run.id,
            col(StagedMember.customer_key) > run.position,
        )
        .order_by(col(StagedMember.customer_key))
        .limit(AT_ONCE)
    )
    staged = {key: unpack(content) for key, content in found}
    if not staged:
        return run.position, 0
    changed = await _changed(work, run, staged)
    known = await _customers(work, list(changed))
    shared = await _drop_shared_phones(work, changed, known)
    await customers.commands.load(
        work, customers=[_new(run.brand_id, key, told) for key, (told, *_) in changed.items() if key not in known]
    )
    await update_many(work, [_told(known[key], told) for key, (told, *_) in changed.items() if key in known])
    await _remember(work, run, changed)
    run.counts = {**run.counts, "shared_phones": run.counts.get("shared_phones", 0) + shared}
    return list(staged)[-1], len(staged)  # the last by the order of the database


async def _changed(work: Work, run: ImportRun, staged: dict[str, Any]) -> dict[str, Any]:
    found = await work.session.execute(
        select(col(ImportedMember.customer_key), col(ImportedMember.digest)).where(
            col(ImportedMember.brand_id) == run.brand_id, col(ImportedMember.customer_key).in_(list(staged))
        )
    )
    digests = dict(found.all())
    return {key: content for key, content in staged.items() if digests.get(key) != content[-1]}


async def _customers(work: Work, keys: Sequence[str]) -> dict[str, UUID]:
    found = await work.session.execute(
        select(col(Customer.member_number), col(Customer.id)).where(
            col(Customer.brand_id) == work.actor.brand_id, col(Customer.member_number).in_(keys)
        )
    )
    return dict(found.all())


async def _drop_shared_phones(work: Work, changed: dict[str, Any], known: dict[str, UUID]) -> int:
    """A phone is one customer's: whoever has it keeps it, and others are counted, not refused."""
    told = {key: content[0]["phone_index"] for key, content in changed.items() if "phone_index" in content[0]}
    owners: dict[str, object] = dict(await owners_of_phones(work, list(told.values())))
    shared = 0
    for key, index in sorted(told.items()):
        me = known.get(key, key)
        if owners.setdefault(index, me) != me:
            shared += 1
            for field in ("phone_index", "phone_sealed", "phone_masked"):
                del changed[key][0][field]
    return shared


def _new(brand_id: UUID, key: str, told: dict[str, Any]) -> dict[str, Any]:
    row = _told(ids.new(), told)
    return row | {
        "brand_id": brand_id,
        "member_number": key,
        "joined_at": row["joined_at"] or clock.now(),
        "do_not_contact_at": clock.now() if row["do_not_contact"] else None,
        "version": 1,
    }


def _told(customer_id: UUID, told: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {name: told.get(name) for name in TOLD}
    for name in ("birthday", "tier_until"):
        if row[name] is not None:
            row[name] = date.fromisoformat(row[name])
    if row["phone_sealed"] is not None:
        row["phone_sealed"] = base64.b64decode(row["phone_sealed"])
    joined = told.get("joined")
    return row | {
        "id": customer_id,
        "do_not_contact": bool(told.get("do_not_contact")),
        "joined_at": None if joined is None else datetime.fromtimestamp(joined, UTC),
    }


async def _remember(work: Work, run: ImportRun, changed: dict[str, Any]) -> None:
    await work.session.execute(
        delete(ImportedMember).where(
            col(ImportedMember.brand_id) == run.brand_id, col(ImportedMember.customer_key).in_(list(changed))
        )
    )
    rows = [
        {
            "brand_id": run.brand_id,
            "customer_key": key,
            "source": run.source,
            "store_code": store,
            "guide_number": guide,
            "digest": digest,
        }
        for key, (_, store, guide, digest) in changed.items()
    ]
    await bulk.insert_rows(work.session, ImportedMember, rows)
