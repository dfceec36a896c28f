"""Processes that stand still, without taking the whole database with them."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Sequence

from django.db import connection


def freeze(pids: Sequence[int]) -> None:
    """Stop processes, but not while one of them holds the write lock of SQLite."""
    for number in (signal.SIGSTOP, signal.SIGCONT) * 50:
        for pid in pids:
            os.kill(pid, number)
        if number == signal.SIGSTOP and _can_write():
            return
    raise AssertionError("the processes always hold the lock")


def thaw(pids: Sequence[int]) -> None:
    """Let them go on."""
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def _can_write() -> bool:
    if connection.vendor != "sqlite":
        return True
    database = sqlite3.connect(connection.settings_dict["NAME"], timeout=0.2)
    try:
        database.execute("BEGIN IMMEDIATE")
        database.rollback()
    except sqlite3.OperationalError:
        return False
    finally:
        database.close()
    return True
