"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from pathlib import Path

import django
import psutil
import psycopg

from benchmarks.servers import DurablePostgres, programs_version


def describe(postgres: DurablePostgres) -> dict[str, str]:
    """Processor, memory, system and versions; nothing that names the machine or its owner."""
    return {
        "processor": f"{os.cpu_count()} × {_processor()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "load before": f"{os.getloadavg()[0]:.1f} processes",
        "disk": f"{_syncs_per_second(postgres):,.0f} synced writes of 8 kB per second",
        "PostgreSQL": programs_version(postgres.programs),
        "Python": platform.python_version(),
        "Django": django.__version__,
        "psycopg": psycopg.__version__,
        "SQLite": sqlite3.sqlite_version,
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _syncs_per_second(postgres: DurablePostgres) -> float:
    """How often a small write reaches the disk on which the database lies."""
    path = postgres.folder / "sync"
    began, syncs = time.perf_counter(), 0
    with path.open("wb") as file:
        while time.perf_counter() - began < 0.5:
            os.pwrite(file.fileno(), bytes(8192), 0)
            os.fdatasync(file.fileno())
            syncs += 1
    path.unlink()
    return syncs / 0.5
