"""The columns of the rows of figures: which add up over days, stores and accounts, and which don't."""

SALES = (
    "orders",
    "guest_orders",
    "gross",
    "units",
    "refund_count",
    "refunds",
    "hours_known",
    "off_hours",
    "city_known",
    "cross_city",
)

WORK = (
    "at_work",
    "sharers",
    "links",
    "link_opens",
    "link_orders",
    "link_gross",
    "tasks_due",
    "tasks_done",
    "tasks_on_time",
    "contacts_due",
    "contacts_reached",
    "contacts_bought",
    "customers_added",
    "customers_lost",
    "answers",
    "answer_seconds",
    "commission",
    "tags_checked",
    "tags_right",
)
"""Each is a sum over the days of a week or a month."""

DISTINCT = ("customers_active",)
"""Whoever buys on two days is one customer of the week: counted anew for each span, and never added up."""
