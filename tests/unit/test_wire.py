"""What a worker and the process of an isolated job tell each other arrives as it was."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.utils import timezone

from django_jobs.execution import Attempt
from django_jobs.ids import uuid7
from django_jobs.outcome import Outcome
from django_jobs.runtime import wire
from django_jobs.stores.records import ClaimedJob, LogLine


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    here.setblocking(False)
    with here, there:
        yield here, there


def over_the_wire(message: wire.Message) -> wire.Message:
    return wire.unpacked(wire.packed(message))


def test_a_job() -> None:
    job = ClaimedJob(
        uuid7(), "tests.add", "default", {"a": ["ä\n", None]}, 3, 2, 1, 5, 0.5, "c", crash_count=2
    )
    assert wire.job_from_json(over_the_wire(wire.job_as_json(job))) == job


def test_a_line() -> None:
    line = LogLine(1, timezone.now(), "info", "two\nlines", {"step": 3})
    assert wire.line_from_json(over_the_wire(wire.line_as_json(line))) == line


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome.complete({"a": [1]}),
        Outcome.complete(None),
        Outcome.retry(30.5, "traceback", "ValueError", ValueError()),
        Outcome.snooze(0, timezone.now(), "later"),
        Outcome.cancel("asked to"),
    ],
    ids=lambda outcome: str(outcome.status),
)
def test_an_attempt(outcome: Outcome) -> None:
    done = Attempt(outcome, 1.5, value=object())
    arrived = wire.attempt_from_json(over_the_wire(wire.attempt_as_json(done)))
    assert (arrived.outcome, arrived.duration) == (outcome, 1.5)
    assert (arrived.outcome.exception, arrived.value) == (None, None)


def test_lines_in_pieces(ends: tuple[socket.socket, socket.socket]) -> None:
    here, there = ends
    receiver = wire.Receiver(here)
    assert receiver.messages() == []
    there.sendall(b'{"a": 1}\n{"b"')
    assert receiver.messages() == [{"a": 1}]
    there.sendall(b": ")
    assert receiver.messages() == []
    there.sendall(b'2}\n{"c": 3}\n{"torn')
    assert receiver.messages() == [{"b": 2}, {"c": 3}]
    there.close()
    assert (receiver.messages(), receiver.is_at_end) == ([], True)


def test_whoever_talks_without_end_is_not_listened_to_without_end(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    here, there = ends
    there.sendall(b"1\n" * 50_000)  # two chunks
    receiver = wire.Receiver(here)
    assert 0 < len(receiver.messages(chunks=1)) < 50_000
