"""What tests see of processes from outside."""

from __future__ import annotations

import psutil


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def pid_in(line: str, place: int = 1) -> int:
    return int(line.split()[place])
