"""Through a handover, its stop, and its undoing, everybody's copy is what a new one would be."""

from kernel.work import Ground
from tests.scenarios import telling
from tests.scenarios.chapters_handover_move import HANDOVER_MOVES
from tests.scenarios.story import Step, about, newcomer, only, tagging

STORY = [
    Step("createCustomer", "colleague", newcomer(name="李娜"), "li"),
    Step("addTag", "colleague", only(name="健谈"), "chatty"),
    Step("addTags", "colleague", tagging(["chatty"], ["li"])),
    Step("addNote", "colleague", about("li", body="喜欢浅色")),
    *HANDOVER_MOVES,
]


async def test_every_step_of_a_handover_leaves_every_copy_as_a_new_one_would_be(ground: Ground) -> None:
    told = await telling.run(ground, story=STORY)

    assert told.differences == []
    assert told.checked > 10
