"""A guide is found in a note only where the words say that a guide is meant, and never inside other words."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mall.models import naming
from mall.models.naming import Named, folded, named_in

GUIDES = {name: uuid4() for name in ("王芳", "王芳芳", "Li Na", "平安", "An", "欧阳娜娜", "高")}
NAMES = {who: name for name, who in GUIDES.items()}

FOUND = {
    "王芳": "王芳",
    "🌹 王芳 🌹": "王芳",
    "王芳，谢谢": "王芳",
    "找王芳": "王芳",
    "请找王芳!": "王芳",
    "找王芳谢谢": "王芳",
    "导购王芳": "王芳",
    "导购：王芳": "王芳",
    "【导购】 王芳": "王芳",
    "店员王芳推荐的": "王芳",
    "王芳导购": "王芳",
    "王芳的顾客": "王芳",
    "我是王芳的老客户": "王芳",
    "业绩给王芳": "王芳",
    "单算王芳的": "王芳",
    "放门口。导购王芳，尺码 M": "王芳",
    "找王芳芳": "王芳芳",
    "王芳芳的顾客": "王芳芳",
    "找欧阳娜娜": "欧阳娜娜",
    "via Li Na": "Li Na",
    "VIA ＬＩ　ＮＡ": "Li Na",
    "served by li na, thanks": "Li Na",
    "Li Na's customer": "Li Na",
    "导购Li Na": "Li Na",
    "平安导购": "平安",
}
NOT_FOUND = [
    "",
    "尽快发货",
    "收货人王芳",
    "我是王芳",
    "王芳收",
    "由王芳 138 签收",
    "送给王芳",
    "请给王芳打电话",
    "谢谢，王芳",
    "thanks, Li Na",
    "love from Li Na",
    "不要找王芳",
    "别找王芳",
    "别再找王芳",
    "不要再找王芳",
    "不想要导购王芳",
    "投诉导购王芳",
    "换掉王芳导购",
    "不是王芳的顾客",
    "no via Li Na",
    "王芳的妈妈收",
    "导购王芳菲",
    "小王芳导购",
    "via Li Nana",
    "LiNa",
    "祝平安",
    "平安夜送达",
    "找平安路",
    "banana guide",
    "Anna guide",
    "找高",
    "个子高，要大码",
    "找🌹王芳",
    "欧阳娜的顾客",
]
DOUBTFUL = [
    "导购王芳、导购王芳芳",
    "找王芳，或者Li Na",
    "导购王芳，祝平安",
    "via Li Na, ask for An",
]


@pytest.mark.parametrize("note", FOUND)
def test_words_that_name_a_guide(note: str) -> None:
    assert named_in(note, NAMES) == Named(GUIDES[FOUND[note]])


@pytest.mark.parametrize("note", NOT_FOUND)
def test_words_that_only_look_so(note: str) -> None:
    assert named_in(note, NAMES) is None


@pytest.mark.parametrize("note", DOUBTFUL)
def test_words_that_could_mean_two_mean_nobody(note: str) -> None:
    assert named_in(note, NAMES) == Named(None)


def test_two_who_are_called_alike_and_one_who_is_called_as_the_buyer_mean_nobody() -> None:
    twins = {uuid4(): "王芳", uuid4(): "王芳"}

    assert named_in("找王芳", twins) == Named(None)
    assert named_in("找王芳", NAMES, buyer="王芳") == Named(None)
    assert named_in("找王芳芳", NAMES, buyer="王芳") == Named(GUIDES["王芳芳"])


def test_a_name_is_never_looked_for_by_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: whatever contains the name names the guide."""
    monkeypatch.setattr(naming, "_is_meant", lambda *_: True)

    wrong = [note for note in NOT_FOUND if named_in(note, NAMES) is not None]

    assert {"收货人王芳", "导购王芳菲", "祝平安", "不要找王芳"} <= set(wrong)


@pytest.mark.parametrize("code", ["Ｇ０００２", " g0002 ", "G0002"])
def test_codes_are_compared_in_one_width_and_case(code: str) -> None:
    assert folded(code) == "g0002"


HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=2, max_size=3)
CUES = "员推荐介绍顾问收是的服务接待店长销售客找谢感多通过业绩提成订单给归算记到在请导购人哦啦呀哈辛苦拜托麻烦不要别"


@given(name=HAN, before=HAN, behind=HAN)
def test_a_name_among_other_words_names_nobody(name: str, before: str, behind: str) -> None:
    if set(CUES) & set(before + behind + name):
        return

    assert named_in(before + name + behind, {uuid4(): name}) is None


@given(note=st.text(max_size=60), names=st.lists(st.text(max_size=12), max_size=5))
def test_whatever_is_written_nobody_is_named_but_whose_name_is_there(note: str, names: list[str]) -> None:
    guides: dict[UUID, str] = {uuid4(): name for name in names}

    found = named_in(note, guides)

    if found is not None and found.id is not None:
        assert folded(guides[found.id]) in folded(note)
        assert sum(folded(name) == folded(guides[found.id]) for name in names) == 1


@given(name=HAN, end=st.sampled_from(["", "，谢谢", "!", " 🌹", "导购", "的顾客"]))
def test_whom_one_asks_for_is_found_whatever_they_are_called(name: str, end: str) -> None:
    if set(CUES) & set(name):
        return
    who = uuid4()

    assert named_in(f"找{name}{end}", {who: name}) == Named(who)
