"""Write plans, post what orders earn, and close periods."""

from mall.commands.commission.catching_up import catch_up
from mall.commands.commission.periods import close_period, freeze, set_rhythm
from mall.commands.commission.plans import Said, end_plan, remove_plan, save_plan, start_plan
from mall.commands.commission.posting import post

__all__ = [
    "Said",
    "catch_up",
    "close_period",
    "end_plan",
    "freeze",
    "post",
    "remove_plan",
    "save_plan",
    "set_rhythm",
    "start_plan",
]
