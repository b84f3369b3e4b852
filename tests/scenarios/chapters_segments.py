"""Segments of customers: nobody's phone keeps a copy of one."""

from tests.scenarios.story import Step, only, thing

SEGMENTS = [
    Step("saveSegment", "owner", only(name="我的金卡", text='tier = "金卡"'), "own segment"),
    Step("editSegment", "owner", thing("own segment", name="金卡", text='tier in ("金卡", "黑卡")')),
    Step("saveSegment", "hq", only(name="常客", text="orders >= 3", sharing="PRIVATE"), "segment"),
    Step("shareSegment", "hq", thing("segment", sharing="BRAND")),
    Step("retireSegment", "hq", thing("segment")),
    Step("retireSegment", "owner", thing("own segment")),
]
