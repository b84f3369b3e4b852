"""Say where a brand's notices are posted to besides."""

from sqlalchemy import select
from sqlmodel import col

from directory.models import Brand
from intake.commands.hooks import new_secret
from intake.models.schemes import require_secret, scheme
from kernel.crypto import Vault
from kernel.errors import NotFound, require_version
from kernel.work import Work
from kpi.models import KpiHook
from kpi.models.addresses import require_url
from kpi.policy import require_headquarters
from kpi.queries import hooks as queries


async def set_hook(
    work: Work,
    vault: Vault,
    url: str,
    secret: str | None = None,
    *,
    is_paused: bool = False,
    allows_loopback: bool = False,
    expected_version: int | None = None,
) -> KpiHook:
    """Post notices there from now on, signed with that secret, or with the one there is; without any one is made.

    `expected_version` is 0 where there is none yet. For HQ. Raises `FORBIDDEN`, `STALE_VERSION`, `INVALID`.
    """
    require_headquarters(work.actor)
    hook = await _lock(work)
    # Before the first one nothing has a version.
    seen = hook or KpiHook(brand_id=work.actor.brand_id, url="", sealed=b"", version=0)
    require_version(seen, expected_version)
    address = require_url(url, allows_loopback=allows_loopback)
    text = require_secret(scheme("standard-webhooks"), secret) if secret is not None else None
    if text is None and hook is None:
        text = new_secret()
    seen.url, seen.is_paused = address, is_paused
    if text is not None:
        seen.sealed = vault.seal(work.actor.brand_id, text)
    seen.version += 1
    work.session.add(seen)
    return seen


async def end_hook(work: Work, *, expected_version: int | None = None) -> KpiHook:
    """Post notices nowhere any more. For HQ. Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`."""
    require_headquarters(work.actor)
    hook = await _lock(work)
    if hook is None:
        raise NotFound
    require_version(hook, expected_version)
    await work.session.delete(hook)
    return hook


async def _lock(work: Work) -> KpiHook | None:
    """One writer at a time: there is no row to lock before the first one."""
    brand_id = work.actor.brand_id
    await work.session.execute(select(col(Brand.id)).where(col(Brand.id) == brand_id).with_for_update(key_share=True))
    return await queries.hook_of(work.session, brand_id)
