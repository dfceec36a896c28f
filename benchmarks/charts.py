"""Charts as SVG, by hand: lines over a logarithmic axis, and bars.

A white background and explicit greys, so that they can be read on light and on dark pages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 360
LEFT, RIGHT, TOP, BOTTOM = 76, 24, 44, 56

INK: Final = "#24292f"
FAINT: Final = "#d0d7de"
COLOURS: Final = ("#0b6bcb", "#c4501b", "#2e7d32", "#6f42c1")


@dataclass(frozen=True)
class Line:
    """A curve with its name: points of x and y."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axes:
    """What a chart is about. ``marks``: where the x axis is labelled, and with what."""

    title: str
    x: str
    y: str
    marks: Sequence[tuple[float, str]]
    logarithmic: bool = True


def line_chart(axes: Axes, lines: Sequence[Line]) -> str:
    """Curves from zero up."""
    top = nice_top(max(y for line in lines for _, y in line.points))
    across = _scale([x for x, _ in axes.marks], logarithmic=axes.logarithmic)
    parts = [_text(WIDTH / 2, 24, axes.title, size=16, anchor="middle")]
    parts += _y_axis(axes, top)
    for x, label in axes.marks:
        parts.append(_text(across(x), HEIGHT - BOTTOM + 20, label, anchor="middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, axes.x, anchor="middle"))
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        places = [(across(x), _height(y, top)) for x, y in line.points]
        parts += _curve(places, colour)
        if len(lines) > 1:
            parts += _legend(number, line.name, colour)
    return _document(HEIGHT, axes.title, parts)


def bar_chart(title: str, bars: Sequence[tuple[str, float]], unit: str) -> str:
    """One bar below the other, each with its figure."""
    row, label, room = 26, 300, WIDTH - 300 - 90
    longest = max(value for _, value in bars)
    parts = [_text(WIDTH / 2, 24, title, size=16, anchor="middle")]
    for number, (name, value) in enumerate(bars):
        y = TOP + number * row
        width = room * value / longest
        parts.append(_text(label - 8, y + 15, name, anchor="end"))
        parts.append(
            f'<rect x="{label}" y="{y}" width="{width:.1f}" height="18" fill="{COLOURS[0]}"/>'
        )
        parts.append(_text(label + width + 6, y + 14, f"{value:,.3g} {unit}".strip()))
    return _document(TOP + len(bars) * row + 12, title, parts)


def nice_top(value: float) -> float:
    """The next round number at or above a value."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    steps = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
    return float(next(step * power for step in steps if step * power >= value))


def short(value: float) -> str:
    """A figure for an axis."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _scale(marks: Sequence[float], *, logarithmic: bool) -> Callable[[float], float]:
    change: Callable[[float], float] = math.log10 if logarithmic else float
    low, high = change(min(marks)), change(max(marks))
    room = WIDTH - LEFT - RIGHT

    def across(x: float) -> float:
        return LEFT + room * (change(x) - low) / ((high - low) or 1)

    return across


def _height(y: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / top


def _y_axis(axes: Axes, top: float) -> list[str]:
    parts = [_text(LEFT - 60, TOP - 12, axes.y)]
    for step in range(6):
        value = top * step / 5
        y = _height(value, top)
        colour = INK if step == 0 else FAINT
        parts.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{colour}"/>'
        )
        parts.append(_text(LEFT - 8, y + 4, short(value), anchor="end"))
    return parts


def _curve(places: Sequence[tuple[float, float]], colour: str) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots]


def _legend(number: int, name: str, colour: str) -> list[str]:
    y = TOP + 14 + 18 * number
    return [
        f'<rect x="{WIDTH - RIGHT - 220}" y="{y - 9}" width="12" height="10" fill="{colour}"/>',
        _text(WIDTH - RIGHT - 202, y, name),
    ]


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{INK}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _document(height: float, title: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" font-family="sans-serif" role="img">'
    )
    background = f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", background, *parts, "</svg>"]) + "\n"
