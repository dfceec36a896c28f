"""The demo on the terminal: bars that move, or now and then a line where nothing can move."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from typing import Final, Protocol

from testproject.quakes.run import Progress

#: Seconds between two lines when the output is no terminal.
LINE_INTERVAL: Final = 3.0

BAR_WIDTH: Final = 24
NAME_WIDTH: Final = 23
EIGHTHS: Final = " ▏▎▍▌▋▊▉"


class Output(Protocol):
    """A command's ``self.stdout``."""

    def write(self, msg: str, /, *, ending: str) -> None: ...
    def isatty(self) -> bool: ...
    def flush(self) -> None: ...


class ProgressBars:
    """Shows how far the jobs are, on a terminal in place."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._started_at = time.monotonic()
        self._wrote_at = 0.0
        self._height = 0

    def show(self, progress: Sequence[Progress], *, last: bool = False) -> None:
        """Show the latest state; ``last`` makes sure of a line at the end."""
        if self._output.isatty():
            self._redraw(progress)
        elif last or time.monotonic() - self._wrote_at >= LINE_INTERVAL:
            self._wrote_at = time.monotonic()
            seconds = self._wrote_at - self._started_at
            counts = ", ".join(f"{one.name} {one.finished}/{one.total}" for one in progress)
            self._output.write(f"{seconds:5.1f} s  {counts}", ending="\n")
        self._output.flush()

    def note(self, text: str) -> None:
        """Write a line that stays."""
        self._output.write(text, ending="\n")
        self._output.flush()
        self._height = 0

    def _redraw(self, progress: Sequence[Progress]) -> None:
        # One column less: a full line would wrap, and the cursor would not find its way back.
        width = shutil.get_terminal_size().columns - 1
        up = f"\x1b[{self._height}A" if self._height else ""
        lines = [f"\r\x1b[2K{line(one)[:width]}\n" for one in progress]
        self._output.write(up + "".join(lines), ending="")
        self._height = len(progress)


def line(progress: Progress) -> str:
    """One bar with its numbers."""
    count = f"{progress.finished}/{progress.total}"
    text = f"  {progress.name:<{NAME_WIDTH}}{bar(progress.share)} {count:>7}  {progress.message}"
    return text.rstrip()


def bar(share: float) -> str:
    """A bar of fixed width, filled to ``share`` (0 to 1).

    >>> bar(0.5)
    '████████████            '
    """
    eighths = round(min(max(share, 0.0), 1.0) * BAR_WIDTH * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (EIGHTHS[rest] if rest else "")).ljust(BAR_WIDTH)
