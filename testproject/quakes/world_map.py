"""A map of quakes as SVG, for light and dark screens. Plain Python, no library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, cos, floor, radians
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from testproject.quakes import land

WIDTH: Final = 1200
HEIGHT: Final = 984

STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #57606a; }
.heading { font-size: 26px; font-weight: 600; fill: #1f2328; }
.name { font-size: 15px; font-weight: 600; fill: #1f2328; }
.small { font-size: 10px; }
.paper { fill: #ffffff; }
.sea { fill: #f3f7fa; stroke: #d0d7de; }
.grid { stroke: #dbe3ea; fill: none; }
.land { stroke: #c3ced8; fill: none; stroke-linecap: round; }
.m1 { fill: #2f81b7; stroke: #2f81b7; }
.m2 { fill: #d9902f; stroke: #b97413; }
.m3 { fill: #e5533d; stroke: #c23320; }
.m4 { fill: #c2185b; stroke: #8e0e40; }
.quakes { fill-opacity: 0.4; stroke-opacity: 0.75; stroke-width: 0.7; }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1; }
  .heading, .name { fill: #f0f6fc; }
  .paper { fill: #0d1117; }
  .sea { fill: #121a24; stroke: #30363d; }
  .grid { stroke: #1f2a36; }
  .land { stroke: #3a4656; }
  .m1 { fill: #58a6d8; stroke: #58a6d8; }
  .m2 { fill: #e3a44b; stroke: #f0b866; }
  .m3 { fill: #f0725d; stroke: #ff8c78; }
  .m4 { fill: #f0468c; stroke: #ff79ae; }
}
"""

#: Style and lower limit of each class of magnitude, the weakest first.
CLASSES: Final = (("m1", float("-inf")), ("m2", 2.5), ("m3", 4.0), ("m4", 5.0))


class Point(NamedTuple):
    """A quake on the map."""

    longitude: float
    latitude: float
    magnitude: float
    label: str


@dataclass(frozen=True)
class Panel:
    """A part of the world on a part of the paper.

    Attributes:
        name: shown in its corner.
        left, top, width, height: on the paper.
        west, north: of the upper left corner, in degrees.
        scale: pixels per degree of latitude.
        stretch: pixels per degree of longitude, as a share of ``scale``.
        step: degrees between two lines of the graticule.
    """

    name: str
    left: float
    top: float
    width: float
    height: float
    west: float
    north: float
    scale: float
    stretch: float
    step: int

    def place(self, longitude: float, latitude: float) -> tuple[float, float] | None:
        """Where a point is on the paper; ``None`` if it is beyond the panel."""
        x = (longitude - self.west) % 360 * self.scale * self.stretch
        y = (self.north - latitude) * self.scale
        if not (0 <= x <= self.width and 0 <= y <= self.height):
            return None
        return self.left + x, self.top + y


def draw(quakes: Sequence[Point], airports: Sequence[tuple[float, float]]) -> str:
    """The whole map.

    Args:
        quakes: in the order of drawing; the last lie on top.
        airports: longitude and latitude of dots that show the land when seen from near.
    """
    world = Panel("", 20, 80, 1160, 520, 25, 90, 1160 / 360, 1.0, 30)
    zooms = (
        _zoom("Alaska", 20, (-152.5, 60.5), 26, 5),
        _zoom("California and Nevada", 413, (-119.0, 37.2), 20, 4),
        _zoom("Puerto Rico", 807, (-66.6, 18.4), 6, 1),
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{len(quakes)} earthquakes</title><style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="heading" x="20" y="42">{len(quakes):,} earthquakes</text>',
        '<text x="20" y="65">Data: U.S. Geological Survey. Small dots: airports.</text>',
        _legend(),
        *_panel(world, land.dots(2), quakes, dot=3.2),
    ]
    for zoom in zooms:
        parts += _panel(zoom, airports, quakes, dot=2.4)
    return "\n".join([*parts, "</svg>\n"])


def _zoom(name: str, left: float, center: tuple[float, float], degrees: float, step: int) -> Panel:
    """A panel of ``degrees`` of longitude around its center."""
    width, height = 373, 340
    stretch = cos(radians(center[1]))
    scale = width / degrees / stretch
    west, north = center[0] - degrees / 2, center[1] + height / scale / 2
    return Panel(name, left, 624, width, height, west, north, scale, stretch, step)


def _panel(
    panel: Panel, dots: Iterable[tuple[float, float]], quakes: Sequence[Point], dot: float
) -> list[str]:
    frame = f'x="{panel.left}" y="{panel.top}" width="{panel.width}" height="{panel.height}" rx="6"'
    clip = f"clip-{panel.left:.0f}-{panel.top:.0f}"
    spots = [spot for place in dots if (spot := panel.place(*place))]
    path = "".join(f"M{x:.0f} {y:.0f}h0" for x, y in spots)
    return [
        f'<clipPath id="{clip}"><rect {frame}/></clipPath>',
        f'<rect class="sea" {frame}/><g clip-path="url(#{clip})">',
        f'<path class="land" stroke-width="{dot}" d="{path}"/>',
        *_graticule(panel),
        *_circles(panel, quakes),
        f'</g><text class="name" x="{panel.left + 12}" y="{panel.top + 24}">'
        f"{escape(panel.name)}</text>",
    ]


def _graticule(panel: Panel) -> list[str]:
    right, bottom = panel.left + panel.width, panel.top + panel.height
    east = panel.west + panel.width / panel.scale / panel.stretch
    south = panel.north - panel.height / panel.scale
    lines, labels = [], []
    for longitude in range(_first(panel.west, panel.step), floor(east) + 1, panel.step):
        x = panel.left + (longitude - panel.west) * panel.scale * panel.stretch
        lines.append(f"M{x:.1f} {panel.top}V{bottom}")
        if panel.left + 30 < x < right - 30:
            labels.append(_label(x - 10, bottom - 6, (longitude + 180) % 360 - 180, "EW"))
    for latitude in range(_first(south, panel.step), floor(panel.north) + 1, panel.step):
        y = panel.top + (panel.north - latitude) * panel.scale
        lines.append(f"M{panel.left} {y:.1f}H{right}")
        if panel.top + 40 < y < bottom - 20:
            labels.append(_label(panel.left + 6, y - 3, latitude, "NS"))
    return [f'<path class="grid" d="{"".join(lines)}"/>', *labels]


def _first(degrees: float, step: int) -> int:
    """The first multiple of ``step`` from ``degrees`` on."""
    return ceil(degrees / step) * step


def _label(x: float, y: float, degrees: int, letters: str) -> str:
    letter = "" if degrees in (0, -180) else letters[degrees < 0]
    return f'<text class="small" x="{x:.1f}" y="{y:.1f}">{abs(degrees)}°{letter}</text>'


def _circles(panel: Panel, quakes: Sequence[Point]) -> list[str]:
    groups: dict[str, list[str]] = {name: [] for name, _ in CLASSES}
    for quake in quakes:
        spot = panel.place(quake.longitude, quake.latitude)
        if spot is not None:
            groups[_class_of(quake.magnitude)].append(_circle(*spot, quake))
    return [f'<g class="quakes {name}">{"".join(circles)}</g>' for name, circles in groups.items()]


def _circle(x: float, y: float, quake: Point) -> str:
    circle = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_radius(quake.magnitude):.1f}"'
    if quake.magnitude < CLASSES[-1][1]:
        return f"{circle}/>"
    return f"{circle}><title>{escape(quake.label)}</title></circle>"


def _class_of(magnitude: float) -> str:
    return next(name for name, least in reversed(CLASSES) if magnitude >= least)


def _radius(magnitude: float) -> float:
    """Each step of the magnitude makes the circle half as wide again."""
    return float(max(1.0 * 1.5**magnitude, 0.8))


def _legend() -> str:
    parts, x = ['<text x="790" y="42">Magnitude</text>'], 880
    for magnitude in range(1, 7):
        parts.append(
            f'<g class="quakes {_class_of(magnitude)}">'
            f'<circle cx="{x}" cy="38" r="{_radius(magnitude):.1f}"/></g>'
            f'<text x="{x - 4}" y="68">{magnitude}</text>'
        )
        x += 52
    return "".join(parts)
