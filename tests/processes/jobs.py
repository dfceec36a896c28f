"""Jobs by what they do to their worker. Files tell the tests what happened outside the database."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from django.db import connection, transaction

from django_jobs import Cancel, Discard, JobContext, Retry, job
from django_jobs.exceptions import JobTimeout
from django_jobs.models import Queue

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
    os._exit(7)


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
