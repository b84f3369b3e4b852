"""What happens to the tag library, and to how long its tags are believed: see `chapters`."""

from collections.abc import Sequence
from datetime import timedelta

from kernel import clock
from kernel.actor import system
from kernel.work import unit_of_work
from tagging.commands import freshness
from tagging.models import Night
from tests.scenarios.deeds import carry_out_jobs
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Step, only, tagging, thing


async def let_tags_go_stale(stage: Stage) -> None:
    """In the night of a day to come, holders are asked to check what is stale by then."""
    brand_id = stage.world.brand.id
    with clock.stopped_at(clock.now() + timedelta(days=400)):
        async with unit_of_work(stage.ground, system(brand_id)) as work:
            at = clock.now()
            night = Night(brand_id=brand_id, day=at.date(), step="stale", counts={}, begun_at=at)
            await freshness.look_for_stale(work, night)
        await carry_out_jobs(stage)


LIBRARY: Sequence[Step | Deed] = [
    Step("addTagGroup", "hq", only(name="家庭", color="#eb8f34", shelfLifeDays=300), "family"),
    Step(
        "editTagGroup",
        "hq",
        lambda s: {
            "id": s.things["family"],
            "name": "家里有谁",
            "color": "#eb8f35",
            "choice": "MULTI",
            "shelfLifeDays": 365,
            "roles": ["GUIDE", "STORE_MANAGER"],
            "storeIds": [s.shop(), s.shop(2)],
        },
    ),
    Step(
        "addTag",
        "hq",
        lambda s: {"name": "养猫", "groupId": s.things["family"], "synonyms": ["猫奴"], "color": "#112233"},
        "cat",
    ),
    Step("addTag", "hq", lambda s: {"name": "有猫", "groupId": s.things["family"]}, "a cat"),
    Step("addTag", "hq", lambda s: {"name": "有小孩", "groupId": s.things["family"]}, "child"),
    Step("editTag", "hq", thing("child", synonyms=["有孩子", "当妈妈了"])),
    Step(
        "orderTags",
        "hq",
        lambda s: {"groupId": s.things["family"], "tagIds": [s.things[each] for each in ("child", "a cat", "cat")]},
    ),
    Step("addTags", "owner", lambda s: {**tagging(["cat", "child"], ["li"])(s), "reason": "聊天时说起"}),
    Step("addTags", "manager", tagging(["cat", "a cat"], ["li", "zhao"])),
    Deed("a night long after", let_tags_go_stale),
    Step("confirmTags", "owner", lambda s: {**tagging(["child"], ["li"])(s), "reason": "又问了一次"}),
    Step("mergeTags", "hq", lambda s: {"fromId": s.things["cat"], "intoId": s.things["a cat"]}),
    Step("addTags", "owner", tagging(["cat"], ["zhou"])),
    Deed("who carries a merged tag carries the other", carry_out_jobs),
    Step("removeTags", "owner", lambda s: {**tagging(["child"], ["li"])(s), "reason": "记错了"}),
    Step("editTagGroup", "hq", thing("family", shelfLifeDays=None)),
    Deed("good for ever from now on", carry_out_jobs),
    Step("addTagGroup", "hq", only(name="一时"), "passing"),
    Step("addTag", "hq", lambda s: {"name": "新品", "groupId": s.things["passing"]}, "novelty"),
    Step("addTags", "owner", tagging(["novelty"], ["li"])),
    Step("retireTagGroup", "hq", thing("passing")),
]
