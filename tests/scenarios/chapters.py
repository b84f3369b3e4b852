"""What happens in a brand: every mutation, as somebody who may, in each way that phones hear of differently.

A mutation, an argument or an event that no step brings about fails `test_copies`: add a step here.
"""

from collections.abc import Sequence

from tests.factories import HOURS
from tests.scenarios import deeds
from tests.scenarios.chapters_audits import AUDITS
from tests.scenarios.chapters_campaigns import CAMPAIGNS
from tests.scenarios.chapters_catalogue import CATALOGUE
from tests.scenarios.chapters_commission import COMMISSION
from tests.scenarios.chapters_covers import COVERS
from tests.scenarios.chapters_credit import CREDIT
from tests.scenarios.chapters_departing import DEPARTING
from tests.scenarios.chapters_handover_move import HANDOVER_MOVES
from tests.scenarios.chapters_handover_news import HANDOVER_NEWS
from tests.scenarios.chapters_handover_plan import HANDOVER_PLANS
from tests.scenarios.chapters_handover_settling import HANDOVER_SETTLING
from tests.scenarios.chapters_hooks import HOOKS
from tests.scenarios.chapters_library import LIBRARY
from tests.scenarios.chapters_life import LIFE
from tests.scenarios.chapters_orders import ORDERS
from tests.scenarios.chapters_partner import PARTNER
from tests.scenarios.chapters_push import PUSH
from tests.scenarios.chapters_revisiting import REVISITING
from tests.scenarios.chapters_rules import RULES
from tests.scenarios.chapters_segments import SEGMENTS
from tests.scenarios.chapters_shares import SHARES
from tests.scenarios.chapters_workbench import WORKBENCH
from tests.scenarios.stage import MACHINE, PUBLIC
from tests.scenarios.story import (
    LINE,
    Deed,
    Step,
    about,
    ago,
    ahead,
    held,
    newcomer,
    only,
    order,
    person,
    post,
    refund,
    store,
    tagging,
    task,
    thing,
)

WEEK = [None, *({"opens": opens, "closes": closes} for opens, closes in HOURS[1:])]
HIRED = {"name": "新人", "password": "a long password"}

PLACES = [
    Step("addRegion", "hq", lambda s: {"code": "suburb", "name": "郊区", "parentId": s.region("east")}, "suburb"),
    Step("renameRegion", "hq", lambda s: {"id": s.region("east"), "name": "华东大区"}),
    Step(
        "openStore",
        "hq",
        lambda s: {
            "regionId": s.things["suburb"],
            "code": "small",
            "name": "小店",
            "timeZone": "Asia/Shanghai",
            "openingHours": WEEK,
            "city": "苏州",
        },
        "small shop",
    ),
    Step("editStore", "hq", lambda s: {"id": s.shop(), "regionId": s.things["suburb"], "name": "一店"}),
    Step("moveRegion", "hq", lambda s: {"id": s.things["suburb"], "parentId": s.region("north")}),
    Step("editStore", "hq", lambda s: {"id": s.shop(), "regionId": s.region("east"), "city": "上海"}),
    Step("editStore", "regional", store(1, timeZone="Asia/Urumqi", openingHours=WEEK)),
    Step("editStore", "hq", store(2, city=None)),
    Step("closeStore", "hq", thing("small shop")),
    Step("reopenStore", "hq", thing("small shop")),
]

STAFF = [
    Step("hireStaff", "manager", lambda s: {**HIRED, "number": "N1", "role": "GUIDE", "storeId": s.shop()}, "new"),
    Step("hireStaff", "hq", lambda s: {**HIRED, "number": "N2", "role": "STORE_MANAGER", "storeId": s.shop()}),
    Step(
        "hireStaff",
        "hq",
        lambda s: {**HIRED, "number": "N3", "role": "REGIONAL_MANAGER", "regionId": s.region("cn")},
    ),
    Step("hireStaff", "hq", only(**HIRED, number="N4", role="HQ")),
    Step("renameStaff", "hq", person("owner", name="李雷")),
    Step("renameStaff", "hq", person("regional", name="韩梅梅")),
    Step("resetPassword", "manager", person("colleague", password="another password")),
]

CUSTOMERS = [
    Step(
        "createCustomer",
        "owner",
        newcomer(
            name="李娜",
            phone="13812345678",
            memberNumber="M-li",
            tier="金卡",
            tierUntil="2030-06-30",
            birthday="1990-02-03",
            city="上海",
            remark="周末来",
        ),
        "li",
    ),
    Step("createCustomer", "manager", newcomer(name="王芳"), "wang"),
    Step("createCustomer", "manager", newcomer("colleague", name="赵敏", phone="13912345678"), "zhao"),
    Step("registerCustomer", "owner", newcomer(name="周芷若", memberNumber="M-zhou"), "zhou"),
    Step(
        "registerCustomer",
        "manager",
        newcomer(
            PUBLIC,
            name="钱多",
            tier="银卡",
            tierUntil="2030-06-30",
            birthday="1980-01-02",
            city="苏州",
            remark="要开发票",
        ),
    ),
    Step("registerCustomer", "neighbour", newcomer(name="娜娜", phone="13812345678")),
    Step("claimCustomer", "next manager", only(memberNumber="M-zhou")),
    Step("editCustomer", "owner", thing("li", name="李娜娜", tier="黑卡", tierUntil="2031-01-31", city=None)),
    Step("editCustomer", "owner", thing("li", birthday="1990-02-04")),
    Step("editCustomer", "hq", thing("wang", name="王芳芳")),
    Step("changePhone", "neighbour", thing("li", phone="13812345679")),
    Step("changePhone", "owner", thing("zhou", phone="13712345678")),
    Step("revealPhone", "owner", thing("li")),
    Step("setDoNotContact", "colleague", thing("zhao", doNotContact=True)),
    Step("setDoNotContact", "colleague", thing("zhao", doNotContact=False)),
    Step("setPrimaryRelationship", "regional", held("li", 2)),
    Step("setPrimaryRelationship", "hq", held("li", 1)),
    Step("editRemark", "owner", about("li", remark="喜欢浅色")),
    Step("editRemark", "manager", about("zhao", remark=None)),
    Step("addNote", "owner", about("li", body="穿 M 码"), "note"),
    Step("addNote", "manager", about("li", body="生日快到了"), "manager's note"),
    Step("addNote", "neighbour", about("li", body="也来这家店")),
    Step("editNote", "owner", thing("note", body="穿 S 码")),
    Step("noteVisit", "owner", about("li", at=ago(days=3), remark="试了大衣")),
    Step("noteVisit", "neighbour", about("li")),
    Step("noteVisit", "manager", about("zhao", at=ago(days=2))),
]

TAGS = [
    Step("addTagGroup", "hq", only(name="风格"), "style"),
    Step("addTagGroup", "hq", only(name="尺码", choice="SINGLE"), "size"),
    Step("renameTagGroup", "hq", thing("style", name="穿衣风格")),
    Step("addTag", "hq", lambda s: {"name": "通勤", "groupId": s.things["style"], "color": "#112233"}, "office"),
    Step("addTag", "hq", lambda s: {"name": "度假", "groupId": s.things["style"]}, "beach"),
    Step("addTag", "hq", lambda s: {"name": "S", "groupId": s.things["size"]}, "small"),
    Step("addTag", "hq", lambda s: {"name": "M", "groupId": s.things["size"]}, "medium"),
    Step("addTag", "owner", only(name="爱聊天"), "chatty"),
    Step("addTag", "manager", only(name="重点"), "vip"),
    Step("addTag", "regional", only(name="关注"), "watched"),
    Step("addTags", "owner", tagging(["office", "small", "chatty"], ["li", "zhou"])),
    Step("addTags", "manager", tagging(["medium", "beach", "vip"], ["li", "wang", "zhao"])),
    Step("addTags", MACHINE, tagging(["office"], ["zhao"])),
    Step("addTags", "neighbour", tagging(["beach"], ["li"])),
    Step("removeTags", "colleague", tagging(["beach"], ["zhao"])),
    Step("editTag", "hq", thing("office", name="通勤风", color="#445566")),
    Step("editTag", "owner", thing("chatty", name="健谈")),
    Step("orderTagGroups", "hq", lambda s: {"groupIds": [s.things["size"], s.things["style"]]}),
    Step("retireTag", "hq", thing("beach")),
    Step("retireTag", "owner", thing("chatty")),
    Step("retireTag", "regional", thing("watched")),
    Step("addTag", "owner", only(name="爱喝茶"), "tea"),
    Step("addTags", "owner", tagging(["tea"], ["li"])),
]

TASKS = [
    Step("createTask", "owner", task(title="理货", reason="新品到店", priority=90), "to do"),
    Step("createTask", "manager", task("li", suggestedWords="周末有空吗？"), "visit li"),
    Step("createTask", "hq", task("li", kind="ORDER_FOLLOW_UP"), "ask li"),
    Step("createTask", "manager", task(keeper="colleague"), "for colleague"),
    Step("createTask", "manager", task("wang"), "of the store"),
    Step("createTask", MACHINE, task("zhao"), "machine's"),
    Step("snoozeTask", "owner", lambda s: {"id": s.things["visit li"], "until": ahead(days=3)}),
    Step("completeTask", "owner", thing("ask li", outcome="REACHED", remark="很满意")),
    Step("completeTask", "manager", thing("of the store")),
    Step("cancelTask", "colleague", thing("for colleague", remark="不用了")),
]

TRADE = [
    Step("putProduct", "hq", only(code="P1", name="羊绒衫", price=20_000, category="上衣"), "product"),
    Step("recordOrder", MACHINE, order("O1", customer="li", channel="MINI_MALL", country="中国"), "O1"),
    Step("putProduct", "hq", only(code="P1", name="羊绒开衫", price=30_000, listedOn="2026-03-01")),
    Step("recordOrder", MACHINE, order("O2", memberNumber="M-zhou"), "O2"),
    Step("recordOrder", MACHINE, order("O3"), "guest's"),
    Step("recordOrder", MACHINE, order("O7", None, storeCode="ours-2", memberNumber="M-li")),
    Step("recordOrder", MACHINE, order("O4", 2, customer="li", state="SHIPPED"), "O4"),
    Step("recordOrder", MACHINE, order("O5", 2, customer="zhao"), "elsewhere"),
    Step("recordRefund", MACHINE, refund("R1", of="elsewhere"), "R1"),
    Step("claimCustomer", "neighbour", only(phone="13912345678")),
    Step("shipOrder", "owner", thing("O1")),
    Step("recordOrder", MACHINE, order("O1", customer="li", state="COMPLETED", newsAt=ahead(minutes=5)), "O1"),
    Step("completeOrder", "owner", thing("O2")),
    Step("cancelOrder", "manager", thing("guest's")),
    Step("recordOrder", MACHINE, order("O6", customer="li", channel="MINI_MALL"), "O6"),
    Step("recordRefund", MACHINE, refund("R2", of="O6", lines=[LINE | {"amount": 500}])),
    Step("recordRefund", MACHINE, refund("R3", customer="li")),
    Step("recordRefund", MACHINE, refund("R4")),
    Step("recordRefund", MACHINE, refund("R5", memberNumber="M-li", storeCode="ours-1")),
    Step("recordRefund", MACHINE, refund("R6", of="O4")),
    Step("recordOrder", MACHINE, order("O8", customer="li", state="PENDING", city="苏州", note="找王芳"), "O8"),
    Step("recordOrder", MACHINE, order("O8", customer="li", paidAt=ago(minutes=1), newsAt=ahead(minutes=5))),
    Step("recordRefund", MACHINE, refund("R7", orderNumber="O8")),
    Step("recordOrder", MACHINE, order("O8", customer="li", state="CANCELLED", newsAt=ahead(minutes=6))),
    Step("recordOrder", MACHINE, order("O9", guideCode="G1", shareCode="unknown")),
]

HANDOVERS = [
    Step("reassignRelationship", "manager", held("li", to="colleague")),
    Step("reassignRelationship", "hq", held("li", to="owner")),
    Step("reassignRelationship", "regional", held("li", to=PUBLIC)),
    Step("noteVisit", "manager", about("li")),
    Step("reassignRelationship", "manager", held("li", to="owner")),
    Step("closeAccess", "manager", person("colleague")),
    Step("reassignRelationship", "manager", held("zhao", to="owner")),
    Step("reopenAccess", "manager", person("colleague")),
    Step("closeAccess", "hq", person("new")),
    Step("reopenAccess", "hq", person("new")),
]

MOVES = [
    Step("moveStaff", "hq", post("new", "GUIDE", shop=2)),
    Step("claimCustomer", "next manager", lambda s: {"memberNumber": "M-zhou", "accountId": s.account(PUBLIC, 2)}),
    Step("moveStaff", "hq", post("next manager", "STORE_MANAGER", shop=1)),
    Step("moveStaff", "hq", post("next manager", "STORE_MANAGER", shop=2)),
    *(Step("reassignRelationship", "manager", held(each, to="colleague")) for each in ("li", "zhou", "zhao")),
    Step("moveStaff", "hq", post("owner", "GUIDE", shop=2)),
    Step("renameStaff", "hq", person("owner", name="李大雷")),
    Step("reassignRelationship", "next manager", held("li", 2, to="owner")),
    Step("reassignRelationship", "next manager", held("li", 2, to="neighbour")),
    Step("moveStaff", "hq", post("owner", "GUIDE", shop=1)),
    Step("reassignRelationship", "manager", held("li", to="owner")),
    Step("reassignRelationship", "manager", held("li", to="colleague")),
    Step("moveStaff", "hq", post("owner", "STORE_MANAGER", shop=1)),
    Step("moveStaff", "hq", post("owner", "REGIONAL_MANAGER", region="north")),
    Step("moveStaff", "hq", post("owner", "REGIONAL_MANAGER", region="east")),
    Step("editStore", "hq", lambda s: {"id": s.shop(), "regionId": s.region("north")}),
    Step("moveRegion", "hq", lambda s: {"id": s.region("north"), "parentId": s.region("east")}),
    Step("moveRegion", "hq", lambda s: {"id": s.region("north"), "parentId": s.region("cn")}),
    Step("editStore", "hq", lambda s: {"id": s.shop(), "regionId": s.region("east")}),
    Step("moveStaff", "hq", post("owner", "HQ")),
    Step("moveStaff", "hq", post("owner", "GUIDE", shop=1)),
]

FILES = [
    Deed("the orders' follow-ups", deeds.carry_out_jobs),
    Deed("a file of staff", deeds.import_staff),
    Deed("a file of members", deeds.import_members),
    Deed("a file of orders", deeds.import_orders),
    Deed("what follows from the file", deeds.carry_out_jobs),
    Deed("compaction", deeds.compact),
    Deed("a new epoch", deeds.start_over),
]

CHAPTERS: dict[str, Sequence[Step | Deed]] = {
    "places": PLACES,
    "staff": STAFF,
    "customers": CUSTOMERS,
    "tags": TAGS,
    "library": LIBRARY,
    "segments": SEGMENTS,
    "audits": AUDITS,
    "hooks": HOOKS,
    "partner": PARTNER,
    "campaigns": CAMPAIGNS,
    "tasks": TASKS,
    "life": LIFE,
    "workbench": WORKBENCH,
    "catalogue": CATALOGUE,
    "shares": SHARES,
    "commission": COMMISSION,
    "trade": TRADE,
    "credit": CREDIT,
    "orders": ORDERS,
    "rules": RULES,
    "revisiting": REVISITING,
    "files": FILES,
    "covers": COVERS,
    "handovers": HANDOVERS,
    "departures": DEPARTING,
    "moves": MOVES,
    "handover plans": HANDOVER_PLANS,
    "handover settling": HANDOVER_SETTLING,
    "handover moves": HANDOVER_MOVES,
    "handover news": HANDOVER_NEWS,
    "push": PUSH,
}
