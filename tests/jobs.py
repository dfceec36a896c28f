"""The jobs of the tests, named after what they do. Workers find them: ``tests`` is an app."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    connection,
    transaction,
)
from django.utils import timezone

from django_jobs import Cancel, Discard, JobContext, Retry, Snooze, job, operations
from django_jobs.models import Job
from django_jobs.services.rescue import rescue_lost
from tests.harness.waiting import wait_until

LONG = timedelta(days=1)

# Results


@job(name="tests.add")
def add(a: int, b: int = 0) -> int:
    """Add two numbers."""
    return a + b


@job(name="tests.add_async")
async def add_async(a: int, b: int = 0) -> int:
    await asyncio.sleep(0)
    return a + b


@job(name="tests.divide")
def divide(a: int) -> float:
    return 1 / a


@job(name="tests.do_nothing")
def do_nothing() -> None:
    pass


@job(name="tests.echo")
def echo(value: Any) -> Any:
    """Return what came in."""
    return value


@job(name="tests.pay", sensitive=("card",), max_attempts=1)
def pay(context: JobContext, card: Any, region: str = "", how: str = "") -> Any:
    """Tell the card to everybody, in the way that was asked for."""
    match how:
        case "progress":
            context.update_progress(50, f"charging {card}")
        case "log":
            context.log.info(f"charging {card}", card=card, note=str(card), region=region)
        case "raise":
            raise ValueError(f"{card} of {region} is refused")
        case "chain":
            try:
                raise KeyError(str(card))
            except KeyError as error:
                error.add_note(f"noted {card}")
                raise RuntimeError(f"no {card}") from error
        case "group":
            raise ExceptionGroup(f"all {card}", [ValueError(str(card)), TypeError(repr(card))])
        case "retry":
            raise Retry(f"again {card}", delay=0)
        case "snooze":
            raise Snooze(3600, reason=f"later {card}")
        case "discard":
            raise Discard(f"never {card}")
        case "cancel":
            raise Cancel(f"no more {card}")
        case "unserialisable":
            return {1: {card}}
    return {"card": card, "echo": f"paid by {card}", "region": region}


@job(name="tests.show_card")
def show_card(card: Any) -> Any:
    """To this one it is no secret."""
    return card


@job(name="tests.pay_apart", sensitive=("card",), max_attempts=1, isolation="process")
def pay_apart(context: JobContext, card: Any, how: str) -> Any:
    """The same in a process of its own."""
    return pay.function(context, card, how=how)


@job(name="tests.pay_at_last", sensitive=("card",), max_attempts=1, atomic=True)
def pay_at_last(card: str) -> None:
    """Leave something to do after the commit, which fails."""

    def fail() -> None:
        raise ValueError(card)

    transaction.on_commit(fail)


@job(name="tests.careless", max_attempts=1)
def careless(order: Any) -> None:
    """Take the secrets out of the arguments, then fail over them."""
    secrets = [order.pop("password"), order.pop("items")[0].pop("token")]
    raise KeyError(*secrets)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Report:
    region: str
    since: date
    total: Decimal
    colours: list[Colour]


@job(name="tests.report", queue="reports", priority=5, max_attempts=5, timeout=60)
def report(region: str, since: date, total: Decimal, colours: list[Colour]) -> Report:
    return Report(region, since, total, colours)


@job(name="tests.describe_types")
def describe_types(
    moment: datetime, length: timedelta, key: UUID, pair: tuple[int, str]
) -> dict[str, str]:
    values = {"moment": moment, "length": length, "key": key, "pair": pair}
    return {name: type(value).__name__ for name, value in values.items()}


@job(name="tests.return_a_set")
def return_a_set() -> Any:
    return {1, 2}


@job(name="tests.return_much")
def return_much(size: int) -> str:
    return "x" * size


@job(name="tests.return_nan")
def return_nan() -> float:
    return float("nan")


@job(name="tests.return_depth")
def return_depth(depth: int) -> Any:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@job(name="tests.return_the_wrong_type")
def return_the_wrong_type() -> int:
    return "text"  # type: ignore[return-value]


# Failures


class Hiccup(Exception):
    """Something that passes."""


class Refusal(Exception):
    """Something that does not."""


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even printable")


ERRORS: dict[str, type[BaseException]] = {
    "hiccup": Hiccup,
    "refusal": Refusal,
    "unprintable": Unprintable,
    "value": ValueError,
    "exit": SystemExit,
    "base": BaseException,
}


@job(name="tests.fail")
def fail(error: str = "value", message: str = "as asked") -> None:
    raise ERRORS[error](message)


@job(name="tests.fail_async")
async def fail_async(message: str = "as asked") -> None:
    raise ValueError(message)


@job(name="tests.fail_once", max_attempts=1)
def fail_once(message: str = "as asked") -> None:
    """Give up at the first failure."""
    raise ValueError(message)


@job(name="tests.fail_twice", backoff=[0])
def fail_twice(context: JobContext) -> int:
    """Fail at the first two attempts, return the number of the third."""
    if context.attempt < 3:
        raise Hiccup(f"attempt {context.attempt}")
    return context.attempt


@job(
    name="tests.pick_errors", retry_for=Hiccup, discard_for=(Refusal, KeyError), backoff="constant"
)
def pick_errors(error: str) -> None:
    raise ERRORS[error](error)


def ten_per_failure(failures: int, exception: BaseException | None) -> float:
    return 10.0 * failures


@job(name="tests.back_off_by_function", backoff=ten_per_failure)
def back_off_by_function() -> None:
    raise Hiccup


@job(name="tests.back_off_by_list", backoff=[1, timedelta(minutes=2)])
def back_off_by_list() -> None:
    raise Hiccup


@job(name="tests.break_the_transaction")
def break_the_transaction(name: str) -> None:
    """Provoke an error of the database itself."""
    Group.objects.create(name=name)
    Group.objects.create(name=name)


@job(name="tests.survive_a_broken_transaction")
def survive_a_broken_transaction(name: str) -> str:
    """Catch an error of the database in a savepoint of its own."""
    Group.objects.create(name=name)
    try:
        with transaction.atomic():
            Group.objects.create(name=name)
    except IntegrityError:
        return "refused"
    return "accepted"


@job(name="tests.swallow_a_database_error")
def swallow_a_database_error(name: str, how: str = "orm") -> None:
    """Catch an error of the database, but leave the transaction broken."""
    Group.objects.create(name=name)
    with suppress(DatabaseError):
        if how == "orm":
            Group.objects.create(name=name)
        else:
            with connection.cursor() as cursor:
                cursor.execute("SELECT nonsense")


# Decisions


@job(name="tests.retry_later")
def retry_later(delay: float | None = None, reason: str = "") -> None:
    raise Retry(reason, delay=delay)


@job(name="tests.retry_oddly")
def retry_oddly() -> None:
    raise Retry("odd", delay=float("nan"))


@job(name="tests.snooze")
def snooze(delay: float | None = None, until: datetime | None = None, reason: str = "") -> None:
    raise Snooze(delay, until=until, reason=reason)


@job(name="tests.discard")
def discard(reason: str = "") -> None:
    raise Discard(reason)


@job(name="tests.cancel")
def cancel(reason: str = "") -> None:
    raise Cancel(reason)


# Contexts


@job(name="tests.describe_context")
def describe_context(context: JobContext) -> dict[str, Any]:
    return {
        "job_id": str(context.job_id),
        "job_name": context.job_name,
        "attempt": context.attempt,
        "correlation_id": context.correlation_id,
        "cancelled": context.cancelled,
        "vendor": context.database.vendor,
    }


@job(name="tests.take_context_by_name")
def take_context_by_name(context, word: str) -> str:  # type: ignore[no-untyped-def]
    return f"{word} at attempt {context.attempt}"


@job(name="tests.tell_progress")
def tell_progress(context: JobContext, percents: list[Any], message: str | None = None) -> None:
    for percent in percents:
        context.update_progress(percent, message)


@job(name="tests.fail_with_progress", max_attempts=1)
def fail_with_progress(context: JobContext) -> None:
    context.update_progress(10, "begun")
    context.update_progress(30)
    raise Hiccup


@job(name="tests.read_own_progress")
def read_own_progress(context: JobContext, percent: int) -> int:
    """Tell the progress and look it up through a connection of another thread."""
    context.update_progress(percent)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_stored_progress, context.job_id).result()


def _stored_progress(job_id: UUID) -> int:
    try:
        return Job.objects.values_list("progress", flat=True).get(pk=job_id)
    finally:
        connection.close()


@job(name="tests.cancel_itself")
def cancel_itself(context: JobContext, obey: bool = False) -> None:
    """Be asked to stop while running; stop, or fail."""
    operations.cancel(context.job_id, by="eve")
    if obey:
        wait_until(lambda: context.cancelled, message="the request to stop")
        context.raise_if_cancelled()
    raise Hiccup


@job(name="tests.lose_the_lease")
def lose_the_lease(context: JobContext) -> None:
    """Take so long that others deem the process lost."""
    Job.objects.filter(pk=context.job_id).update(worker_expires_at=timezone.now() - LONG)
    rescue_lost()


@job(name="tests.tell_lease")
def tell_lease(context: JobContext) -> datetime | None:
    """Return the time until which the job may run."""
    return Job.objects.get(pk=context.job_id).worker_expires_at


@job(name="tests.tell_progress_async")
async def tell_progress_async(context: JobContext, percents: list[int]) -> bool:
    """Tell the progress from an event loop, where no query may run."""
    for percent in percents:
        context.update_progress(percent)
        await asyncio.sleep(0)
    return context.cancelled


@job(name="tests.write_lines")
def write_lines(context: JobContext, count: int = 1, fail: bool = False) -> None:
    for number in range(count):
        context.log.info(f"line {number}", number=number)
    context.log.warning("odd", value=float("nan"))
    context.log.error("bad \x00 \ud800")
    if fail:
        raise Hiccup


@job(name="tests.progress_in_a_transaction")
def progress_in_a_transaction(context: JobContext) -> None:
    """Tell something inside a transaction that is rolled back."""
    try:
        with transaction.atomic():
            context.log.info("kept")
            context.update_progress(40, "kept")
            raise Hiccup
    except Hiccup:
        pass


@job(name="tests.enqueue_child")
def enqueue_child(context: JobContext) -> str:
    return str(add.later(1, 2).pk)


@job(name="tests.enqueue_child_async")
async def enqueue_child_async(context: JobContext) -> str:
    return str((await add.alater(1, 2)).pk)


@job(name="tests.stop_when_cancelled")
def stop_when_cancelled(context: JobContext) -> None:
    wait_until(lambda: context.cancelled, message="a request to cancel")
    context.raise_if_cancelled()


# Time


@job(name="tests.loop_for_ever", max_attempts=1)
def loop_for_ever() -> None:
    while True:
        pass


@job(name="tests.wait_for_ever", max_attempts=1)
async def wait_for_ever() -> None:
    await asyncio.Event().wait()


@job(name="tests.catch_timeouts_of_its_own")
async def catch_timeouts_of_its_own() -> None:
    """Raise the error that a timeout of the job itself would look like."""
    raise TimeoutError("of somebody else")


@job(name="tests.rest")
def rest(seconds: float = 0.05) -> int:
    """Do nothing for some time; return the number of the process that did it."""
    time.sleep(seconds)
    return os.getpid()


#: Opens when three jobs run at the same time.
MEETING = threading.Barrier(3, timeout=10)


@job(name="tests.meet")
def meet(number: int) -> int:
    """Wait until two others of this job run as well."""
    MEETING.wait()
    return number


# Databases


@job(name="tests.create_group")
def create_group(name: str) -> int:
    return Group.objects.create(name=name).pk


@job(name="tests.wait_for_group")
def wait_for_group(context: JobContext, name: str, timeout: float = 30.0) -> int:
    """Run until another process creates a group of this name."""
    wait_until(Group.objects.filter(name=name).exists, timeout, f"a group named {name}")
    return context.attempt


@job(name="tests.is_in_transaction")
def is_in_transaction() -> bool:
    """Whether the job runs in a transaction."""
    return connection.in_atomic_block


# Deaths


@job(name="tests.die", backoff=[0])
def die() -> None:
    """Take the process down, past every handler."""
    os._exit(3)


@job(name="tests.exit", max_attempts=1)
def exit_process() -> None:
    sys.exit(3)


@job(name="tests.hog_the_interpreter")
def hog_the_interpreter(length: int = 28) -> None:
    """Hold the interpreter lock in C code for some seconds."""
    re.match(r"(a+)+$", "a" * length + "b")


# Names


@job(name="tests.renamed", aliases=["tests.old_name", "tests.older_name"])
def renamed() -> str:
    return "still found"


# Atomic


@job(name="tests.write_atomically", atomic=True, backoff=[0])
def write_atomically(context: JobContext, name: str, then: str = "return") -> Any:
    """Write a group, a child job and a log line; then end in the way that was asked for."""
    Group.objects.create(name=name)
    add.later(1, 2)
    context.log.info("written")
    context.update_progress(70, "written")
    return _ENDS[then](name)


def _swallow(name: str) -> None:
    with suppress(DatabaseError):
        Group.objects.create(name=name)


def _leave_open(name: str) -> None:
    transaction.atomic().__enter__()


def _fail_after_commit(name: str) -> None:
    transaction.on_commit(_after_commit)


def _after_commit() -> None:
    raise Hiccup("after the commit")


def _break_connection(name: str) -> None:
    """As if the server had ended it: what was written is gone with it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
            with ThreadPoolExecutor(1) as pool:
                pool.submit(_terminate, pid).result()
        else:
            connection.connection.close()


def _terminate(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    connection.close()


def _lose_the_reply_to_commit(name: str) -> None:
    """The commit arrives, its answer does not."""
    commit = connection._commit

    def lose_reply() -> None:
        commit()
        del connection._commit
        connection.close()
        raise OperationalError("server closed the connection unexpectedly")

    connection._commit = lose_reply


def _raise(error: BaseException) -> None:
    raise error


_ENDS: dict[str, Callable[[str], Any]] = {
    "return": lambda name: f"{name} is written",
    "return a set": lambda name: {name},
    "fail": lambda name: _raise(Hiccup(name)),
    "retry": lambda name: _raise(Retry(name, delay=0)),
    "snooze": lambda name: _raise(Snooze(30)),
    "discard": lambda name: _raise(Discard(name)),
    "cancel": lambda name: _raise(Cancel(name)),
    "exit": lambda name: _raise(SystemExit(3)),
    "swallow": _swallow,
    "leave open": _leave_open,
    "fail after commit": _fail_after_commit,
    "lose the connection": _break_connection,
    "lose the reply": _lose_the_reply_to_commit,
}
