"""What somebody is told of figures, as a sentence. No I/O."""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from kpi.models.definitions import DEFINITIONS, Definition, Figure, Unit
from kpi.models.exact import shown
from kpi.models.unusual import Usual
from mall.models import minor_digits

Line = Mapping[str, Any]
"""A line of a notice, as it is kept: values in their unit, none where a figure is a part of nothing."""

_YOURS = {"zh": "您负责的范围", "en": "Yours"}
_WEEKDAYS = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"),
}
_SIDES = {"above": ("高于您设的", "above your line of"), "below": ("低于您设的", "below your line of")}


def usual_range(figure: Figure, usual: Usual) -> tuple[float | None, float | None]:
    """From where to where a figure is usual, as far as it can go at all: no fewer orders than none."""
    least, most = DEFINITIONS[figure].bounds
    low = usual.low if least is None else max(usual.low, Fraction(least))
    high = usual.high if most is None else min(usual.high, Fraction(most))
    return shown(DEFINITIONS[figure], low), shown(DEFINITIONS[figure], high)


def sentence(line: Line, currency: str, language: str) -> str:
    """A line of a notice in the reader's language: `zh` or `en`."""
    if "alerts" in line:
        return _of_alerts(line["alerts"], language)
    days = line["from_day"] if line["from_day"] == line["until_day"] else f"{line['from_day']} – {line['until_day']}"
    weekday = _WEEKDAYS[language][date.fromisoformat(line["until_day"]).weekday()]
    told = [_figure(each, currency, language, weekday) for each in line["figures"]]
    of = line["of"] or _YOURS[language]
    return f"{of}，{days}：{'；'.join(told)}。" if language == "zh" else f"{of}, {days}: {'; '.join(told)}."


def _of_alerts(count: int, language: str) -> str:
    if language == "zh":
        return f"有 {count} 条批量删改提醒，请到“异常提醒”中查看。"
    return f"{count} {'warning' if count == 1 else 'warnings'} of mass deletion: look at the alerts."


def _figure(told: Mapping[str, Any], currency: str, language: str, weekday: str) -> str:
    definition, is_zh = DEFINITIONS[Figure(told["figure"])], language == "zh"

    def say(value: float | None) -> str:
        return _amount(definition, value, currency, language)

    said = f"{definition.name_zh if is_zh else definition.name} {say(told['value'])}"
    if "line" in told:
        return f"{said}，{_SIDES[told['side']][0]} {say(told['line'])}" if is_zh else (
            f"{said}, {_SIDES[told['side']][1]} {say(told['line'])}"
        )  # fmt: skip
    if "usual_low" in told:
        low, high = say(told["usual_low"]), say(told["usual_high"])
        return f"{said}，往常{weekday}为 {low} 至 {high}" if is_zh else f"{said}, on {weekday} usually {low} to {high}"
    return f"{said}（上期 {say(told['previous'])}）" if is_zh else f"{said} (before: {say(told['previous'])})"


def _amount(definition: Definition, value: float | None, currency: str, language: str) -> str:
    if value is None:
        return "—"
    match definition.unit:
        case Unit.MONEY:
            digits = minor_digits(currency)
            return f"{currency} {value / 10**digits:,.{digits}f}"
        case Unit.SHARE:
            return f"{value:.1%}"
        case Unit.SECONDS:
            return f"{value:,.0f} {'秒' if language == 'zh' else 's'}"
        case Unit.COUNT:
            return f"{value:,.0f}" if definition.over is None else f"{value:,.2f}"


def kept(figures: Sequence[Figure]) -> list[str]:
    """The figures as they are kept: each once, in their order."""
    return [each.value for each in dict.fromkeys(figures)]
