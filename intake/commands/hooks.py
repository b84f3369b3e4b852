"""Connect malls, and keep the secrets that they sign with."""

import base64
import re
import secrets
from datetime import timedelta
from uuid import UUID

from intake.errors import HookSourceTaken, MappingUnknown, TooManyHookSecrets, TooManyHookSources
from intake.models import MOST_SECRETS, HookSecret, HookSource
from intake.models.schemes import Scheme, require_secret, scheme
from intake.policy import require_hook_keeper
from intake.queries import hook_mappings, hooks
from kernel import clock, ids
from kernel.crypto import Vault
from kernel.db import flush_or_refuse
from kernel.errors import Invalid, optional_text, require_text, require_version
from kernel.work import Work

GO_ON = "go_on_with_hook_source"
LONGEST_OVERLAP = 168  # hours: a week
_CODE = re.compile(r"[a-z0-9-]{1,32}")
_SECRET_BYTES = 32


async def add_source(work: Work, code: str, title: str, mapping: str, store_code: str | None = None) -> HookSource:
    """Connect a mall: it may call once it has a secret.

    Codes have 1 to 32 of a-z, 0-9 and -; titles 1 to 60 characters; a mapping is one of those shipped. A brand has at
    most 50 sources. Raises `FORBIDDEN`, `INVALID`, `MAPPING_UNKNOWN`, `HOOK_SOURCE_TAKEN`, `TOO_MANY_HOOK_SOURCES`.
    """
    require_hook_keeper(work.actor)
    brand_id = work.actor.brand_id
    if not _CODE.fullmatch(code):
        raise Invalid(
            field="code", reason="1 to 32 of a-z, 0-9 and -.", reason_zh="由 1 至 32 个小写字母、数字或 - 组成。"
        )
    brand_code = await hooks.brand_code(work.session, brand_id)
    if await hooks.count_sources(work.session, brand_id) >= hooks.MOST_SOURCES:
        raise TooManyHookSources(most=hooks.MOST_SOURCES)
    source = HookSource(
        brand_id=brand_id,
        id=ids.new(),
        slug=f"{brand_code}.{code}",
        title=require_text("title", title, longest=60),
        mapping=_mapping(mapping),
        store_code=optional_text("storeCode", store_code, longest=32),
        created_at=clock.now(),
    )
    if await hooks.has_slug(work.session, brand_id, source.slug):
        raise HookSourceTaken(field="code", field_zh="编码")
    work.session.add(source)
    await flush_or_refuse(work.session, "title", HookSourceTaken(field="title", field_zh="名称"))
    return source


async def edit_source(
    work: Work,
    source_id: UUID,
    title: str,
    mapping: str,
    store_code: str | None = None,
    *,
    expected_version: int | None = None,
) -> HookSource:
    """Say a source differently, all of it; its address stays.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `INVALID`, `MAPPING_UNKNOWN`, `HOOK_SOURCE_TAKEN`.
    """
    source = await _lock(work, source_id, expected_version)
    source.edit(
        require_text("title", title, longest=60),
        _mapping(mapping),
        optional_text("storeCode", store_code, longest=32),
    )
    await flush_or_refuse(work.session, "title", HookSourceTaken(field="title", field_zh="名称"))
    return source


async def pause_source(work: Work, source_id: UUID, *, expected_version: int | None = None) -> HookSource:
    """Keep what a source sends, and apply nothing of it until it goes on.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`.
    """
    source = await _lock(work, source_id, expected_version)
    if not source.is_paused:
        source.pause()
    return source


async def resume_source(work: Work, source_id: UUID, *, expected_version: int | None = None) -> HookSource:
    """Apply what a source sends, and what it has sent while it was paused.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`.
    """
    source = await _lock(work, source_id, expected_version)
    if source.is_paused:
        source.go_on()
        work.later(GO_ON, source_id=str(source_id))
    return source


async def add_secret(work: Work, vault: Vault, source_id: UUID, secret: str | None = None) -> HookSecret:
    """Let another secret count beside the one there is: the partner's own, or one that is made here.

    A source has at most two that count. Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `TOO_MANY_HOOK_SECRETS`.
    """
    source = await _lock(work, source_id, None)
    at = clock.now()
    if len(await hooks.live_secrets(work.session, source, at)) >= MOST_SECRETS:
        raise TooManyHookSecrets(most=MOST_SECRETS)
    text = require_secret(signing(source), secret) if secret is not None else new_secret()
    made = HookSecret(
        brand_id=source.brand_id,
        id=ids.new(),
        source_id=source.id,
        sealed=vault.seal(source.brand_id, text),
        made_at=at,
    )
    work.session.add(made)
    return made


async def end_secret(
    work: Work, secret_id: UUID, in_hours: int = 0, *, expected_version: int | None = None
) -> HookSecret:
    """Let a secret count no more: at once, or in up to 168 hours.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `INVALID`, `HOOK_SECRET_ENDED`.
    """
    require_hook_keeper(work.actor)
    secret = await hooks.lock_secret(work.session, work.actor, secret_id)
    require_version(secret, expected_version)
    if not 0 <= in_hours <= LONGEST_OVERLAP:
        raise Invalid(
            field="inHours",
            reason=f"from 0 to {LONGEST_OVERLAP}.",
            reason_zh=f"请填 0 到 {LONGEST_OVERLAP}。",
        )
    secret.end(clock.now(), timedelta(hours=in_hours))
    return secret


def signing(source: HookSource) -> Scheme:
    """How the source signs, as its mapping says."""
    return scheme(hook_mappings.load(source.mapping).scheme)


def new_secret() -> str:
    """A secret as Standard Webhooks writes them: 256 random bits."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


async def _lock(work: Work, source_id: UUID, expected_version: int | None) -> HookSource:
    require_hook_keeper(work.actor)
    source = await hooks.lock_source(work.session, work.actor, source_id)
    require_version(source, expected_version)
    return source


def _mapping(name: str) -> str:
    """The name of a mapping that came with the product; a path would let a caller read this machine's files."""
    known = hook_mappings.shipped()
    if name not in known:
        raise MappingUnknown(name=name[:64], known=", ".join(sorted(known)))
    return name
