"""The stacks of a profile as one picture: as wide as often, callers above what they call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

WIDTH: Final = 1200
ROW: Final = 17
TOP: Final = 40
INK: Final = "#24292f"

#: Boxes narrower than this share of all samples are left out.
LEAST: Final = 0.004
#: Width of a letter.
LETTER: Final = 6.2

COLOURS: Final = {
    "django_jobs": "#f3b27a",
    "benchmarks": "#a5d6a7",
    "psycopg": "#9ec5f4",
    "django": "#c8b6e8",
}
OTHER: Final = "#e1e4e8"


@dataclass
class Box:
    """A frame with all that was seen below it."""

    name: str
    count: int = 0
    inner: dict[str, Box] = field(default_factory=dict)


def flame_chart(title: str, stacks: Sequence[tuple[Sequence[str], int]]) -> str:
    """Draw the stacks."""
    root = _tree(stacks)
    boxes = list(_boxes(root, 0, 0, root.count))
    height = TOP + ROW * (1 + max((depth for _, depth, _, _ in boxes), default=0)) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="11" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{WIDTH / 2}" y="24" font-size="16" fill="{INK}" text-anchor="middle">'
        f"{escape(title)}</text>",
        *(_drawn(box, depth, left, root.count) for box, depth, left, _ in boxes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _tree(stacks: Sequence[tuple[Sequence[str], int]]) -> Box:
    root = Box("all")
    for stack, count in stacks:
        box = root
        box.count += count
        for name in stack:
            box = box.inner.setdefault(name, Box(name))
            box.count += count
    return root


def _boxes(box: Box, depth: int, left: int, total: int) -> Iterator[tuple[Box, int, int, int]]:
    """Every box that is wide enough, with its depth and where it begins."""
    if box.count < LEAST * total:
        return
    yield box, depth, left, total
    for inner in sorted(box.inner.values(), key=lambda one: -one.count):
        yield from _boxes(inner, depth + 1, left, total)
        left += inner.count


def _drawn(box: Box, depth: int, left: int, total: int) -> str:
    x, width = WIDTH * left / total, WIDTH * box.count / total
    y = TOP + ROW * depth
    colour = COLOURS.get(box.name.split(":")[0].split(".")[0], OTHER)
    told = f"{box.name}: {100 * box.count / total:.1f} %"
    letters = int((width - 6) / LETTER)
    name = box.name if len(box.name) <= letters else f"…{box.name[1 - letters :]}"
    label = (
        f'<text x="{x + 3:.1f}" y="{y + 12}" fill="{INK}">{escape(name)}</text>'
        if letters > 3
        else ""
    )
    return (
        f'<g><title>{escape(told)}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" '
        f'height="{ROW - 1}" fill="{colour}" stroke="#ffffff" stroke-width="0.5"/>{label}</g>'
    )
