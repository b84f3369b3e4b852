"""What became of a customer in a day's plan, in words in both languages. No I/O."""

from collections.abc import Mapping

from tasks.models.plans import Verdict

_SAID: Mapping[Verdict, tuple[str, str]] = {
    Verdict.CHOSEN: ("Chosen for the day.", "当天已安排联系。"),
    Verdict.NO_RULE: ("No rule speaks for turning to them.", "没有规则建议联系。"),
    Verdict.DO_NOT_CONTACT: ("They asked to be left alone.", "顾客要求不被打扰。"),
    Verdict.COOLING_DOWN: ("Somebody turned to them lately.", "近期联系过，还在间隔期内。"),
    Verdict.TASK_OPEN: ("There is an open task of turning to them already.", "已有未完成的联系任务。"),
    Verdict.NOT_PRIMARY: ("Another store comes first for them.", "由顾客的主门店联系。"),
    Verdict.HOLDER_AWAY: ("Whoever held them couldn't be given the task.", "当前负责的导购无法接手。"),
    Verdict.CLAIMED: ("Somebody else was given them for the day.", "当天已由其他任务安排。"),
    Verdict.OVER_QUOTA: ("Others came first.", "其他顾客排在前面。"),
}
_IN_LINE = (
    "In line at place {place}; a guide is given {quota} a day.",
    "排在第 {place} 位；每位导购每天安排 {quota} 位。",
)
_NOT_PLANNED = ("The day isn't planned yet; rules speak for turning to them.", "当天还没有安排；有规则建议联系。")


def said(verdict: Verdict | None, place: int | None, quota: int, language: str) -> str:
    """The sentence in the reader's language, `zh` or `en`. Without a verdict the day isn't planned yet."""
    if verdict is None:
        en, zh = _NOT_PLANNED
    elif verdict is Verdict.OVER_QUOTA and place is not None:
        en, zh = _IN_LINE
    else:
        en, zh = _SAID[verdict]
    return (zh if language == "zh" else en).format(place=place, quota=quota)
