"""Share an amount out so that the parts add up to it: by the largest remainder (Hare's quota)."""

from collections.abc import Sequence


def shared_out(amount: int, weights: Sequence[int]) -> list[int]:
    """Whole parts of an amount from 0, in proportion to weights from 0 that aren't all 0; they add up to it.

    What rounding down leaves over goes, one by one, to those who lost most by it; among equals to whoever comes first.
    """
    total = sum(weights)
    parts = [amount * weight // total for weight in weights]
    lost = sorted(range(len(weights)), key=lambda place: (-(amount * weights[place] % total), place))
    for place in lost[: amount - sum(parts)]:
        parts[place] += 1
    return parts
