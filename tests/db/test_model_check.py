"""Any order of events: the store against a model of what the table of moves promises."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from django_jobs.models import Job
from django_jobs.outcome import Outcome
from django_jobs.states import RETRYABLE, WAITING, Status
from django_jobs.stores.base import Store
from django_jobs.stores.records import ClaimedJob
from tests.factories import JobFactory
from tests.scenes import claim, finish, from_now, let_lease_expire

STEPS = 60
CRASH_LIMIT = 3


@dataclass
class Model:
    """What one job should look like."""

    status: Status = Status.PENDING
    lease: int = 0
    failures: int = 0
    crashes: int = 0
    cancel_requested: bool = False
    #: Everybody who ever held it, the stale ones too.
    holders: list[ClaimedJob] = field(default_factory=list)

    def move(self, status: Status) -> None:
        self.status = status
        if status != Status.RUNNING:
            self.cancel_requested = False


class World:
    """A store, the model of its jobs, and the events that may happen."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)
        self.models: dict[UUID, Model] = {}

    def step(self) -> None:
        events = [self.enqueue, self.claim, self.claim, self.finish, self.finish, self.lose]
        events += [self.promote, self.cancel, self.retry, self.discard, self.run_now]
        self.random.choice(events)()

    def some(self) -> UUID | None:
        return self.random.choice(sorted(self.models)) if self.models else None

    def enqueue(self) -> None:
        job = JobFactory.build()
        self.store.enqueue([job])
        self.models[job.pk] = Model()

    def claim(self) -> None:
        limit = self.random.randint(1, 3)
        pending = [job for job, model in self.models.items() if model.status == Status.PENDING]
        claimed = claim(limit)
        assert len(claimed) == min(limit, len(pending))
        for job in claimed:
            model = self.models[job.id]
            assert model.status == Status.PENDING
            model.move(Status.RUNNING)
            model.lease += 1
            model.holders.append(job)
            assert job.lease == model.lease

    def finish(self) -> None:
        held = [model for model in self.models.values() if model.holders]
        if not held:
            return
        model = self.random.choice(held)
        holder = self.random.choice(model.holders)
        outcome = self.random.choice(
            [
                Outcome.complete(1),
                Outcome.retry(60, "x"),
                Outcome.fail("x", "x"),
                Outcome.snooze(60, None, ""),
                Outcome.discard("x"),
                Outcome.cancel("x"),
                Outcome.release("x"),
            ]
        )
        valid = model.status == Status.RUNNING and holder.lease == model.lease
        assert finish(holder, outcome) == valid
        if valid:
            goes_back = outcome.status in WAITING
            cancelled = goes_back and model.cancel_requested
            model.failures += outcome.failed
            model.move(Status.CANCELLED if cancelled else outcome.status)

    def lose(self) -> None:
        """A holder dies: its lease runs out and the job is taken away."""
        job = self.some()
        if job is None or self.models[job].status != Status.RUNNING:
            assert self.store.rescue(10) == []
            return
        let_lease_expire(job)
        model = self.models[job]
        model.crashes += 1
        if model.cancel_requested:
            expected = Status.CANCELLED
        else:
            expected = Status.FAILED if model.crashes >= CRASH_LIMIT else Status.RETRYING
        assert [one.status for one in self.store.rescue(10)] == [expected]
        model.move(expected)

    def promote(self) -> None:
        Job.objects.delayed().update(scheduled_for=from_now(seconds=-1))
        delayed = [
            model
            for model in self.models.values()
            if model.status in (Status.SCHEDULED, Status.RETRYING)
        ]
        assert self.store.promote(100) == len(delayed)
        for model in delayed:
            model.move(Status.PENDING)

    def operate(self, verb: str, allowed: frozenset[Status], after: Status) -> None:
        job = self.some()
        if job is None:
            return
        model = self.models[job]
        moved = getattr(self.store, verb)([job], "operator", "")
        assert bool(moved.done) == (model.status in allowed)
        if verb == "cancel" and model.status == Status.RUNNING:
            model.cancel_requested = True
        elif moved.done:
            model.move(after)
            if verb == "retry":
                model.failures = model.crashes = 0

    def cancel(self) -> None:
        self.operate("cancel", WAITING | {Status.RUNNING}, Status.CANCELLED)

    def retry(self) -> None:
        self.operate("retry", RETRYABLE, Status.PENDING)

    def discard(self) -> None:
        self.operate("discard", WAITING | {Status.FAILED}, Status.DISCARDED)

    def run_now(self) -> None:
        self.operate("run_now", frozenset({Status.SCHEDULED, Status.RETRYING}), Status.PENDING)

    def compare(self) -> None:
        for job in Job.objects.all():
            model = self.models[job.pk]
            assert (job.status, job.lease, job.attempt_count) == (
                model.status,
                model.lease,
                model.lease,
            )
            assert (job.failure_count, job.crash_count) == (model.failures, model.crashes)
            assert (job.cancel_requested_at is not None) == model.cancel_requested
            assert (job.worker_expires_at is not None) == (job.status == Status.RUNNING)
            assert (job.completed_at is not None) == job.is_finished


@pytest.mark.parametrize("seed", range(12))
def test_any_order_of_events(store: Store, seed: int) -> None:
    world = World(store, seed)
    for _ in range(STEPS):
        world.step()
        world.compare()
    assert Job.objects.count() == len(world.models)
