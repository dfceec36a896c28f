"""The audit: whoever changes something leaves a trace, and nothing else does."""

from __future__ import annotations

import pytest

from django_jobs import operations
from django_jobs.auditing import audit, through
from django_jobs.models import AuditAction, AuditSource, JobAudit, Queue
from django_jobs.services.cleanup import clean_up
from django_jobs.states import Status
from tests.factories import CronJobFactory, JobFactory, WorkerFactory, ago

pytestmark = pytest.mark.usefixtures("any_status")


def test_one_entry_tells_of_many_jobs() -> None:
    failed = JobFactory.create_batch(3, status=Status.FAILED)
    done = JobFactory(status=Status.COMPLETED)
    with through(AuditSource.ADMIN):
        operations.retry([*failed, done], by="ann", reason="the bank is back")
    entry = JobAudit.objects.get()
    assert (entry.actor, entry.source, entry.action) == ("ann", "admin", "retry")
    assert (entry.reason, entry.count, entry.target) == ("the bank is back", 3, "")
    assert sorted(entry.details["ids"]) == sorted(str(job.pk) for job in failed)
    assert entry.details["skipped"] == 1


def test_of_one_job_the_entry_names_it() -> None:
    job = JobFactory()
    operations.cancel(job, by="ann")
    entry = JobAudit.objects.get()
    assert (entry.target, entry.source, entry.count) == (str(job.pk), "code", 1)


def test_what_was_skipped_altogether_leaves_no_entry() -> None:
    operations.retry(JobFactory(), by="ann")
    operations.resume_queue("default", by="ann")
    operations.set_desired_state("nobody", "stop", by="ann")
    assert not JobAudit.objects.exists()


def test_queues_workers_and_schedules() -> None:
    worker, schedule = WorkerFactory(), CronJobFactory()
    operations.pause_queue("default", by="ann", reason="disk\0full")
    operations.resume_queue("default", by="bob")
    operations.set_desired_state(worker.name, "drain", by="ann", reason="deploy")
    operations.enqueue_cron_job(schedule, by="ann")
    told = JobAudit.objects.order_by("id").values_list("action", "target", "actor", "reason")
    assert [(action, target, actor) for action, target, actor, _ in told] == [
        ("pause", "default", "ann"),
        ("resume", "default", "bob"),
        ("tell_worker", worker.name, "ann"),
        ("run_cron", schedule.name, "ann"),
    ]
    assert "\0" not in told[0][3]


def test_a_change_and_its_entry_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no audit, no change")

    monkeypatch.setattr("django_jobs.queue_operations.audit", refuse)
    with pytest.raises(RuntimeError):
        operations.pause_queue("default", by="ann")
    assert not Queue.objects.filter(paused_at__isnull=False).exists()


def test_entries_are_kept_for_a_year() -> None:
    old = audit(AuditAction.DELETE, by="ann")
    JobAudit.objects.filter(pk=old.pk).update(at=ago(days=366))
    kept = audit(AuditAction.DELETE, by="ann")
    clean_up()
    assert list(JobAudit.objects.all()) == [kept]
