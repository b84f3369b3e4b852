"""Draw a chart: a program of its own, that reads what to draw from its input and writes SVG or PNG to its output.

It imports nothing of ours, and nothing of ours imports it: what draws takes half a second and 60 MB to load.
"""

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font
from matplotlib.ticker import FuncFormatter, MaxNLocator

FONT = Path(__file__).with_name("fonts") / "wqy-microhei.ttf"
"""It comes with the product: a picture is the same on a machine that has no fonts at all."""

_CHINESE = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "SimHei")
"""What whoever looks at an SVG is likely to have; then whatever they have."""

_LATIN = "DejaVu Sans"  # matplotlib's own
_PER_INCH = 100
_MOST_TICKS = 10
_UNSIGNED: dict[str, Any] = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
_COLOURS = ("#1f5fbf", "#9aa4b2")


def main() -> None:
    """Draw one chart."""
    logging.disable(logging.WARNING)  # a font that isn't there is nothing to talk about
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    draw(asked, sys.stdout.buffer)


def draw(asked: Any, into: Any) -> None:
    """Write the chart as `asked["format"]`: the same question gives the same bytes."""
    is_vector = asked["format"] == "svg"
    font_manager.fontManager.addfont(FONT)
    own = font_manager.FontProperties(fname=FONT).get_name()
    mpl.rcParams.update(
        {
            # Words stay words: whoever looks at the chart has fonts that can write them.
            "svg.fonttype": "none",
            "svg.hashsalt": "daogou",
            "font.family": [*_CHINESE, own, "sans-serif"] if is_vector else [own, _LATIN],
            "font.sans-serif": [_LATIN],
            "axes.unicode_minus": False,
        }
    )
    figure = Figure(figsize=(asked["width"] / _PER_INCH, asked["height"] / _PER_INCH), dpi=_PER_INCH)
    titles = asked["titles"]
    _plot(figure, asked, next((each for each in titles if is_vector or writes(each)), titles[-1]))
    figure.savefig(into, format=asked["format"], metadata=_UNSIGNED[asked["format"]])


def writes(text: str) -> bool:
    """Whether there is a glyph for each character: a name may have one that hardly any font has."""
    latin = font_manager.findfont(_LATIN)
    known = {character for font in (FONT, latin) for character in get_font(font).get_charmap()}
    return all(ord(character) in known for character in text)


def _plot(figure: Figure, asked: Any, title: str) -> None:
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
            label=series["name"],
        )
    axes.set_title(title, loc="left", fontsize=12, parse_math=False)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _place: _said(value, asked["unit"])))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=asked["unit"] == "count"))
    _set_ends(axes, asked)
    axes.grid(axis="y", color="#e3e7ed", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    step = max(1, -(-len(labels) // _MOST_TICKS))
    axes.set_xticks(places[::step], labels[::step], fontsize=8, rotation=30, ha="right")
    if len(asked["series"]) > 1:
        axes.legend(loc="best", fontsize=8, frameon=False)
    figure.tight_layout()


def _set_ends(axes: Any, asked: Any) -> None:
    """From 0 on, so that twice as high is twice as much; below it only where something is."""
    values = [value for series in asked["series"] for value in series["values"] if value is not None]
    if not values:
        axes.text(0.5, 0.5, asked["nothing"], transform=axes.transAxes, ha="center", va="center", color="#5b6573")
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
