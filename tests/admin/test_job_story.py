"""The page of a job: its course, why it waits, its family, and who had a hand in it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_jobs import operations
from django_jobs.admin.jobs import lineage as job_lineage
from django_jobs.admin.jobs import page as job_page
from django_jobs.admin.jobs.phases import PHASES_MAX, phases_of
from django_jobs.ids import uuid7
from django_jobs.models import CronSlot, Job, JobLog, JobTransition, SlotOutcome
from django_jobs.states import Status
from tests import jobs
from tests.admin.conftest import LogIn
from tests.admin.pages import list_of, page_of
from tests.factories import (
    CronJobFactory,
    JobFactory,
    QueueFactory,
    TransitionFactory,
    WorkerFactory,
    WorkerProcessFactory,
    ago,
)

#: Session, user, and the savepoint of the change view with its release.
FOREIGN = ("django_session", "auth_user", "SAVEPOINT")


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, response
    return response.content.decode()


def part_of(client: Client, job: Job, part: str) -> str:
    """The text of one part of the page, without markup; the live view shows the same."""
    found = []
    for page in ("change", "live"):
        text = text_of(client, page_of(job, page))
        match = re.search(rf'<section id="jobs-{part}".*?</section>', text, re.DOTALL)
        assert match is not None
        found.append(" ".join(re.sub(r"<[^>]+>", " ", match[0]).split()))
    # But for the time that has passed between them.
    assert len({re.sub(r"\d+(\.\d+)?( seconds?| m?s)?", "", text) for text in found}) == 1
    return found[0]


# Why


def test_the_page_says_why_it_waits(boss: Client) -> None:
    job = JobFactory(queue="reports")
    operations.pause_queue("reports", by="ada", reason="the printer burns")
    why = part_of(boss, job, "why")
    assert "Why is it not running?" in why
    assert "by ada: the printer burns" in why
    text = text_of(boss, page_of(job))
    assert 'href="/admin/django_jobs/queue/reports/change/"' in text
    assert 'href="/admin/django_jobs/worker/"' in text


def test_links_are_for_those_who_may_follow_them(log_in: LogIn) -> None:
    job = JobFactory(queue="reports")
    operations.pause_queue("reports")
    text = text_of(log_in("view_job"), page_of(job))
    assert "is paused" in text
    assert "/django_jobs/queue/" not in text


def test_the_place_in_line_leads_to_the_line(boss: Client) -> None:
    worker = WorkerFactory(queues={"default": 1}, state="running")
    WorkerProcessFactory(worker=worker)
    JobFactory()
    job = JobFactory()
    assert "1 job is before it" in part_of(boss, job, "why")
    assert f"{list_of('job')}?queue=default&amp;status=pending" in text_of(boss, page_of(job))


def test_a_job_that_runs_needs_no_reason(any_status: None, boss: Client) -> None:
    process = WorkerProcessFactory(worker=WorkerFactory(queues={"default": 1}))
    job = JobFactory(status=Status.RUNNING, worker_process=process.pk)
    assert part_of(boss, job, "why") == ""
    Job.objects.update(cancel_requested_at=ago(minutes=2))
    assert "asked to stop" in part_of(boss, job, "why")


# Its course


def story(job: Job, *steps: tuple[int, Status]) -> None:
    """Transitions, each so many seconds after the first."""
    start = ago(hours=1)
    before, attempt = "", 0
    for seconds, to in steps:
        attempt += to == Status.RUNNING
        TransitionFactory(
            job=job,
            from_status=before,
            to_status=to,
            attempt=attempt,
            at=start + timedelta(seconds=seconds),
        )
        before = to


def test_the_course_of_a_job_has_lengths(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.COMPLETED, attempt_count=2)
    story(
        job,
        (0, Status.SCHEDULED),
        (60, Status.PENDING),
        (62, Status.RUNNING),
        (92, Status.RETRYING),
        (152, Status.PENDING),
        (153, Status.RUNNING),
        (273, Status.COMPLETED),
    )
    course = part_of(boss, job, "phases")
    wanted = (
        "scheduled 1 min 0 s waited 2.0 s ran 30 s waited to retry 1 min 0 s waited 1.0 s "
        "ran (attempt 2) 2 min 0 s completed"
    )
    assert course == wanted
    drawn = text_of(boss, page_of(job)).count("<rect")
    assert drawn == 6


def test_the_bar_is_filled_and_nothing_in_it_is_invisible(any_status: None) -> None:
    job = JobFactory(status=Status.RUNNING)
    story(job, (0, Status.PENDING), (0, Status.RUNNING), (3000, Status.PENDING))
    moves = list(JobTransition.objects.order_by("id"))
    course = phases_of(job, moves, timezone.now())
    assert sum(phase.width for phase in course.drawn) == pytest.approx(1000, abs=0.5)
    assert min(phase.width for phase in course.drawn) > 10
    assert [phase.is_now for phase in course.phases] == [False, False, True]


def test_a_long_course_is_cut(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.RETRYING, attempt_count=20)
    steps = [(one * 10, status) for one in range(20) for status in (Status.RUNNING, "retrying")]
    story(job, *steps)
    course = part_of(boss, job, "phases")
    assert course.startswith("Course" if "Course" in course else "earlier steps")
    assert course.count("retry") == PHASES_MAX // 2


def test_without_transitions_the_row_tells_its_course(any_status: None, boss: Client) -> None:
    job = JobFactory(
        status=Status.FAILED,
        scheduled_for=ago(minutes=10),
        worker_started_at=ago(minutes=9),
        completed_at=ago(minutes=4),
    )
    assert re.fullmatch(r"waited 1 min \d s ran 5 min \d s failed", part_of(boss, job, "phases"))
    assert part_of(boss, JobFactory(), "phases").startswith("waiting")
    assert part_of(boss, JobFactory(status=Status.EXPIRED), "phases") == "expired"


# How much longer


@pytest.mark.parametrize(
    ("progress", "ran", "left"),
    [
        (50, 60, 60),
        (5, 10, 190),
        (4, 60, None),
        (50, 1, None),
        (100, 60, None),
        (0, 60, None),
        (5, 86_400, None),
    ],
)
def test_the_time_left_is_estimated_when_it_can_be(
    any_status: None, progress: int, ran: int, left: int | None
) -> None:
    job = JobFactory(status=Status.RUNNING, progress=progress, worker_started_at=ago(seconds=ran))
    found = job_page.time_left(job)
    assert (found is None) == (left is None)
    if found is not None:
        assert found.total_seconds() == pytest.approx(left, rel=0.05)


def test_it_is_on_the_page(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.RUNNING, progress=50, worker_started_at=ago(minutes=10))
    assert "Ready in about 10 min" in part_of(boss, job, "summary")


# Its family


def test_parent_and_children_are_links(any_status: None, boss: Client) -> None:
    parent = JobFactory(job_name="tests.parent", attempt_count=1, status=Status.COMPLETED)
    job = JobFactory(parent_id=parent.pk, attempt_count=1, correlation_id=str(parent.pk))
    child = JobFactory(job_name="tests.child", parent_id=job.pk, status=Status.FAILED)
    family = part_of(boss, job, "lineage")
    assert "tests.parent completed → this job → tests.child failed" in family
    text = text_of(boss, page_of(job))
    assert f"{list_of('job')}?q=correlation%3A%22{parent.pk}%22" in text
    for relative in (parent, child):
        assert f'href="{page_of(relative)}"' in text


def test_a_deleted_parent_is_named_all_the_same(boss: Client) -> None:
    missing = uuid7()
    assert f"{missing} (deleted)" in part_of(boss, JobFactory(parent_id=missing), "lineage")


def test_many_children_are_cut(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_lineage, "CHILDREN_MAX", 2)
    job = JobFactory(attempt_count=1)
    JobFactory.create_batch(3, job_name="tests.child", parent_id=job.pk)
    family = part_of(boss, job, "lineage")
    assert family.count("tests.child") == 2
    assert "there are more" in family


def test_its_schedule_comes_first(boss: Client) -> None:
    cron_job = CronJobFactory(job_name="tests.add", name="nightly")
    job = JobFactory(tags=["cron"])
    CronSlot.objects.create(
        cron_job=cron_job, slot_at=ago(minutes=1), outcome=SlotOutcome.FIRED, job_id=job.pk
    )
    assert "nightly (schedule) → this job" in part_of(boss, job, "lineage")


def test_a_job_without_family_has_no_section(boss: Client) -> None:
    assert part_of(boss, JobFactory(), "lineage") == ""


def test_its_subject_is_a_link_for_those_who_may_see_it(boss: Client, log_in: LogIn) -> None:
    group = Group.objects.create(name="crew")
    job = jobs.add.using(subject=group).later(1)
    address = f'href="/admin/auth/group/{group.pk}/change/"'
    assert address in text_of(boss, page_of(job))
    text = text_of(log_in("view_job"), page_of(job))
    assert f"group {group.pk}" in text
    assert address not in text


@pytest.mark.parametrize("subject", ["gone.model:1", "nonsense", "auth.group", ":", "<b>.x:1"])
def test_a_subject_that_nobody_knows_is_shown_as_text(boss: Client, subject: str) -> None:
    text = text_of(boss, page_of(JobFactory(subject=subject)))
    assert "It is about" in text
    assert "<b>" not in text


# What people did


def test_the_audit_of_the_job(boss: Client, log_in: LogIn) -> None:
    job = JobFactory()
    operations.cancel(job, by="ada", reason="not today")
    operations.cancel(JobFactory(), by="bob", reason="another one")
    done = part_of(boss, job, "audit")
    assert "cancel ada through code not today" in done
    assert "bob" not in done
    assert part_of(log_in("view_job"), job, "audit") == ""
    assert "ada" in part_of(log_in("view_job", "view_jobaudit"), job, "audit")


# What it costs


def queries_of(client: Client, url: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        text_of(client, url)
    statements = [one["sql"] for one in captured]
    return [sql for sql in statements if not any(name in sql for name in FOREIGN)]


@pytest.mark.parametrize("status", list(Status))
def test_eight_queries_whatever_there_is_to_tell(
    any_status: None, boss: Client, status: Status
) -> None:
    parent = JobFactory(status=Status.COMPLETED)
    cron_job = CronJobFactory(job_name="tests.add")
    process = WorkerProcessFactory(worker=WorkerFactory(queues={"default": 9}, state="running"))
    QueueFactory(name="default")
    JobFactory.create_batch(3)
    job = JobFactory(
        status=status,
        parent_id=parent.pk,
        attempt_count=1,
        tags=["cron"],
        correlation_id="x",
        worker_process=process.pk,
        expires_at=timezone.now() + timedelta(hours=1),
    )
    CronSlot.objects.create(
        cron_job=cron_job, slot_at=ago(minutes=1), outcome=SlotOutcome.FIRED, job_id=job.pk
    )
    JobFactory.create_batch(3, parent_id=job.pk)
    for number in range(5):
        TransitionFactory(job=job, to_status=status, attempt=number, error="Traceback")
        JobLog.objects.create(job=job, attempt=number, at=ago(), level="info", message="x")
    for page in ("change", "live"):
        found = queries_of(boss, page_of(job, page))
        assert len(found) <= 8, found


def test_what_is_shown_is_escaped(any_status: None, boss: Client) -> None:
    nasty = "<img src=x>"
    job = JobFactory(queue="q", subject=nasty, attempt_count=1, parent_id=None)
    QueueFactory(name="q", paused_at=ago(), paused_by=nasty, pause_reason=nasty)
    JobFactory(parent_id=job.pk, job_name=nasty)
    operations.run_now(job)
    text = text_of(boss, page_of(job))
    assert text.count("&lt;img src=x&gt;") >= 4
    assert nasty not in text
