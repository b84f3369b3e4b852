"""What the product says to people about a departure, in their language."""

from datetime import date

_KIND_WORD = {
    "zh": "感谢你一直以来对顾客的用心。离开之前如有需要交代的事，请告诉店长。",
    "en": "Thank you for taking such care of your customers. If there is anything to pass on, tell your store manager.",
}
_WITH_DAY = {
    "zh": "你的最后工作日是 {year} 年 {month} 月 {day} 日。",
    "en": "Your last day is {year}-{month:02}-{day:02}. ",
}


def kind_word(last_day: date | None, language: str) -> str:
    """What a leaver reads, where the brand tells leavers so: Chinese for `zh`, English for any other language."""
    spoken = "zh" if language == "zh" else "en"
    when = _WITH_DAY[spoken].format(year=last_day.year, month=last_day.month, day=last_day.day) if last_day else ""
    return when + _KIND_WORD[spoken]
