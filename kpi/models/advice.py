"""What a diagnosis says to a manager, in one sentence of both languages. No I/O."""

from collections.abc import Mapping
from fractions import Fraction

from kpi.models.diagnosing import Diagnosis, Finding, Step

_SAID: Mapping[Step, tuple[str, str]] = {
    Step.SHARE_RATE: (
        "Shares too seldom: on {own} of the days at work, peers on {peers}; that costs about {money}. A matter of "
        "motivation: ask what keeps them from sharing.",
        "分享太少：上班日中 {own} 有分享，同类导购为 {peers}，约少卖 {money}。问题在动力：先问清为什么不分享。",
    ),
    Step.LINKS_PER_SHARING_DAY: (
        "Makes too few links: {own} on a day with any, peers {peers}; that costs about {money}. A matter of "
        "motivation: agree on how many a day.",
        "分享次数不够：有分享的日子每天 {own} 次，同类导购 {peers} 次，约少卖 {money}。"
        "问题在动力：和 TA 约定每天的分享次数。",
    ),
    Step.OPENS_PER_LINK: (
        "Shares enough, but links are opened too seldom: {own} opens a link, peers {peers}; that costs about {money}. "
        "A matter of method: look at whom they send to, when, and with what words.",
        "分享了但没人点开：每次分享 {own} 次打开，同类导购 {peers} 次，约少卖 {money}。"
        "问题在方法：看看发给谁、何时发、怎么说。",
    ),
    Step.ORDERS_PER_OPEN: (
        "Links are opened, but few orders come of it: {own} orders an open, peers {peers}; that costs about {money}. "
        "A matter of method: look at what they recommend, and whether they ask again.",
        "有人点开但下单少：每次打开 {own} 单，同类导购 {peers} 单，约少卖 {money}。"
        "问题在方法：看看推荐了什么、有没有跟进。",
    ),
    Step.CONTACTS_PER_DAY: (
        "Is given fewer tasks of turning to customers: {own} a day at work, peers {peers}; that costs about {money}. "
        "That isn't theirs to mend: look at the rules, and at how customers are spread.",
        "分到的联系任务少：每个上班日 {own} 个，同类导购 {peers} 个，约少卖 {money}。"
        "不是导购的问题：检查任务规则和顾客分配。",
    ),
    Step.REACHED_SHARE: (
        "Reaches too few of the customers to turn to: {own}, peers {peers}; that costs about {money}. A matter of "
        "motivation: see that the tasks of the day are done.",
        "任务触达太少：触达率 {own}，同类导购 {peers}，约少卖 {money}。问题在动力：督促当天的联系任务做完。",
    ),
    Step.BOUGHT_SHARE: (
        "Reaches customers, but too few of them buy: {own}, peers {peers}; that costs about {money}. A matter of "
        "method: practise what to say, and what to offer.",
        "触达了但成交少：成交率 {own}，同类导购 {peers}，约少卖 {money}。问题在方法：练习话术和推荐。",
    ),
}
_AS_OTHERS = (
    "No step falls short of the peers by more than chance brings about.",
    "各环节与同类导购相比，没有超出偶然波动的差距。",
)
_NOBODY = ("There are fewer than 5 peers to compare with.", "可比的同类导购不足 5 人，无法比较。")
_AWAY = ("Wasn't at work in these days.", "这段时间没有上班。")
_FEW = (" The sample is small: watch on before judging.", " 样本较少：再观察一段时间再下结论。")
_SHARES = (Step.SHARE_RATE, Step.REACHED_SHARE, Step.BOUGHT_SHARE)


def said(diagnosis: Diagnosis | None, *, was_at_work: bool, currency: str, digits: int, language: str) -> str:
    """The sentence in the reader's language, `zh` or `en`; without a diagnosis, why there is none."""
    if diagnosis is None:
        return _in(language, _NOBODY if was_at_work else _AWAY)
    weakest = diagnosis.weakest
    if weakest is None:
        return _in(language, _AS_OTHERS)
    money = f"{currency} {weakest.shortfall / 10**digits:,.{digits}f}"
    own, peers = _shown(weakest, weakest.own), _shown(weakest, weakest.peers)
    sentence = _in(language, _SAID[weakest.step]).format(own=own, peers=peers, money=money)
    return sentence + (_in(language, _FEW) if weakest.is_small else "")


def _in(language: str, both: tuple[str, str]) -> str:
    en, zh = both
    return zh if language == "zh" else en


def _shown(finding: Finding, rate: Fraction | None) -> str:
    value = float(rate or 0)
    return f"{value:.0%}" if finding.step in _SHARES else f"{value:.2f}"
