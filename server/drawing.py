"""Draw a chart: a program of its own, that reads what to draw from its input and writes SVG or PNG to its output.

It imports nothing of ours, and nothing of ours imports it: what draws takes half a second and 60 MB to load.
"""

import json
import logging
import sys
import warnings
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
)
"""Fonts that can write Chinese, by what they are called where they are likely to be."""

_PER_INCH = 100
_MOST_TICKS = 10
_UNSIGNED: dict[str, Any] = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
_NOTHING = {"zh": "这段时间没有数据", "en": "Nothing in this time"}
_COLOURS = ("#1f5fbf", "#9aa4b2")


def main() -> None:
    """Draw one chart."""
    logging.disable(logging.WARNING)  # a font that isn't there is nothing to talk about
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    draw(asked, sys.stdout.buffer)


def draw(asked: Any, into: Any) -> None:
    """Write the chart as `asked["format"]`: the same question gives the same bytes where the same fonts are."""
    is_vector = asked["format"] == "svg"
    writes_chinese = is_vector or has_chinese()
    mpl.rcParams.update(
        {
            # Words stay words: whoever looks at the chart has fonts that can write them.
            "svg.fonttype": "none",
            "svg.hashsalt": "daogou",
            "font.family": [*(CHINESE if is_vector else _there()), "sans-serif"],
            "font.sans-serif": ["DejaVu Sans"],
            "axes.unicode_minus": False,
        }
    )
    figure = Figure(figsize=(asked["width"] / _PER_INCH, asked["height"] / _PER_INCH), dpi=_PER_INCH)
    _plot(figure, asked, "zh" if writes_chinese and asked["language"] == "zh" else "en")
    figure.savefig(into, format=asked["format"], metadata=_UNSIGNED[asked["format"]])


def has_chinese() -> bool:
    """Whether this machine has a font that Chinese can be drawn with."""
    return bool(_there())


def _there() -> list[str]:
    known = set(font_manager.get_font_names())
    return [name for name in CHINESE if name in known]


def _plot(figure: Figure, asked: Any, language: str) -> None:
    axes = figure.subplots()
    labels, places = asked["labels"], range(len(asked["labels"]))
    for series, colour in reversed(list(zip(asked["series"], _COLOURS, strict=False))):
        values = [float("nan") if value is None else value for value in series["values"]]
        axes.plot(
            places,
            values,
            color=colour,
            linewidth=1.6,
            marker="o" if len(labels) <= 31 else None,
            markersize=3,
            label=series["names"][language],
        )
    axes.set_title(asked["titles"][language], loc="left", fontsize=12, parse_math=False)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: _said(value, asked["unit"])))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=asked["unit"] == "count"))
    _set_ends(axes, asked, language)
    axes.grid(axis="y", color="#e3e7ed", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    step = max(1, -(-len(labels) // _MOST_TICKS))
    axes.set_xticks(places[::step], labels[::step], fontsize=8, rotation=30, ha="right")
    if len(asked["series"]) > 1:
        axes.legend(loc="best", fontsize=8, frameon=False)
    figure.tight_layout()


def _set_ends(axes: Any, asked: Any, language: str) -> None:
    """From 0 on, so that twice as high is twice as much; below it only where something is."""
    values = [value for series in asked["series"] for value in series["values"] if value is not None]
    if not values:
        axes.text(0.5, 0.5, _NOTHING[language], transform=axes.transAxes, ha="center", va="center", color="#5b6573")
        axes.set_yticks([])
    elif not any(values):
        axes.set_ylim(0, 1)
    elif min(values) >= 0:
        axes.set_ylim(bottom=0)
    elif max(values) <= 0:
        axes.set_ylim(top=0)


def _said(value: float, unit: str) -> str:
    if unit == "share":
        return f"{value:.4g}" if abs(value) < 0.001 and value else f"{value:.1%}"
    return f"{value:,.10g}"


if __name__ == "__main__":
    main()
