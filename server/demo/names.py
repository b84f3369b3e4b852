"""Names of made-up people and places. Places are of no real street or mall."""

_COMMON = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
_OTHERS = "郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"

SURNAMES = _COMMON * 4 + _OTHERS

WOMEN = (
    "若彤", "思琪", "雨桐", "静怡", "晓岚", "佳宁", "梦洁", "诗涵", "雅雯", "欣妍", "慧敏", "丽娟", "秀兰", "玉梅", "婉清", "晓燕",
    "文静", "海霞", "春燕", "子涵", "语嫣", "可欣", "一诺", "沐晴", "书瑶", "念慈", "锦心", "舒窈", "知夏", "初晴", "安然", "采薇",
    "若兰", "芷若", "云舒", "亦凝", "嘉怡", "美玲", "小禾", "月华", "凤英", "红梅", "桂芳", "淑贞", "惠芬", "爱萍", "晓芸", "洁茹",
    "婷", "敏", "颖", "倩", "琳", "娜", "莉", "蓉", "蕾", "薇", "洁", "琴",
)  # fmt: skip

MEN = (
    "浩然", "子轩", "宇航", "俊杰", "志强", "建国", "文博", "嘉树", "明远", "书航", "一鸣", "景行", "承泽", "致远", "思源", "家辉",
    "国栋", "海涛", "晓东", "立新", "永康", "学文", "天佑", "博文", "彦霖", "昊天", "泽宇", "瑞霖", "启明", "向阳", "远航", "修齐",
    "磊", "斌", "鹏", "凯", "洋", "勇", "超", "峰", "毅", "恒", "锐", "晖",
)  # fmt: skip

PLACES = (
    "云栈里", "望潮坊", "拾光巷", "半亩荟", "青梧坊", "鹿鸣汇", "汀兰里", "南舸荟", "棠梨街", "栖霁里", "听松坊", "白鹭汀",
    "晚枫里", "知禾汇", "浮玉坊", "云杉荟", "素月里", "临溪坊", "木樨巷", "远帆汇", "疏影里", "朝露坊", "霁蓝荟", "竹里坊",
    "星屿里", "青砚巷", "归棹坊", "沐野荟", "初雪里", "长亭坊", "澄江荟", "陌上里",
)  # fmt: skip

# Code and name of each region, with the codes and names of its cities.
REGIONS = (
    ("east", "华东", (("shanghai", "上海"), ("hangzhou", "杭州"), ("nanjing", "南京"), ("suzhou", "苏州"),
                      ("ningbo", "宁波"), ("wuxi", "无锡"), ("hefei", "合肥"))),
    ("south", "华南", (("guangzhou", "广州"), ("shenzhen", "深圳"), ("xiamen", "厦门"), ("foshan", "佛山"), ("nanning", "南宁"))),
    ("north", "华北", (("beijing", "北京"), ("tianjin", "天津"), ("jinan", "济南"), ("qingdao", "青岛"), ("taiyuan", "太原"))),
    ("southwest", "西南", (("chengdu", "成都"), ("chongqing", "重庆"), ("kunming", "昆明"), ("guiyang", "贵阳"))),
    ("central", "华中", (("wuhan", "武汉"), ("changsha", "长沙"), ("zhengzhou", "郑州"), ("nanchang", "南昌"))),
    ("northeast", "东北", (("shenyang", "沈阳"), ("dalian", "大连"), ("changchun", "长春"), ("haerbin", "哈尔滨"))),
)  # fmt: skip

CITIES = {code: name for _, _, cities in REGIONS for code, name in cities}
REGION_OF_CITY = {city: code for code, _, cities in REGIONS for city, _ in cities}
