"""Tell every store of changes of the library; of very many, by letting phones start over."""

from collections.abc import Sequence

from directory.queries import stores
from kernel import feed
from kernel.work import Work
from tagging.events import TagChanged, TagGroupChanged
from tagging.models import Tag, TagGroup

# Beyond so many entries in feeds, phones start over instead.
MOST_TOLD = 20_000


async def tell(work: Work, groups: Sequence[TagGroup], tags: Sequence[Tag]) -> None:
    """Say that these of the brand's groups and tags changed, as they are now."""
    shops = await stores.by_codes(work.session, work.actor)
    if (len(groups) + len(tags)) * len(shops) > MOST_TOLD:
        await feed.new_epoch(work.session, work.actor.brand_id)
        return
    for group in groups:
        work.record(TagGroupChanged(group_id=group.id, version=group.version))
    for tag in tags:
        work.record(TagChanged(tag_id=tag.id, owner_id=None, version=tag.version))
