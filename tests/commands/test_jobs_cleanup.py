"""``jobs_cleanup``: how old, which, how many, and never two at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_jobs.locks import cluster_lock
from django_jobs.models import Job
from django_jobs.services.cleanup import LOCK
from django_jobs.states import Status
from tests.commands.conftest import Manage
from tests.factories import JobFactory

pytestmark = pytest.mark.usefixtures("any_status")


def ended(status: Status = Status.COMPLETED, **ago: float) -> Any:
    return JobFactory(status=status, completed_at=timezone.now() - timedelta(**ago))


def kept() -> set[Any]:
    return set(Job.objects.values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("age", "left"),
    [("30d", 4), ("12h", 3), ("90m", 2), ("45s", 1), ("1s", 0), ("0s", 0)],
)
def test_only_what_ended_long_enough_ago(manage: Manage, age: str, left: int) -> None:
    for seconds in (30 * 3600, 3 * 3600, 120, 20):
        ended(seconds=seconds)

    outcome = manage("jobs_cleanup", "--older-than", age)

    assert outcome.code == 0
    assert Job.objects.count() == left
    assert f"{4 - left} jobs deleted" in outcome.out


def test_the_configured_retention_is_the_default(manage: Manage, settings: Any) -> None:
    settings.DJANGO_JOBS = {"CLEANUP_RETENTION_DAYS": 10, "CLEANUP_RETENTION": {"failed": 90}}
    ended(days=20)
    failed, young = ended(Status.FAILED, days=20), ended(days=5)

    manage("jobs_cleanup")

    assert kept() == {failed.pk, young.pk}


def test_live_jobs_stay(manage: Manage) -> None:
    live = {JobFactory(status=status).pk for status in ("pending", "running", "scheduled")}

    manage("jobs_cleanup", "--older-than", "0s")

    assert kept() == live


def test_only_these_statuses(manage: Manage) -> None:
    failed = ended(Status.FAILED, days=40)
    ended(Status.COMPLETED, days=40)
    ended(Status.CANCELLED, days=40)

    outcome = manage("jobs_cleanup", "--status", "completed", "--status", "cancelled", "--json")

    assert kept() == {failed.pk}
    assert outcome.document["jobs"] == {"cancelled": 1, "completed": 1}
    assert (outcome.document["total_jobs"], outcome.document["complete"]) == (2, True)


def test_a_dry_run_counts_and_deletes_nothing(manage: Manage) -> None:
    jobs = {ended(days=40).pk, ended(Status.FAILED, days=40).pk}

    outcome = manage("jobs_cleanup", "--dry-run", "--json")

    assert kept() == jobs
    assert outcome.document["dry_run"] is True
    assert outcome.document["total_jobs"] == 2
    assert "2 jobs would be deleted." in manage("jobs_cleanup", "--dry-run").out


def test_without_a_limit_all_batches_are_deleted(manage: Manage) -> None:
    for _ in range(5):
        ended(days=40)

    assert "5 jobs deleted" in manage("jobs_cleanup", "--batch-size", "2").out
    assert not kept()


def test_a_limit_of_batches_leaves_the_rest(manage: Manage) -> None:
    for _ in range(5):
        ended(days=40)

    outcome = manage("jobs_cleanup", "--batch-size", "2", "--max-batches", "1")

    assert outcome.code == 0
    assert len(kept()) == 3
    assert "More is left: --max-batches was reached." in outcome.out


def test_two_cleanups_never_overlap(manage: Manage) -> None:
    job = ended(days=40)

    with cluster_lock(LOCK):
        outcome = manage("jobs_cleanup")
        document = manage("jobs_cleanup", "--json").document

    assert (outcome.code, outcome.out) == (0, "Another cleanup is running; nothing was done.\n")
    assert document["skipped"] is True
    assert kept() == {job.pk}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--older-than", "30"], "argument --older-than: '30' is not a number with a unit"),
        (["--older-than=-1d"], "argument --older-than"),
        (["--older-than", "nan"], "argument --older-than"),
        (["--older-than", "40000d"], "at most 36500d"),
        (["--status", "running"], "argument --status: invalid choice: 'running' (choose from"),
        (["--batch-size", "0"], "an integer from 1 to 100000"),
        (["--batch-size", "1e3"], "argument --batch-size"),
        (["--max-batches", "0"], "argument --max-batches: '0' is not a whole number from 1"),
        (["--max-batches=-1"], "argument --max-batches"),
    ],
)
def test_bad_options_delete_nothing(manage: Manage, arguments: list[str], complaint: str) -> None:
    job = ended(days=40)

    outcome = manage("jobs_cleanup", *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err
    assert kept() == {job.pk}
