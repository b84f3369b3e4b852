"""Exact values: in which order they come, and what is shown of them. No I/O."""

from fractions import Fraction
from math import floor

from kpi.models.definitions import Definition, Unit

_FINE = 128
"""Two shares of numbers below 2^63 that differ at all do so by more than 2^-126."""


def order_of(definition: Definition, value: Fraction) -> int:
    """Whole numbers in the same order as a figure's values, equal where these are: they are compared many times."""
    if definition.over is None:
        return value.numerator
    return (value.numerator << _FINE) // value.denominator


def shown(definition: Definition, value: Fraction | None) -> float | None:
    """Money and seconds half up to whole ones; shares, and counts for each of something, as near as a float comes."""
    if value is None:
        return None
    if definition.unit in (Unit.MONEY, Unit.SECONDS):
        return float(floor(value + Fraction(1, 2)))
    return float(value)
