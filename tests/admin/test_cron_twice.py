"""A schedule is enqueued as often as somebody asks for it, however often the same page is sent."""

from __future__ import annotations

import re
from functools import partial

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from django_jobs.models import Job, JobAudit
from tests.admin.conftest import LogIn
from tests.admin.pages import act, list_of, page_of, told, twin
from tests.factories import CronJobFactory
from tests.harness.at_once import AtOnce


def ticket_on(client: Client, url: str) -> str:
    """That of a page, as a browser sends it."""
    (value,) = re.findall(r'name="jobs_once" value="([^"]+)"', client.get(url).content.decode())
    return str(value)


def test_a_second_click_enqueues_nothing(boss: Client) -> None:
    row = CronJobFactory(job_name="tests.add", params={"a": 3})
    sent = {"button": "enqueue_now", "jobs_once": ticket_on(boss, page_of(row))}
    answers = [boss.post(page_of(row, "press"), sent) for _ in range(2)]
    assert "sent before" in told(answers[1])[-1]
    assert JobAudit.objects.get().count == LogEntry.objects.count() == Job.objects.count() == 1
    sent["jobs_once"] = ticket_on(boss, page_of(row))
    boss.post(page_of(row, "press"), sent)
    assert Job.objects.count() == 2


def test_a_second_click_in_the_list_enqueues_nothing(boss: Client) -> None:
    rows = [CronJobFactory(job_name="tests.do_nothing") for _ in range(3)]
    ticket = ticket_on(boss, list_of("cronjob"))
    for chosen in (rows[:2], rows[:2], rows[1:]):
        act(boss, "cronjob", "enqueue_now", chosen, jobs_once=ticket)
    assert Job.objects.count() == JobAudit.objects.count() == LogEntry.objects.count() == 3


def test_a_ticket_of_somebody_else_enqueues_nothing(boss: Client, log_in: LogIn) -> None:
    row = CronJobFactory(job_name="tests.do_nothing")
    sent = {"button": "enqueue_now", "jobs_once": ticket_on(boss, page_of(row))}
    answer = log_in("view_cronjob", "manage_cron").post(page_of(row, "press"), sent)
    assert "too old" in told(answer)[0]
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_enqueue_once(boss: Client, at_once: AtOnce) -> None:
    row = CronJobFactory(job_name="tests.do_nothing")
    sent = {"button": "enqueue_now", "jobs_once": ticket_on(boss, page_of(row))}
    answers = at_once(*[partial(twin(boss).post, page_of(row, "press"), sent) for _ in range(2)])
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Job.objects.count() == JobAudit.objects.count() == LogEntry.objects.count() == 1
