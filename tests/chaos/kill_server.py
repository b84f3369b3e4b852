"""Programs are killed, networks fail, phones die, and everything is sent once more."""

from tests.chaos.crowd import crowd
from tests.chaos.house import House
from tests.chaos.judging import judged
from tests.chaos.report import Report
from tests.chaos.writer import tills

FEWEST = 2  # kills


async def kill_server(
    house: House,
    seed: int,
    *,
    seconds: float,
    enough: int | None = None,
    every: float = 3.0,
    pause: float = 0.3,
    orders: float | None = None,
) -> Report:
    """A program is killed every so many seconds, until time is up or enough writes are acknowledged.

    With `orders`, the mini-mall reports one each so many seconds, which jobs are to have followed up.
    """
    async with crowd(house, seed) as people:
        troubles = [
            house.killed_now_and_then(people.rng("kills"), every),
            *people.networks(2.0),
            people.ghosts(0.3),
            people.batteries(3.0),
        ]
        if orders is not None:
            selling = zip(tills(house, people.ledger), house.webs, strict=True)
            troubles += [till.writes(web.url, orders) for till, web in selling]
        await people.work(people.until(seconds, enough, kills=FEWEST), troubles, pause=pause)
        return await judged(people, "kill-server")
