"""Small charts as SVG: drawn on the server, coloured by the style sheet, described in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

#: In units of the drawing; the style sheet stretches it.
_WIDTH: Final = 120.0
_HEIGHT: Final = 24.0


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
