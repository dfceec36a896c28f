"""Jobs by what they do to their worker. Files tell the tests what happened outside the database."""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import nullcontext, suppress
from pathlib import Path

from django.db import connection, transaction

from django_jobs import Cancel, Discard, JobContext, Retry, job
from django_jobs.exceptions import JobTimeout
from django_jobs.models import Job, Queue

#: Seconds after which a waiting job gives up, so that nothing hangs when its test has failed.
PATIENCE = 60.0


def note(path: str, line: object) -> None:
    """Append one line; a single write to a file opened for appending is not torn."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def wait_for_file(path: str) -> None:
    """Wait until a test creates the file."""
    end = time.monotonic() + PATIENCE
    while not Path(path).exists() and time.monotonic() < end:
        time.sleep(0.01)


@job(name="processes.note")
def write_note(context: JobContext, path: str) -> None:
    """Leave a trace of this execution."""
    note(path, f"{context.job_id} {context.attempt}")


@job(name="processes.nothing")
def nothing() -> None:
    """Do nothing."""


@job(name="processes.nothing_async")
async def nothing_async() -> None:
    """Do nothing in an event loop."""


@job(name="processes.gate", queue="slow")
def gate(context: JobContext, path: str, opens: str) -> int:
    """Say that it started, then wait for a file."""
    note(path, f"{context.attempt} {os.getpid()}")
    wait_for_file(opens)
    return context.attempt


@job(name="processes.progress", queue="slow")
def progress(context: JobContext, opens: str, in_transaction: bool = True) -> None:
    """Report, also from inside a transaction, which no other connection can look into."""
    with transaction.atomic() if in_transaction else nullcontext():
        context.update_progress(40, "almost half")
        context.log.warning("careful", step=3)
        wait_for_file(opens)
        context.update_progress(90, "nearly there")


@job(name="processes.cancellable", queue="slow")
def cancellable(context: JobContext) -> None:
    """Run until asked to stop."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        context.raise_if_cancelled()
        time.sleep(0.02)


@job(name="processes.stubborn", queue="slow")
def stubborn(path: str, seconds: float) -> None:
    """Ignore everything for a while."""
    note(path, "started")
    time.sleep(seconds)
    note(path, "ended")


@job(name="processes.exit", max_attempts=1)
def leave(how: str) -> None:
    """End in ways that are no ordinary exceptions."""
    if how == "sys.exit":
        sys.exit(3)
    if how == "ctrl-c":
        raise KeyboardInterrupt
    if how == "segfault":
        ctypes.string_at(0)
    os._exit({"as if done": 0, "as if worn out": 3}.get(how, 7))


@job(name="processes.connection_of_coroutines")
async def connection_of_coroutines() -> int:
    """Ask the database as coroutines do."""
    return await Job.objects.filter(job_name="nobody's").acount()


@job(name="processes.connection_used", timeout=0.3, max_attempts=1)
def connection_used(spins: bool) -> int:
    """Which session this thread has, as a pooler sees it; when told to, go on until interrupted."""
    connection.ensure_connection()
    number: int = connection.connection.info.backend_pid
    while spins:
        pass
    return number


@job(name="processes.sleep_async")
async def sleep_async(seconds: float) -> str:
    """An ``async def`` job."""
    await asyncio.sleep(seconds)
    return "slept"


@job(name="processes.timeout_thread", timeout=0.3, max_attempts=1)
def timeout_thread() -> None:
    """Busy for ever."""
    while True:
        time.sleep(0.01)


@job(name="processes.timeout_async", timeout=0.3, max_attempts=1)
async def timeout_async() -> None:
    """Wait for ever."""
    await asyncio.sleep(PATIENCE)


@job(name="processes.cancel_itself")
def cancel_itself() -> None:
    """Decide its own end."""
    raise Cancel("no longer needed")


@job(name="processes.retry_once", backoff=[0])
def retry_once(context: JobContext) -> int:
    """Fail at first."""
    if context.attempt == 1:
        raise ValueError("not yet")
    return context.attempt


class Unspeakable:
    """Cannot be told."""

    def __str__(self) -> str:
        raise SystemExit("not even this")


class Wordless(Retry):
    """A subclass that forgot its parent."""

    def __init__(self) -> None:
        pass


@job(name="processes.odd_end", max_attempts=1)
def odd_end(how: str) -> None:
    """End in ways that break whoever describes them."""
    if how == "unspeakable discard":
        raise Discard(Unspeakable())  # type: ignore[arg-type]
    if how == "unspeakable error":
        raise ValueError(Unspeakable())
    if how == "a timeout without a timeout":
        raise JobTimeout
    raise Wordless


@job(name="processes.leave_atomic_open", queue="single")
def leave_atomic_open() -> None:
    """Leave a transaction behind."""
    transaction.atomic().__enter__()


@job(name="processes.use_database", queue="single")
def use_database() -> bool:
    """Use the connection that the last job of this thread left."""
    Queue.objects.get_or_create(name="written")
    return connection.in_atomic_block


@job(name="processes.cancel_task", queue="single")
async def cancel_task() -> None:
    """Cancel the task it runs in, and return."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


@job(name="processes.stop_loop", queue="single")
async def stop_loop() -> None:
    """Stop the loop it runs in."""
    asyncio.get_running_loop().stop()


@job(name="processes.log_logger", queue="single")
def log_logger(context: JobContext) -> None:
    """Log something that logs when it is looked at."""

    class Logging:
        def __repr__(self) -> str:
            context.log.info("inside")
            return "outside"

    context.log.info("twice", value=Logging())


@job(name="processes.atomic_gate", queue="slow", atomic=True)
def atomic_gate(context: JobContext, path: str, opens: str) -> int:
    """Write a queue's row and a child job, then wait for a file with all that still open."""
    Queue.objects.create(name=f"written-{context.attempt}")
    write_note.using(queue="reports").later(path=f"{path}-of-children")
    context.update_progress(50, "written")
    context.log.info("written", attempt=context.attempt)
    note(path, f"{context.attempt} {os.getpid()}")
    wait_for_file(opens)
    return context.attempt


# Jobs that do not end by themselves, and jobs in processes of their own


@job(name="processes.swallow", queue="slow", timeout=0.3, max_attempts=1)
def swallow(path: str) -> None:
    """Swallow every exception; the note tells that it began."""
    note(path, f"swallow {os.getpid()}")
    while True:
        with suppress(BaseException):
            while True:
                time.sleep(0.01)


@job(name="processes.late", queue="slow", timeout=0.3, max_attempts=1)
def late(path: str, opens: str) -> str:
    """Swallow every exception until a file is there, and return as if nothing had happened."""
    note(path, f"late {os.getpid()}")
    while not Path(opens).exists():
        with suppress(BaseException):
            wait_for_file(opens)
    return "late"


@job(name="processes.hold_lock", queue="slow", timeout=0.3, max_attempts=1)
def hold_lock(path: str, seconds: int) -> None:
    """Hold Python's global lock in C code: no other thread of the process does anything."""
    note(path, f"hold {os.getpid()}")
    ctypes.PyDLL(None).sleep(seconds)


@job(name="processes.read_pipe", queue="slow", timeout=0.3, max_attempts=1)
def read_pipe(path: str, fifo: str) -> None:
    """Block in a system call."""
    note(path, f"read {os.getpid()}")
    Path(fifo).read_bytes()


@job(name="processes.block_loop", queue="slow", timeout=0.3, max_attempts=1)
async def block_loop(path: str) -> None:
    """Block the event loop."""
    note(path, f"block {os.getpid()}")
    time.sleep(PATIENCE)


@job(name="processes.cancellable_async", queue="slow")
async def cancellable_async(path: str, tidies: bool = False) -> str:
    """Wait for ever; tidy up when cancelled, if told so."""
    note(path, "started")
    try:
        await asyncio.sleep(PATIENCE)
    except asyncio.CancelledError:
        note(path, "cancelled")
        if not tidies:
            raise
    return "tidied"


@job(name="isolated.gate", queue="slow", isolation="process")
def isolated_gate(context: JobContext, path: str, opens: str) -> int:
    """Report, say that it started, then wait for a file."""
    context.update_progress(40, "almost half")
    context.log.warning("careful", step=3)
    note(path, f"isolated {os.getpid()} {os.getppid()}")
    wait_for_file(opens)
    context.log.info("nearly there")
    return os.getpid()


@job(name="isolated.gate_async", queue="slow", isolation="process")
async def isolated_gate_async(path: str, opens: str) -> int:
    """Start, wait for a file in an event loop of its own."""
    note(path, f"isolated {os.getpid()}")
    while not Path(opens).exists():
        await asyncio.sleep(0.01)
    return os.getpid()


@job(name="isolated.ends", queue="slow", isolation="process", max_attempts=1)
def isolated_ends(context: JobContext, how: str) -> str:
    """End in one of many ways."""
    context.log.info("last words")
    match how:
        case "segfault":
            ctypes.string_at(0)
        case "os._exit":
            os._exit(7)
        case "os._exit(0)":
            os._exit(0)
        case "sys.exit":
            sys.exit(3)
        case "ctrl-c":
            raise KeyboardInterrupt
        case "memory":
            resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
            bytearray(2**31)
        case "fork":
            if os.fork() == 0:
                return "the copy"
            os.wait()
        case "raise":
            raise ValueError("not this time")
        case "database":
            Queue.objects.get_or_create(name="written")
        case "big result":
            return "x" * 900_000
    return how


@job(name="isolated.atomic", queue="slow", isolation="process", atomic=True, max_attempts=1)
def isolated_atomic(context: JobContext, path: str, opens: str, fails: bool = False) -> str:
    """Write a queue's row and a child job, report, and wait for a file with all that still open."""
    Queue.objects.create(name="written")
    nothing.using(queue="default").later()
    context.update_progress(50, "written")
    context.log.info("first", step=1)
    note(path, f"atomic {os.getpid()}")
    wait_for_file(opens)
    context.log.info("second", step=2)
    context.update_progress(90)
    if fails:
        raise ValueError("not this time")
    return "done"


@job(name="isolated.deaf", queue="slow", isolation="process", max_attempts=1)
def isolated_deaf(path: str) -> None:
    """Ignore SIGTERM and every exception, with a child that does so too."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "60"])
    note(path, f"deaf {os.getpid()} {child.pid}")
    while True:
        with suppress(BaseException):
            while True:
                time.sleep(0.01)


@job(name="isolated.hold_lock", queue="slow", isolation="process", max_attempts=1)
def isolated_hold_lock(path: str) -> None:
    """Hold the global lock of its own process."""
    note(path, f"hold {os.getpid()}")
    ctypes.PyDLL(None).sleep(60)


@job(name="isolated.read_pipe", queue="slow", isolation="process", max_attempts=1)
def isolated_read_pipe(path: str, fifo: str) -> None:
    """Block in a system call."""
    note(path, f"read {os.getpid()}")
    Path(fifo).read_bytes()


@job(name="isolated.cancellable", queue="slow", isolation="process")
def isolated_cancellable(context: JobContext, path: str) -> None:
    """Run until asked to stop."""
    note(path, f"cancellable {os.getpid()}")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        context.raise_if_cancelled()
        time.sleep(0.02)


@job(name="isolated.cancellable_async", queue="slow", isolation="process")
async def isolated_cancellable_async(path: str) -> None:
    """Wait for ever."""
    note(path, f"cancellable {os.getpid()}")
    await asyncio.sleep(PATIENCE)


@job(name="processes.grow", queue="slow")
def grow(mebibytes: int) -> int:
    """Keep memory for good."""
    kept.append(b"x" * (mebibytes * 2**20))
    return os.getpid()


#: What ``grow`` keeps.
kept: list[bytes] = []


@job(name="processes.pid")
def pid() -> int:
    """The process it runs in."""
    return os.getpid()


@job(name="processes.fail_until", max_attempts=1)
def fail_until(path: str, mended: str) -> None:
    """Fail until a file is there."""
    if not Path(mended).exists():
        raise ValueError("not mended")
    note(path, "mended")
