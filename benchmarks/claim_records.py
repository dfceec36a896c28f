"""The file in which a worker notes its claims: written by ``timed_store``, read afterwards."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

#: When it began, in seconds since 1970, how many seconds it took, and how many jobs it got.
RECORD: Final = struct.Struct("<ddq")


def read(path: Path) -> list[tuple[float, float, int]]:
    """All claims, in the order in which they ended."""
    return list(RECORD.iter_unpack(path.read_bytes()))
