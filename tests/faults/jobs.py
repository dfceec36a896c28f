"""Jobs that leave traces outside of the database, where no fault of it reaches them."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import time
from pathlib import Path

from django.db import connection

from django_jobs import JobContext, job

#: The environment variable with the file of traces.
EFFECTS = "RUNJOBS_TESTS_EFFECTS"
#: Environment variables that make another release of this module: with one name more, or broken.
RELEASE = "RUNJOBS_TESTS_RELEASE"
BROKEN = "RUNJOBS_TESTS_BROKEN"
NEW_NAME = "faults.new_name"
#: What must never be seen in a log.
CANARY = "canary-5f1c09"
#: Seconds after which a waiting job gives up, so that nothing hangs when its test has failed.
PATIENCE = 120.0


def trace(context: JobContext, what: str) -> None:
    """Append a line; one small write to a file opened for appending is not torn."""
    line = f"{context.job_id} {context.attempt} {os.getpid()} {what}\n"
    descriptor = os.open(os.environ[EFFECTS], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def wait_for(path: str) -> None:
    """Wait until a test creates the file."""
    end = time.monotonic() + PATIENCE
    while not Path(path).exists() and time.monotonic() < end:
        time.sleep(0.01)


if os.environ.get(BROKEN):
    raise RuntimeError("this module cannot be imported")


@job(name="faults.work", aliases=[NEW_NAME] if os.environ.get(RELEASE) else [], max_attempts=5)
def work(context: JobContext, seconds: float = 0.0, secret: str = "") -> int:
    """Take some time."""
    trace(context, "start")
    time.sleep(seconds)
    trace(context, "end")
    return context.attempt


@job(name="faults.gate", max_attempts=5)
def gate(context: JobContext, opens: str) -> int:
    """Tell of progress until a file is there."""
    trace(context, "start")
    end = time.monotonic() + PATIENCE
    while not Path(opens).exists() and time.monotonic() < end:
        context.update_progress(50, f"attempt {context.attempt}")
        time.sleep(0.05)
    trace(context, "end")
    return context.attempt


@job(name="faults.later_fails", max_attempts=5, backoff=[0])
def later_fails(context: JobContext, failures: int, secret: str) -> int:
    """Fail some times first, with an error that repeats what it was given."""
    trace(context, "start")
    if context.attempt <= failures:
        raise RuntimeError(f"not yet, {secret}")
    return context.attempt


@job(name="faults.look", max_attempts=5, backoff=[0.2])
def look(context: JobContext) -> int:
    """Use the database, and fail when it is not there."""
    trace(context, "start")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return int(cursor.fetchone()[0])


@job(name="faults.scheduled")
def scheduled(context: JobContext) -> None:
    """Fired by a schedule."""
    trace(context, "start")


@job(name="faults.end_badly", max_attempts=2, backoff=[0])
def end_badly(context: JobContext, how: str) -> None:
    """End as jobs should not."""
    trace(context, "start")
    if how == "sys.exit":
        sys.exit(3)
    raise KeyboardInterrupt


class Unspeakable(Exception):
    """Can be raised, not told."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    def __reduce__(self) -> str:
        raise RuntimeError("no pickle")


class Base(BaseException):
    """No Exception."""


def _cycle() -> Exception:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__cause__, second.__cause__ = second, first
    return first


def _deeper() -> None:
    _deeper()


@job(name="faults.raise_oddly", max_attempts=1)
def raise_oddly(context: JobContext, what: str, secret: str) -> None:
    """Raise what breaks those who write it down."""
    trace(context, "start")
    if what == "unspeakable":
        raise Unspeakable
    if what == "surrogate and NUL":
        raise ValueError("\udce9 and \x00 <script>alert(1)</script>")
    if what == "50 MB":
        raise ValueError("x" * 50_000_000)
    if what == "cycle":
        raise _cycle()
    if what == "recursion":
        _deeper()
    if what == "group":
        raise ExceptionGroup("many", [ValueError(str(number)) for number in range(100)])
    raise Base(f"no exception, and it repeats {secret}")


@job(name="faults.return_oddly", max_attempts=3)
def return_oddly(context: JobContext, what: str) -> object:
    """Return what no database takes."""
    trace(context, "start")
    odd: dict[str, object] = {
        "nan": float("nan"),
        "set": {1, 2},
        "object": object(),
        "too large": "x" * 5_000_000,
        "surrogate": "\udce9",
    }
    return odd[what]


@job(name="faults.exactly", max_attempts=5, backoff=[0.1], atomic=True)
def exactly(context: JobContext, opens: str | None = None, seconds: float = 0.0) -> int:
    """Write to the ledger, and enqueue a child: both happen once, or not at all."""
    trace(context, "start")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO faults_ledger (job_id, attempt) VALUES (%s, %s)",
            [str(context.job_id), context.attempt],
        )
    work.using(correlation_id=str(context.job_id), queue="children").later()
    if opens is not None:
        wait_for(opens)
    time.sleep(seconds)
    trace(context, "end")
    return context.attempt


@job(name="faults.isolated", max_attempts=5, backoff=[0.1], isolation="process")
def isolated(context: JobContext, seconds: float = 0.0) -> int:
    """Take some time in a process of its own."""
    trace(context, "start")
    time.sleep(seconds)
    trace(context, "end")
    return context.attempt


@job(name="faults.never_ends", max_attempts=1, timeout=0.5)
def never_ends(context: JobContext, how: str) -> None:
    """Hold on to a thread for ever."""
    trace(context, "start")
    if how == "python":
        while True:
            try:
                time.sleep(1)
            except BaseException:  # noqa: BLE001 - as rude as can be
                continue
    if how == "c":
        ctypes.PyDLL(None).sleep(60)  # keeps the interpreter's lock
    reader, _ = os.pipe()
    os.read(reader, 1)


@job(name="faults.hungry", max_attempts=1, isolation="process")
def hungry(context: JobContext) -> int:
    """Use up the memory that this process may have."""
    trace(context, "start")
    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    return len([bytearray(2**24) for _ in range(10_000)])
