"""The two brands of the demo: what they sell, and the words their people use."""

from dataclasses import dataclass

from tagging.models import Choice


@dataclass(frozen=True, slots=True)
class TagGroupWords:
    """One group of the tag library: its tags, whether a customer carries one of them or several, and for how
    many days one is believed."""

    name: str
    choice: Choice
    color: str
    tags: tuple[str, ...]
    shelf_life_days: int | None = None


@dataclass(frozen=True, slots=True)
class Trade:
    """A brand: prices in yuan by category and article, each article in every colour.

    `share` is its part of all stores and customers; the groups `fit`, `style`, `family` and
    `temper` are named, because notes speak of them; the group of categories is filled by a rule.
    Articles of the `sized` categories come in the sizes of `fit`.
    """

    code: str
    name: str
    prefix: str
    share: float
    first_cities: tuple[str, ...]
    goods: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
    colors: tuple[str, ...]
    fit: TagGroupWords
    style: TagGroupWords
    family: TagGroupWords
    temper: TagGroupWords
    taste: TagGroupWords
    sized: tuple[str, ...]

    def size_of(self, number: int) -> str:
        """One of the sizes that a number stands for."""
        return self.fit.tags[number % len(self.fit.tags)]


_FAMILY_TAGS = ("新婚", "有小学生", "有中学生", "孩子在外地上学", "三代同住", "独居", "养猫")
_TEMPER_TAGS = ("爽快", "慢热", "爱比较", "重细节", "爱聊天", "要安静")

_FAMILY = TagGroupWords("家庭", Choice.MULTI, "#eb8f34", _FAMILY_TAGS, 365)
_TEMPER = TagGroupWords("性格", Choice.MULTI, "#7a5cc2", _TEMPER_TAGS)

QINGHE = Trade(
    code="qinghe",
    name="青禾与舟",
    prefix="QH",
    share=2 / 3,
    first_cities=("shanghai", "shanghai", "hangzhou", "guangzhou"),
    goods=(
        ("外套", (("连帽外套", 899), ("羊毛大衣", 2199), ("短款风衣", 1299), ("轻羽绒", 1099))),
        ("衬衫", (("棉质衬衫", 349), ("亚麻衬衫", 429), ("飘带衬衫", 459))),
        ("针织", (("圆领毛衣", 529), ("羊绒开衫", 1599), ("针织背心", 329))),
        ("裤装", (("直筒西裤", 499), ("阔腿牛仔裤", 469), ("束脚休闲裤", 389))),
        ("裙装", (("百褶半裙", 459), ("衬衫连衣裙", 699), ("吊带长裙", 599))),
        ("配饰", (("羊毛围巾", 269), ("托特包", 359), ("窄皮带", 189))),
    ),
    colors=("柠檬黄", "雾蓝", "米白", "炭灰", "豆沙红"),
    fit=TagGroupWords("尺码", Choice.SINGLE, "#3f8ae0", ("XS", "S", "M", "L", "XL"), 365),
    style=TagGroupWords("风格", Choice.MULTI, "#2f9e6e", ("通勤", "简约", "文艺", "运动", "复古"), 180),
    family=_FAMILY,
    temper=_TEMPER,
    taste=TagGroupWords("常买品类", Choice.MULTI, "#c2527a", ("外套", "衬衫", "针织", "裤装", "裙装", "配饰"), 365),
    sized=("外套", "衬衫", "针织", "裤装", "裙装"),
)

ZHENXI = Trade(
    code="zhenxi",
    name="枕溪眠山",
    prefix="ZX",
    share=1 / 3,
    first_cities=("nanjing", "chengdu"),
    goods=(
        ("四件套", (("长绒棉四件套", 1299), ("水洗棉四件套", 799), ("天丝四件套", 1099))),
        ("被芯", (("蚕丝被", 1899), ("羽绒被", 2399), ("大豆纤维被", 569))),
        ("枕芯", (("记忆棉枕", 299), ("荞麦枕", 169), ("羽绒枕", 399))),
        ("毛巾", (("长绒浴巾", 159), ("纯棉面巾", 49), ("浴袍", 369))),
        ("餐厨", (("粗陶餐盘", 129), ("亚麻桌布", 239), ("珐琅锅", 699))),
        ("香氛", (("雪松蜡烛", 199), ("藤条香薰", 259), ("亚麻喷雾", 119))),
    ),
    colors=("月白", "烟青", "燕麦", "陶土红"),
    fit=TagGroupWords("床品尺寸", Choice.SINGLE, "#3f8ae0", ("1.2 米床", "1.5 米床", "1.8 米床", "2 米床")),
    style=TagGroupWords("家居风格", Choice.MULTI, "#2f9e6e", ("原木", "简约", "新中式", "法式", "侘寂"), 730),
    family=_FAMILY,
    temper=_TEMPER,
    taste=TagGroupWords("常买品类", Choice.MULTI, "#c2527a", ("四件套", "被芯", "枕芯", "毛巾", "餐厨", "香氛"), 365),
    sized=("四件套", "被芯"),
)

TRADES = (QINGHE, ZHENXI)

# Other words by which a tag is found.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "通勤": ("上班穿", "职场"),
    "简约": ("极简", "素净"),
    "文艺": ("森系",),
    "新婚": ("刚结婚",),
    "养猫": ("猫奴", "有猫"),
    "爽快": ("痛快",),
    "爱比较": ("货比三家",),
    "新中式": ("国风",),
}

PERSONAL_TAGS = (
    "周末才有空",
    "朋友介绍来的",
    "爱拍照",
    "要开发票",
    "下班后回消息",
    "喜欢先试再买",
    "常带闺蜜来",
    "不爱接电话",
)
