"""Plain tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from django.utils import timezone

#: A longer cell moves the rest of its own line, and no other line's.
_WIDEST: Final = 60


class Output(Protocol):
    """A command's ``self.stdout``."""

    def write(self, msg: str) -> None: ...


def print_table(output: Output, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write aligned columns; control characters of the cells are escaped."""
    lines = [header, *([printable(cell) for cell in row] for row in rows)]
    widths = [
        min(_WIDEST, max(len(line[column]) for line in lines)) for column in range(len(header))
    ]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        output.write("  ".join(cells).rstrip())


def printable(cell: Any) -> str:
    """One line of text for ``cell``, without anything a terminal would act on."""
    if isinstance(cell, datetime):
        return f"{timezone.localtime(cell):%Y-%m-%d %H:%M:%S %Z}"
    text = "" if cell is None else str(cell)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
