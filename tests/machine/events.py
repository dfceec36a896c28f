"""Everything that may happen to jobs, in any order: the store must do what the book expects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from django_jobs.conf import config
from django_jobs.exceptions import DuplicateJob, InvalidSchedule
from django_jobs.models import Job
from django_jobs.outcome import Outcome
from django_jobs.states import DELAYED, RETRYABLE, TERMINAL, WAITING, Status
from django_jobs.stores.base import Store
from django_jobs.stores.records import (
    ClaimedJob,
    ClaimRequest,
    Finish,
    LogLine,
    Moved,
    Report,
    Rescued,
)
from tests.factories import JobFactory, ago, ahead
from tests.machine.agreement import Agreement
from tests.machine.book import Book, Entry
from tests.scenes import fresh, holder, let_expire, let_lease_expire, make_due

#: Small alphabets, so that events meet each other.
QUEUES: Final = ("default", "reports")
NAMES: Final = ("tests.add", "tests.fail")
PROCESSES: Final = tuple(UUID(int=number) for number in (1, 2))
KEYS: Final = (None, None, "k", "K")
EVER: Final = -3600.0

queues = st.sampled_from(QUEUES)
processes = st.sampled_from(PROCESSES)
limits = st.sampled_from([1, 2, 100])
outcomes = st.sampled_from(
    [
        Outcome.complete(None),
        Outcome.complete({"a": 1}),
        Outcome.retry(60, "error", "reason"),
        Outcome.retry(0, "error"),
        Outcome.fail("error", "reason"),
        Outcome(Status.RETRYING, error="its own process died", delay=60, crashed=True),
        Outcome.snooze(60, None, ""),
        Outcome.discard("reason"),
        Outcome.cancel("reason"),
        Outcome.release("reason"),
    ]
)
news = st.sampled_from([None, (None, "", 1), (40, "some of it", 0), (70, "most of it", 2)])
births = st.fixed_dictionaries(
    {
        "queue": queues,
        "job_name": st.sampled_from(NAMES),
        "priority": st.sampled_from([0, 0, -5, 5]),
        "status": st.sampled_from([Status.PENDING, Status.PENDING, Status.SCHEDULED]),
        "expires": st.booleans(),
    }
)

#: A list drawn from a bundle that is empty would end the example.
some_born = precondition(lambda machine: machine.has_jobs)
some_held = precondition(lambda machine: machine.has_holders)


def report_on(job: ClaimedJob, told: tuple[int | None, str, int] | None) -> Report | None:
    if told is None:
        return None
    percent, message, lines = told
    line = LogLine(job.attempt, datetime.now(UTC), "info", "a line", {})
    return Report(job.id, job.lease, percent, message, [line] * lines)


class StoreMachine(RuleBasedStateMachine):
    """A machine has a store, the book of what its jobs should be, and the rules below."""

    jobs = Bundle("jobs")
    #: Everybody who ever held a lease: most of them are stale.
    holders = Bundle("holders")

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._undo = transaction.atomic()
        self._undo.__enter__()
        self.store = store
        self.book = Book()
        self.agreement = Agreement(store, self.book)
        #: All who ever held a job, the latest last.
        self.claims: dict[UUID, list[ClaimedJob]] = defaultdict(list)
        self.has_jobs = self.has_holders = False

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._undo.__exit__(None, None, None)

    @invariant()
    def book_and_rows_agree(self) -> None:
        self.agreement.check()

    # Producers

    @initialize(target=jobs, births=st.lists(births, min_size=2, max_size=4))
    def begin(self, births: list[dict[str, Any]]) -> Any:
        return self._enqueue(births, None)

    @rule(target=jobs, births=st.lists(births, min_size=1, max_size=3), key=st.sampled_from(KEYS))
    def enqueue(self, births: list[dict[str, Any]], key: str | None) -> Any:
        return self._enqueue(births, key)

    def _enqueue(self, births: list[dict[str, Any]], key: str | None) -> Any:
        rows = [self._row(birth) for birth in births]
        rows[0].unique_key = key
        if self._refused_as_duplicate(key, lambda: self.store.enqueue(rows)):
            return multiple()
        self.has_jobs = True
        return multiple(*[self._enter(row).id for row in rows])

    @rule(target=jobs, births=st.lists(births, min_size=1, max_size=2), key=st.sampled_from(KEYS))
    def adopt(self, births: list[dict[str, Any]], key: str | None) -> Any:
        """Jobs come home from the enqueue buffer, and come a second time."""
        rows = [self._row(birth) for birth in births]
        rows[0].unique_key = key
        for row in rows:
            row.created_at = ago()
            if row.status == Status.PENDING:
                row.scheduled_for = row.created_at
        if self._refused_as_duplicate(key, lambda: self._adopt(rows)):
            return multiple()
        self.has_jobs = True
        return multiple(*[self._enter(row).id for row in rows])

    def _adopt(self, rows: Sequence[Job]) -> None:
        assert [row.id for row in self.store.adopt(rows)] == [row.id for row in rows]
        assert self.store.adopt(rows) == []

    @rule(target=holders, birth=births, key=st.sampled_from(KEYS), too_late=st.booleans())
    def start(self, birth: dict[str, Any], key: str | None, too_late: bool) -> Any:
        """What ``now()`` does: no worker process holds this job."""
        row = self._row(birth)
        row.unique_key = key
        held: list[ClaimedJob] = []
        if too_late:
            row.expires_at = ahead(seconds=-60)
            if self.book.holder_of(key) is None:
                with pytest.raises(InvalidSchedule):
                    self._start(row)  # and leaves nothing behind: the invariant sees to it
        elif not self._refused_as_duplicate(key, lambda: held.append(self._start(row))):
            self._taken(held, [self._enter(row)], None)
        return multiple(*held)

    def _start(self, row: Job) -> ClaimedJob:
        return self.store.start(row, holder(process=None, lease=600))

    def _row(self, birth: dict[str, Any]) -> Job:
        options = dict(birth)
        if options.pop("expires"):
            options["expires_at"] = ahead(hours=1)
        if options["status"] == Status.SCHEDULED:
            options["scheduled_for"] = ahead(hours=1)
        return JobFactory.build(**options)

    def _refused_as_duplicate(self, key: str | None, enqueue: Callable[[], None]) -> bool:
        winner = self.book.holder_of(key)
        if winner is None:
            enqueue()
            return False
        with pytest.raises(DuplicateJob) as caught:
            enqueue()
        assert caught.value.job_id == winner.id
        return True

    def _enter(self, row: Job) -> Entry:
        entry = Entry(
            row.id,
            row.queue,
            row.job_name,
            row.priority,
            Status(row.status),
            row.unique_key,
        )
        self.book.entries[row.id] = entry
        return entry

    # Taking leases and keeping them

    @rule(
        target=holders,
        limits=st.dictionaries(queues, st.integers(0, 3), min_size=1),
        names=st.sampled_from([NAMES, NAMES, NAMES[:1]]),
        process=processes,
    )
    def claim_some(self, limits: dict[str, int], names: Collection[str], process: UUID) -> Any:
        return self._claim(limits, names, process)

    @rule(target=holders, process=processes)
    def claim_all(self, process: UUID) -> Any:
        return self._claim(dict.fromkeys(QUEUES, 10), NAMES, process)

    @rule(target=holders, process=processes, heir=processes)
    def take_over(self, process: UUID, heir: UUID) -> Any:
        """A process stands still, and its jobs run elsewhere."""
        self.leases_run_out(process)
        self.rescue(100)
        self.an_hour_passes()
        self.promote_and_expire(100)
        return self.claim_all(heir)

    @rule(target=holders, job=jobs, process=st.sampled_from([*PROCESSES, None]))
    def claim_by_id(self, job: UUID, process: UUID | None) -> Any:
        is_claimable = self.book.is_claimable_by_id(job)
        claimed = self.store.claim_job(job, holder(process))
        assert (claimed is not None) == is_claimable
        if claimed is None:
            return multiple()
        self._taken([claimed], [self.book.entries[job]], process)
        return claimed

    def _claim(self, limits: dict[str, int], names: Collection[str], process: UUID) -> Any:
        expected = {
            queue: self.agreement.in_claim_order(self.book.claimable(queue, names))[:limit]
            for queue, limit in limits.items()
        }
        claimed = self.store.claim(ClaimRequest(limits, names, holder(process)))
        by_queue: dict[str, list[ClaimedJob]] = defaultdict(list)
        for job in claimed:
            by_queue[job.queue].append(job)
        for queue, entries in expected.items():
            self._taken(by_queue.pop(queue, []), entries, process)
        assert not by_queue, "claimed from a queue that was not asked for"
        return multiple(*claimed)

    def _taken(
        self, claimed: Sequence[ClaimedJob], expected: Sequence[Entry], process: UUID | None
    ) -> None:
        assert [job.id for job in claimed] == [entry.id for entry in expected]
        for job, entry in zip(claimed, expected, strict=True):
            entry.take(process)
            assert (job.lease, job.attempt) == (entry.lease, entry.claims)
            assert (job.job_name, job.queue) == (entry.job_name, entry.queue)
            assert (job.failure_count, job.crash_count) == (entry.failures, entry.crashes)
            self.claims[job.id].append(job)
            self.has_holders = True

    @rule(chosen=st.sets(processes, min_size=1))
    def renew(self, chosen: set[UUID]) -> None:
        held = [entry for process in chosen for entry in self.book.held_by(process)]
        assert self.store.renew(chosen, 60.0) == len(held)
        for entry in held:
            entry.is_overdue = False

    @rule(process=processes)
    def ask(self, process: UUID) -> None:
        told = {
            (one.job_id, one.lease, one.cancel_requested) for one in self.store.held_by(process)
        }
        held = self.book.held_by(process)
        assert told == {(entry.id, entry.lease, entry.cancel_requested) for entry in held}
        known = self.store.claimed_by(process, list(self.book.entries))
        assert {(one.id, one.lease, one.attempt) for one in known} == {
            (entry.id, entry.lease, entry.claims) for entry in held
        }
        for entry in held:
            assert self.store.is_cancel_requested(entry.id) == entry.cancel_requested
        for queue in QUEUES:
            assert self.store.count_by_state(queue) == self.book.counts(queue)

    # Ends of attempts, by current holders and by stale ones

    @some_held
    @rule(
        ends=st.lists(
            st.tuples(holders, outcomes, news),
            min_size=1,
            max_size=3,
            unique_by=lambda end: (end[0].id, end[0].lease),
        )
    )
    def anybody_finishes(self, ends: list[tuple[ClaimedJob, Outcome, Any]]) -> None:
        self._finish(ends)

    @rule(process=processes, outcome=outcomes, told=news, asked=st.booleans())
    def a_process_finishes_all(
        self, process: UUID, outcome: Outcome, told: Any, asked: bool
    ) -> None:
        held = [self.claims[entry.id][-1] for entry in self.book.held_by(process)]
        if asked:
            self.operate("cancel", [job.id for job in held])
        self._finish([(job, outcome, told) for job in held])

    def _finish(self, ends: list[tuple[ClaimedJob, Outcome, Any]]) -> None:
        finishes = [
            Finish(job, outcome, "worker:test", report_on(job, told)) for job, outcome, told in ends
        ]
        for finish, written in zip(finishes, self.store.finish(finishes), strict=True):
            job = finish.job
            assert (written is not None) == self.book.is_held(job.id, job.lease)
            if written is not None:
                expected = self.book.entries[job.id].end(finish.outcome, finish.report)
                assert written.status == expected
                self._ended(job.id, job.lease)

    def _ended(self, job: UUID, lease: int) -> None:
        assert (job, lease) not in self.book.ended
        self.book.ended.add((job, lease))

    @rule(job=holders, told=news)
    def report(self, job: ClaimedJob, told: Any) -> None:
        report = report_on(job, told or (10, "a little", 1))
        assert report is not None
        self.store.report([report])
        if self.book.is_held(job.id, job.lease):
            self.book.entries[job.id].hear(report)

    @rule(outcome=outcomes)
    def the_stale_ones_wake_up(self, outcome: Outcome) -> None:
        """Everybody who lost a job that runs elsewhere now has something to say, and may not."""
        stale = [
            job
            for running in self.book.in_status({Status.RUNNING})
            for job in self.claims[running.id][:-1]
        ]
        for job in stale:
            self.report(job, (99, "stale", 1))
        # Without a report, so that stores with a fast way go it.
        self._finish([(job, outcome, None) for job in stale])

    # Time

    @rule(job=jobs)
    def its_life_is_over(self, job: UUID) -> None:
        if entry := self.book.entries.get(job):
            let_expire(fresh(job))
            entry.is_late = True

    @rule()
    def an_hour_passes(self) -> None:
        """What was put off is due now."""
        for entry in self.book.in_status(DELAYED):
            make_due(fresh(entry.id))
            entry.is_due = True

    @rule(process=st.sampled_from([*PROCESSES, None]))
    def leases_run_out(self, process: UUID | None) -> None:
        """A process died, or stands still."""
        for entry in self.book.held_by(process):
            let_lease_expire(entry.id)
            entry.is_overdue = True

    # Services

    @rule(limit=limits)
    def promote_and_expire(self, limit: int) -> None:
        self._swept(self.book.due(), Status.PENDING, self.store.promote(limit), limit)
        self._swept(self.book.late(), Status.EXPIRED, self.store.expire(limit), limit)

    def _swept(self, candidates: Sequence[Entry], to: Status, count: int, limit: int) -> None:
        """Which of them were moved is the store's choice, how many is not."""
        ids = [entry.id for entry in candidates]
        moved = set(Job.objects.filter(pk__in=ids, status=to).values_list("pk", flat=True))
        assert count == len(moved) == min(limit, len(candidates))
        self.book.move(moved, WAITING, to)

    @rule(limit=limits)
    def rescue(self, limit: int) -> None:
        overdue = {entry.id for entry in self.book.overdue()}
        rescued = self.store.rescue(limit)
        assert len(rescued) == min(limit, len(overdue))
        assert {one.id for one in rescued} <= overdue
        self._lost(rescued)

    @some_born
    @rule(process=processes, running=st.sets(jobs, max_size=3))
    def rescue_process(self, process: UUID, running: set[UUID]) -> None:
        held = self.book.held_by(process)
        crashed = {entry.id for entry in held if entry.id in running or entry.cancel_requested}
        rescued = self.store.rescue_process(process, running)
        assert {one.id for one in rescued} == crashed
        self._lost(rescued)
        for entry in self.book.held_by(process):
            entry.move(Status.PENDING)

    def _lost(self, rescued: Sequence[Rescued]) -> None:
        for one in rescued:
            entry = self.book.entries[one.id]
            lease = entry.lease
            assert one.status == entry.lose(config.CRASH_LIMIT)
            assert (one.crash_count, one.attempt) == (entry.crashes, entry.claims)
            self._ended(one.id, lease)

    @rule(status=st.sampled_from(sorted(TERMINAL)), limit=limits)
    def delete_finished(self, status: Status, limit: int) -> None:
        old = self.book.in_status({status})
        count = self.store.delete_finished(status, EVER, limit)
        kept = set(Job.objects.filter(status=status).values_list("pk", flat=True))
        gone = [entry for entry in old if entry.id not in kept]
        assert count == len(gone) == min(limit, len(old))
        for entry in gone:
            self.book.forget(entry)
        self.agreement.check_that_history_goes_along()

    # Operators

    @some_born
    @rule(
        verb=st.sampled_from(["retry", "cancel", "discard", "run_now"]),
        ids=st.lists(jobs, min_size=1, max_size=3, unique=True),
    )
    def operate(self, verb: str, ids: list[UUID]) -> None:
        done: set[UUID] = getattr(self.book, verb)(ids)
        moved: Moved = getattr(self.store, verb)(ids, "operator", "why")
        assert set(moved.done) == done
        assert moved.skipped.keys() == set(ids) - done

    @rule()
    def retry_all(self) -> None:
        self.operate("retry", [entry.id for entry in self.book.in_status(RETRYABLE)])

    @rule(queue=queues)
    def pause_or_resume(self, queue: str) -> None:
        is_paused = queue in self.book.paused
        assert self.store.is_paused(queue) == is_paused
        assert self.store.resume(queue) == is_paused
        assert self.store.pause(queue, "operator", "")
        assert not self.store.pause(queue, "operator", "")
        if is_paused:
            assert self.store.resume(queue)
        self.book.paused ^= {queue}
