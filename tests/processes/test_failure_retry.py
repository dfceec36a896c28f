"""The worker that retries a group of failures is killed amid a step: nothing is retried twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from django_jobs import failures
from django_jobs.failpoints import VARIABLE
from django_jobs.models import FailureGroup, FailureRetry, Job, JobTransition, RetryEnd
from django_jobs.states import Status
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker
from tests.processes import jobs
from tests.processes.conftest import wait_for_status

COUNT = 15


def test_a_canary_goes_on_where_its_killed_worker_was(
    worker_process: StartWorker, trace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = [jobs.fail_until.later(trace, str(tmp_path / "mended")) for _ in range(COUNT)]
    first = worker_process("--name", "first", LEASE=3, SWEEP_INTERVAL=1)
    wait_until(lambda: Job.objects.failed().count() == COUNT, 60, "all to fail")
    wait_until(lambda: FailureGroup.objects.filter(count=COUNT).exists(), 30, "their group")
    first.kill()
    (tmp_path / "mended").touch()

    group = FailureGroup.objects.get()
    retry = failures.retry_as_canary(group, by="eve")
    assert retry is not None
    driver = Job.objects.get(pk=retry.job_id)
    # In its second step: ten jobs are retried, and nothing of it is committed.
    monkeypatch.setenv(VARIABLE, f"failures.retried=kill@2:{tmp_path / 'killed'}")
    worker_process("--name", "second", LEASE=3, SWEEP_INTERVAL=1)
    wait_for_status(driver, Status.COMPLETED, timeout=90)
    wait_until(lambda: Job.objects.completed().count() == COUNT + 1, 60, "all to end well")
    done = FailureRetry.objects.get()
    assert (done.end, done.retried) == (RetryEnd.DONE, COUNT)
    driver.refresh_from_db()
    assert driver.crash_count == 1, "it was killed"
    assert (tmp_path / "killed").exists()
    for job in letters:
        retried = JobTransition.objects.filter(job_id=job.pk, from_status=Status.FAILED)
        assert retried.count() == 1
        job.refresh_from_db()
        assert (job.attempt_count, job.fingerprint) == (2, "")
