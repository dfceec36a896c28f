"""Ids: UUIDs of version 7 that only grow."""

from __future__ import annotations

import os
import time

import pytest

from django_jobs import ids


def test_they_grow_however_they_are_made() -> None:
    made = [ids.uuid7(), *ids.uuid7_many(1000), ids.uuid7(), *ids.uuid7_many(1000)]
    assert made == sorted(set(made))


def test_their_version_and_time() -> None:
    before = time.time_ns() // 1_000_000
    made = ids.uuid7_many(10)
    after = time.time_ns() // 1_000_000
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert all(before <= one.int >> 80 <= after + 1 for one in made)


def test_none() -> None:
    assert ids.uuid7_many(0) == []


def test_a_clock_that_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids.uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert before < ids.uuid7()


def test_a_full_counter_takes_the_next_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids.uuid7()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    monkeypatch.setattr(ids, "_counter", (1 << 62) - 1)
    made = ids.uuid7_many(3)
    assert [before, *made] == sorted({before, *made})
    assert {one.version for one in made} == {7}


def test_a_forked_child_starts_from_another_number() -> None:
    ids.uuid7()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, ids.uuid7().bytes)
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(reading, 16)
    os.close(reading)
    os.close(writing)
    # The 62 bits after the variant: a child that counted on would be within a few steps.
    low = (1 << 62) - 1
    distance = abs((int.from_bytes(told, "big") & low) - (ids.uuid7().int & low))
    assert distance > 1 << 40
