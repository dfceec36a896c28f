"""Named priorities. Lower runs first, as in the source systems and in Oban."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Priority(IntEnum):
    """Names for common priorities; any signed 32-bit integer is allowed."""

    CRITICAL = -20
    HIGH = -10
    NORMAL = 0
    LOW = 10


PRIORITY_MIN: Final = -(2**31)
PRIORITY_MAX: Final = 2**31 - 1
