"""How much memory a process uses."""

from __future__ import annotations

import os
from pathlib import Path


def resident_memory(pid: int) -> int:
    """Resident memory of a process in bytes; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
