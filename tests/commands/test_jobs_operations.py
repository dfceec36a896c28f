"""``jobs_retry``, ``jobs_cancel``, ``jobs_discard``, ``jobs_run_now``."""

from __future__ import annotations

import getpass
from uuid import UUID

import pytest

from django_jobs.management import operating
from django_jobs.models import Job, JobTransition
from django_jobs.states import Status
from tests.commands.conftest import Manage
from tests.factories import JobFactory

pytestmark = pytest.mark.usefixtures("any_status")

COMMANDS = ["jobs_retry", "jobs_cancel", "jobs_discard", "jobs_run_now"]


def status_of(job: Job) -> str:
    return Job.objects.values_list("status", flat=True).get(pk=job.pk)


@pytest.mark.parametrize(
    ("command", "before", "after"),
    [
        ("jobs_retry", Status.FAILED, Status.PENDING),
        ("jobs_retry", Status.CANCELLED, Status.PENDING),
        ("jobs_cancel", Status.PENDING, Status.CANCELLED),
        ("jobs_cancel", Status.RETRYING, Status.CANCELLED),
        ("jobs_discard", Status.FAILED, Status.DISCARDED),
        ("jobs_discard", Status.SCHEDULED, Status.DISCARDED),
        ("jobs_run_now", Status.SCHEDULED, Status.PENDING),
        ("jobs_run_now", Status.RETRYING, Status.PENDING),
    ],
)
def test_by_id(manage: Manage, command: str, before: Status, after: Status) -> None:
    job = JobFactory(status=before)

    outcome = manage(command, str(job.pk))

    assert (outcome.code, outcome.out) == (0, "1 job done.\n")
    assert status_of(job) == after


def test_a_running_job_is_asked_to_stop(manage: Manage) -> None:
    job = JobFactory(status=Status.RUNNING)

    assert manage("jobs_cancel", str(job.pk)).code == 0

    job.refresh_from_db()
    assert job.status == Status.RUNNING
    assert job.cancel_requested_at is not None


def test_who_and_why_are_kept(manage: Manage) -> None:
    job = JobFactory(status=Status.FAILED)

    manage("jobs_retry", str(job.pk), "--reason", "the disk is back")

    transition = JobTransition.objects.filter(job=job).latest("id")
    assert transition.actor == f"operator:cli:{getpass.getuser()}"
    assert transition.reason == "the disk is back"


def test_some_done_some_skipped_is_a_success(manage: Manage) -> None:
    failed, running = JobFactory(status=Status.FAILED), JobFactory(status=Status.RUNNING)
    ids = [str(failed.pk), str(running.pk), str(UUID(int=7))]

    outcome = manage("jobs_retry", *ids)

    assert outcome.code == 0
    assert "1 of 3 jobs done; 2 skipped: no such job, running." in outcome.out
    assert f"{running.pk} skipped: running" in outcome.out


def test_json_tells_every_id(manage: Manage) -> None:
    failed, running = JobFactory(status=Status.FAILED), JobFactory(status=Status.RUNNING)

    document = manage("jobs_retry", str(failed.pk), str(running.pk), "--json").document

    assert document["done"] == [str(failed.pk)]
    assert document["skipped"] == {str(running.pk): "running"}
    assert document["summary"] == "1 of 2 jobs done; 1 skipped: running."


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_nothing_done_is_exit_code_1(manage: Manage, form: list[str]) -> None:
    running = JobFactory(status=Status.RUNNING)

    outcome = manage("jobs_retry", str(running.pk), *form)

    assert outcome.code == 1
    assert outcome.err == "Nothing was done."
    assert str(running.pk) in outcome.out


def test_an_id_given_twice_counts_once(manage: Manage) -> None:
    job = JobFactory(status=Status.FAILED)

    assert manage("jobs_retry", str(job.pk), str(job.pk)).out == "1 job done.\n"


def test_many_skipped_ones_are_not_all_listed(manage: Manage) -> None:
    jobs = JobFactory.create_batch(operating.LISTED + 2, status=Status.RUNNING)

    outcome = manage("jobs_retry", *(str(job.pk) for job in jobs))

    assert outcome.out.count("skipped: running\n") == operating.LISTED
    assert "… and 2 more" in outcome.out


# Filters


def test_a_filter_needs_yes(manage: Manage) -> None:
    job = JobFactory(status=Status.FAILED, queue="mails")

    refused = manage("jobs_retry", "--queue", "mails")
    assert (refused.code, status_of(job)) == (2, Status.FAILED)
    assert refused.err == "--yes: needed with filters; matching now: 1."

    assert manage("jobs_retry", "--queue", "mails", "--yes").code == 0
    assert status_of(job) == Status.PENDING


@pytest.mark.parametrize(
    ("command", "untouched"),
    [
        ("jobs_retry", set(Status) - {Status.FAILED}),
        ("jobs_cancel", set(Status) - {Status.PENDING, Status.SCHEDULED, Status.RETRYING}),
        (
            "jobs_discard",
            set(Status) - {Status.PENDING, Status.SCHEDULED, Status.RETRYING, Status.FAILED},
        ),
        ("jobs_run_now", set(Status) - {Status.SCHEDULED, Status.RETRYING}),
    ],
)
def test_filters_are_about_what_the_operation_is_for(
    manage: Manage, command: str, untouched: set[Status]
) -> None:
    jobs = {status: JobFactory(status=status) for status in Status}

    outcome = manage(command, "--name", "tests.add", "--yes")

    assert "skipped" not in outcome.out
    assert {status for status, job in jobs.items() if status_of(job) == status} == untouched


def test_statuses_can_be_chosen(manage: Manage) -> None:
    cancelled, failed = JobFactory(status=Status.CANCELLED), JobFactory(status=Status.FAILED)

    manage("jobs_retry", "--status", "cancelled", "--yes")

    assert (status_of(cancelled), status_of(failed)) == (Status.PENDING, Status.FAILED)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_filter_that_matches_nothing_is_exit_code_1(manage: Manage, command: str) -> None:
    outcome = manage(command, "--queue", "nobody", "--yes", "--json")

    assert outcome.code == 1
    assert outcome.document["done"] == []


# Bad input


@pytest.mark.parametrize("command", COMMANDS)
def test_d110_one_bad_id_and_nothing_is_done(manage: Manage, command: str) -> None:
    jobs = [JobFactory(status=status) for status in (Status.FAILED, Status.SCHEDULED)]

    outcome = manage(command, *(str(job.pk) for job in jobs), "x")

    assert (outcome.code, outcome.out) == (2, "")
    assert "'x' is not the id of a job" in outcome.err
    assert [status_of(job) for job in jobs] == [Status.FAILED, Status.SCHEDULED]


@pytest.mark.parametrize(
    "job_id", ["1", "0", "1;drop", "9" * 31, "", "\x1b[31m", "not-a-uuid", "*", "%s"]
)
def test_ids_are_uuids(manage: Manage, job_id: str) -> None:
    outcome = manage("jobs_retry", job_id)

    assert outcome.code == 2
    assert "is not the id of a job" in outcome.err
    assert "\x1b" not in outcome.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "Give ids of jobs, or filters"),
        (["--yes"], "Give ids of jobs, or filters"),
        ([str(UUID(int=1)), "--queue", "mails", "--yes"], "give ids or filters, not both"),
        (["--status", "completed", "--yes"], "argument --status: invalid choice"),
        (["--status", "running", "--yes"], "argument --status: invalid choice"),
        (["--queue", "no good", "--yes"], "argument --queue"),
        (["--queue", "", "--yes"], "argument --queue"),
    ],
)
def test_d110_a_selection_must_be_clear(
    manage: Manage, arguments: list[str], complaint: str
) -> None:
    outcome = manage("jobs_retry", *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err
