"""Small charts as SVG: drawn on the server, coloured by the style sheet, described in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

#: In units of the drawing; the style sheet stretches it.
_WIDTH: Final = 120.0
_HEIGHT: Final = 24.0

#: Pixels of the chart with bars: room for the scale and marks above, the bars, room for times
#: below. Across, all is in percent, so that it fits any screen and its words keep their size.
_SIGN_TOP: Final = 15.0
_TOP: Final = 30.0
_PLOT: Final = 140.0
_BOTTOM: Final = 26.0
_GAP: Final = 0.18


def sparkline(values: Sequence[float | None], label: str) -> SafeString:
    """A line of the values, oldest first; gaps where nothing is known.

    Args:
        values: evenly spaced in time.
        label: what it shows, for who can't see it, figures included.
    """
    known = [value for value in values if value is not None]
    top = max([*known, 1e-9])
    step = _WIDTH / max(len(values) - 1, 1)
    words: list[str] = []
    is_down = False
    for place, value in enumerate(values):
        if value is None:
            is_down = False
            continue
        y = _HEIGHT - 1 - value / top * (_HEIGHT - 2)
        words.append(f"{'L' if is_down else 'M'}{place * step:.1f} {y:.1f}")
        is_down = True
    return format_html(
        '<svg class="jobs-sparkline" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"'
        ' aria-label="{}"><title>{}</title><path d="{}"/></svg>',
        int(_WIDTH),
        int(_HEIGHT),
        label,
        label,
        " ".join(words),
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of time.

    Attributes:
        title: what it says when it is pointed at, figures included.
        values: kind → height; kinds are classes of the style sheet, drawn from the bottom up.
        tick: written below it; empty for most.
        url: where it leads; empty for nowhere.
        urls: kind → where this part of it leads, if elsewhere.
    """

    title: str
    values: dict[str, float]
    tick: str = ""
    url: str = ""
    urls: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at one time.

    Attributes:
        place: from 0, the left end of the chart, to 1.
        kind: class of the style sheet, and one of the signs: ``deploy``, ``pause``, ``resume``,
            ``cron``.
        title: what it says when it is pointed at.
    """

    place: float
    kind: str
    title: str


#: Around the point where the line of the mark begins; those of ``cron`` stand below the bars.
_SIGNS: Final = {
    "deploy": "M0 0L5 6L0 12L-5 6Z",
    "pause": "M-4 1H-1V11H-4ZM1 1H4V11H1Z",
    "resume": "M-4 1L5 6L-4 11Z",
    "cron": "M0 1L3.5 7H-3.5Z",
}


def sign(kind: str) -> SafeString:
    """The sign of a kind of mark alone, for the words that explain it."""
    return format_html(
        '<svg class="jobs-mark jobs-mark-{}" viewBox="-6 -1 12 14" width="12" height="14"'
        ' aria-hidden="true"><path d="{}"/></svg>',
        kind,
        _SIGNS[kind],
    )


def stacked_bars(
    bars: Sequence[Bar], label: str, *, top_label: str = "", marks: Iterable[Mark] = ()
) -> SafeString:
    """Bars side by side, each of several parts, with marks at points of time.

    Args:
        bars: oldest first.
        label: what it shows, for who can't see it; a table should stand nearby.
        top_label: the height of the highest bar, in words.
        marks: drawn over the bars.
    """
    top = max((sum(bar.values.values()) for bar in bars), default=0.0) or 1.0
    width = 100 / max(len(bars), 1)
    # A picture has no links in it for those who listen to it.
    role = "group" if any(bar.url for bar in bars) else "img"
    return format_html(
        '<svg class="jobs-chart" width="100%" height="{}" role="{}" aria-label="{}">{}{}{}{}</svg>',
        int(_TOP + _PLOT + _BOTTOM),
        role,
        label,
        _scale(top_label),
        format_html_join(
            "", "{}", ((_bar(bar, place * width, width, top),) for place, bar in enumerate(bars))
        ),
        format_html_join(
            "", "{}", ((_tick(bar, (n + 0.5) * width),) for n, bar in enumerate(bars))
        ),
        format_html_join("", "{}", ((_mark(mark),) for mark in marks)),
    )


def _scale(label: str) -> SafeString:
    lines = format_html_join(
        "",
        '<line class="jobs-grid" x1="0" x2="100%" y1="{0}" y2="{0}"/>',
        ((f"{_TOP + _PLOT * part:.1f}",) for part in (0.0, 0.5, 1.0)),
    )
    if not label:
        return lines
    return format_html('{}<text x="0" y="11">{}</text>', lines, label)


def _bar(bar: Bar, left: float, width: float, top: float) -> SafeString:
    parts = list(_parts(bar, left + width * _GAP / 2, width * (1 - _GAP), top))
    # The whole height can be pointed at, however low the bar is.
    drawn = format_html(
        '<title>{}</title><rect class="jobs-reach" x="{}%" width="{}%" y="{}" height="{}"/>{}',
        bar.title,
        f"{left:.3f}",
        f"{width:.3f}",
        f"{_TOP:.0f}",
        f"{_PLOT:.0f}",
        _drawn(part for part in parts if part[0] not in bar.urls),
    )
    if not bar.url:
        return format_html("<g>{}</g>", drawn)
    return format_html(
        '<a href="{}" aria-label="{}">{}</a>{}',
        bar.url,
        bar.title,
        drawn,
        # Keys stop once at each bar: the table has these links too.
        format_html_join(
            "",
            '<a href="{}" aria-label="{}" tabindex="-1"><title>{}</title>{}</a>',
            (
                (bar.urls[part[0]], bar.title, bar.title, _drawn([part]))
                for part in parts
                if part[0] in bar.urls
            ),
        ),
    )


def _drawn(parts: Iterable[tuple[str, ...]]) -> SafeString:
    return format_html_join(
        "",
        '<rect class="jobs-bar jobs-bar-{}" x="{}%" width="{}%" y="{}" height="{}"/>',
        parts,
    )


def _parts(bar: Bar, left: float, width: float, top: float) -> Iterable[tuple[str, ...]]:
    bottom = _TOP + _PLOT
    for kind, value in bar.values.items():
        if value:
            # One failure among thousands must not vanish.
            height = max(value / top * _PLOT, 1.5)
            bottom = max(bottom - height, 0.0)
            yield kind, f"{left:.3f}", f"{width:.3f}", f"{bottom:.1f}", f"{height:.1f}"


def _tick(bar: Bar, middle: float) -> SafeString | str:
    if not bar.tick:
        return ""
    return format_html(
        '<text class="jobs-tick" x="{}%" y="{}">{}</text>',
        f"{middle:.3f}",
        int(_TOP + _PLOT + _BOTTOM) - 3,
        bar.tick,
    )


def _mark(mark: Mark) -> SafeString:
    is_below = mark.kind == "cron"
    line = "" if is_below else format_html('<line y1="12" y2="{}"/>', int(_TOP + _PLOT - _SIGN_TOP))
    return format_html(
        '<svg class="jobs-mark jobs-mark-{}" x="{}%" y="{}" overflow="visible"><title>{}</title>'
        '{}<path d="{}"/></svg>',
        mark.kind,
        f"{min(max(mark.place, 0.0), 1.0) * 100:.3f}",
        int(_TOP + _PLOT) + 2 if is_below else int(_SIGN_TOP),
        mark.title,
        line,
        _SIGNS[mark.kind],
    )
