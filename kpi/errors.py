"""Why somebody can't be told of figures."""

from kernel.errors import Conflict


class TooManyWatches(Conflict):
    """A person has at most so many subscriptions."""

    code = "TOO_MANY_KPI_WATCHES"
    en = "You have {most} subscriptions already; end one first."
    zh = "您已有 {most} 个订阅，请先结束一个。"
