"""Exact values: in which order they come, and what is shown of them. No I/O."""

from fractions import Fraction
from math import floor

from kpi.models.definitions import Definition, Unit

_FINE = 128
"""Two shares of numbers below 2^63 that differ at all do so by more than 2^-126."""


def scale(definition: Definition) -> int:
    """By how many bits a figure's values are shifted so that whole numbers say their order, and which are equal."""
    return 0 if definition.over is None else _FINE


def half_up(value: Fraction) -> int:
    """The nearest whole number; of two, the one above."""
    return floor(value + Fraction(1, 2))


def shown(definition: Definition, value: Fraction | None) -> float | None:
    """Money and seconds half up to whole ones; shares, and counts for each of something, as near as a float comes."""
    if value is None:
        return None
    if definition.unit in (Unit.MONEY, Unit.SECONDS):
        return float(half_up(value))
    return float(value)
