"""Which statements read what there may be millions of: a refusal has no need of them."""

import re
from collections.abc import Iterable

_COSTLY = re.compile(
    r"\b(kpi_sales|kpi_work|kpi_mark|mall_order|order_line|credit|refund|refund_line|refund_charge|purchase_profile|task|"
    r"relationship|handover_item|customer)\b"
)


def costly(sent: Iterable[str]) -> list[str]:
    """Those of the statements that read figures, or what these are counted from."""
    return [each for each in sent if _COSTLY.search(each)]
