"""The list of failures by kind and their page: what is seen and what can be done."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_jobs import failures
from django_jobs.models import (
    FailureCount,
    FailureGroup,
    FailureRetry,
    FailureState,
    Job,
    JobAudit,
    RetryEnd,
)
from django_jobs.services.failure_retry import advance
from django_jobs.states import Status
from tests.admin.conftest import LogIn
from tests.admin.failing import listed, make_group, press
from tests.admin.pages import list_of, page_of, told
from tests.factories import ago, failed_job

pytestmark = pytest.mark.django_db


# The list


def test_the_list_shows_what_is_open(boss: Client) -> None:
    groups = {
        state: make_group(number, state=state) for number, state in enumerate(FailureState.values)
    }
    for query, states in (
        ({}, {"new", "ongoing", "regressed"}),
        ({"state": "all"}, set(FailureState.values)),
        *(({"state": state}, {state}) for state in FailureState.values),
    ):
        assert {one.pk for one in listed(boss, **query)} == {groups[state].pk for state in states}
    tabs = boss.get(list_of("failuregroup")).context["cl"].tabs
    assert {tab["value"]: tab["count"] for tab in tabs} == {
        "open": 3,
        "all": 5,
        **dict.fromkeys(FailureState.values, 1),
    }


def test_a_row_tells_how_often_and_how_many_jobs_wait(boss: Client, group: FailureGroup) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    FailureCount.objects.create(fingerprint=group.pk, hour=hour, count=3)
    FailureCount.objects.create(fingerprint=group.pk, hour=hour - timedelta(hours=50), count=4)
    failed_job(fingerprint=group.pk)
    page = boss.get(list_of("failuregroup")).content.decode()
    for text in ("tests.<wbr>pay", "shop.bank.charge", "&lt;b&gt;money", "3 times in 24 hours"):
        assert text in page
    assert f"?q=failure%3A%22{group.pk}%22&amp;status=failed" in page
    week = boss.get(list_of("failuregroup"), {"period": "7d"}).content.decode()
    assert "7 times in 168 hours" in week


def test_numbers_by_age_lead_to_the_very_jobs(
    any_status: None, boss: Client, group: FailureGroup
) -> None:
    for hours in (0.5, 3, 4, 50, 400):
        failed_job(fingerprint=group.pk, completed_at=ago(hours=hours))
    text = boss.get(list_of("failuregroup")).content.decode()
    cells = re.findall(r'field-failed_\w+"[^>]*><a href="([^"]+)">(\d+)</a>', text)
    assert [number for _url, number in cells] == ["1", "3", "4", "5"]
    for url, number in cells:
        assert len(boss.get(unescape(url)).context["cl"].result_list) == int(number)


def test_a_kind_without_failed_jobs_leads_nowhere(boss: Client, group: FailureGroup) -> None:
    text = boss.get(list_of("failuregroup")).content.decode()
    assert re.findall(r'field-failed_\w+"[^>]*><span class="jobs-quiet">(\d+)<', text) == ["0"] * 4


@pytest.mark.parametrize(
    "query",
    [{"state": "odd"}, {"state": "a\0"}, {"period": "9y"}, {"p": "99"}, {"o": "-9.x"}],
    ids=str,
)
def test_odd_requests_are_answered(
    boss: Client, group: FailureGroup, query: dict[str, str]
) -> None:
    response = boss.get(list_of("failuregroup"), query, follow=True)
    assert response.status_code == 200


def test_searching(boss: Client, log_in: LogIn) -> None:
    mine = make_group(1, job_name="tests.add", message="secret word")
    make_group(2)
    assert [one.pk for one in listed(boss, q="tests.add")] == [mine.pk]
    assert [one.pk for one in listed(boss, q="secret")] == [mine.pk]
    assert listed(log_in("view_job"), q="secret") == [], "who may not read it can't guess it"


# What can be done


def test_resolving_in_a_release(boss: Client, group: FailureGroup) -> None:
    response = press(boss, group, "resolve", release=" 2026.11 ", reason="fixed the feed")
    assert told(response) == ["Resolved in release 2026.11."]
    group.refresh_from_db()
    assert (group.state, group.resolved_by) == (FailureState.RESOLVED, "boss")
    assert (group.resolved_in_release, group.note) == ("2026.11", "fixed the feed")
    entry = JobAudit.objects.get()
    assert (entry.actor, entry.source, entry.target) == ("boss", "admin", group.pk)
    assert LogEntry.objects.get().object_id == group.pk
    page = boss.get(page_of(group))
    assert "2026.11" in page.content.decode()
    assert "resolve" not in {button.name for button in page.context["jobs_buttons"]}


@pytest.mark.parametrize(
    ("length", "hours"), [("1h", 1), ("1d", 24), ("7d", 168), ("30d", 720), ("ever", None)]
)
def test_muting(boss: Client, group: FailureGroup, length: str, hours: int | None) -> None:
    press(boss, group, "mute", **{"for": length})
    group.refresh_from_db()
    assert group.state == FailureState.MUTED
    if hours is None:
        assert group.muted_until is None
    else:
        left = group.muted_until - timezone.now()
        assert left.total_seconds() == pytest.approx(hours * 3600, abs=60)
    assert "boss" in boss.get(page_of(group)).content.decode()


@pytest.mark.parametrize("length", ["", "99d", "\0", "1h\0"])
def test_muting_for_nonsense(boss: Client, group: FailureGroup, length: str) -> None:
    response = press(boss, group, "mute", **{"for": length})
    assert told(response) == ["Mute for: 1h, 1d, 7d, 30d, ever."]
    group.refresh_from_db()
    assert group.state == FailureState.NEW


def test_reopening(boss: Client, group: FailureGroup) -> None:
    failures.resolve(group)
    press(boss, group, "reopen", reason="a\0b")
    group.refresh_from_db()
    assert group.state == FailureState.ONGOING


def test_a_canary(boss: Client, group: FailureGroup) -> None:
    letters = [failed_job(fingerprint=group.pk, completed_at=ago(hours=1)) for _ in range(3)]
    assert "a worker makes its steps" in told(press(boss, group, "canary"))[0]
    retry = FailureRetry.objects.get()
    assert (retry.asked_by, retry.total) == ("boss", 3)
    advance(retry.pk)
    page = boss.get(page_of(group))
    assert "1 of 3 jobs retried, waiting for 1 job to end well." in page.content.decode()
    assert page_of(group, "live") in page.content.decode()
    assert "under way already" in told(press(boss, group, "canary"))[0]
    assert FailureRetry.objects.count() == 1

    live = boss.get(page_of(group, "live")).content.decode()
    assert "data-finished" not in live
    FailureRetry.objects.update(
        end=RetryEnd.FAILED_ALIKE, culprit=letters[0].pk, ended_at=timezone.now()
    )
    live = boss.get(page_of(group, "live")).content.decode()
    assert "data-finished" in live
    assert "a retried job failed the same way" in live
    assert str(letters[0].pk) in live


def test_a_drip_can_be_stopped(boss: Client, group: FailureGroup) -> None:
    failed_job(fingerprint=group.pk)
    press(boss, group, "drip", per_minute="30", reason="slowly")
    retry = FailureRetry.objects.get()
    assert (retry.per_minute, retry.pace) == (30, "drip")
    assert told(press(boss, group, "stop"))[-1] == "No more jobs of this failure are retried."
    assert told(press(boss, group, "stop"))[-1] == "No retry was under way."
    assert Job.objects.get(pk=retry.job_id).status == Status.CANCELLED
    assert "stopped by an operator" in boss.get(page_of(group)).content.decode()


@pytest.mark.parametrize("number", ["", "0", "-1", "1.5", "6001", "9" * 30, "٣", "x", "1\0"])
def test_a_drip_of_nonsense(boss: Client, group: FailureGroup, number: str) -> None:
    response = press(boss, group, "drip", per_minute=number)
    assert told(response) == ["Jobs per minute: a whole number from 1 to 6000."]
    assert not FailureRetry.objects.exists()


def test_the_limit_of_a_drip_is_a_number_for_browsers(
    boss: Client, group: FailureGroup, settings: Any
) -> None:
    """“6.000” would be six: no browser would send 60."""
    settings.USE_THOUSAND_SEPARATOR = True
    failed_job(fingerprint=group.pk)
    page = boss.get(page_of(group), headers={"accept-language": "de"}).content.decode()
    assert 'name="per_minute" min="1" max="6000" value="60"' in page


def test_discarding_needs_to_be_sure(boss: Client, group: FailureGroup) -> None:
    job = failed_job(fingerprint=group.pk)
    other = failed_job()
    assert told(press(boss, group, "discard")) == ["Discard all: tick that you are sure."]
    assert Job.objects.failed().count() == 2
    assert told(press(boss, group, "discard", sure="yes"))[-1] == "1 job done."
    assert Job.objects.get(pk=job.pk).status == Status.DISCARDED
    assert Job.objects.get(pk=other.pk).status == Status.FAILED


# The page


def test_the_page_lists_the_latest_jobs(boss: Client, group: FailureGroup) -> None:
    letters = [
        failed_job(fingerprint=group.pk, completed_at=ago(minutes=n), error=f"Error {n}")
        for n in range(25)
    ]
    page = boss.get(page_of(group)).content.decode()
    assert page.count("<code>0") >= 20
    assert str(letters[0].pk) in page
    assert str(letters[20].pk) not in page
    assert "Error 0" in page
    assert "All failed jobs of this kind" in page


def test_the_page_shows_releases_as_they_were_stored(boss: Client) -> None:
    group = make_group(
        releases=[
            {"release": "1.<i>", "first": "2026-11-01T00:00:00+00:00", "last": "x", "count": 2},
            "nonsense",
            {},
        ]
    )
    page = boss.get(page_of(group)).content.decode()
    assert "1.&lt;i&gt;" in page
    assert "2026-11-01" in page


@pytest.mark.parametrize("key", ["nobody", "a\0", "../x"])
def test_unknown_groups_have_no_page(boss: Client, key: str) -> None:
    group = FailureGroup(fingerprint=key)
    assert boss.get(page_of(group)).status_code in (302, 404)
    assert boss.get(page_of(group, "live")).status_code == 404


def test_all_is_escaped(boss: Client) -> None:
    evil = '"><script>alert(1)</script>'
    group = make_group(
        exception_type=evil, frame=evil, message=evil, note=evil, resolved_in_release=evil
    )
    failed_job(fingerprint=group.pk, error=evil)
    for url in (list_of("failuregroup"), page_of(group)):
        assert "<script>alert" not in boss.get(url).content.decode()


# The filter of the job list


def test_the_job_list_by_fingerprint(boss: Client, group: FailureGroup) -> None:
    mine = failed_job(fingerprint=group.pk)
    failed_job()
    page = boss.get(page_of(group)).content.decode()
    (link,) = set(re.findall(r'href="([^"]*q=failure[^"]*)"', page))
    found = boss.get(link.replace("&amp;", "&")).context["cl"]
    assert [job.pk for job in found.result_list] == [mine.pk]
    assert not found.is_windowed
    anywhere = boss.get(list_of("job"), {"q": f"failure:{group.pk}"}).context["cl"]
    assert [job.pk for job in anywhere.result_list] == [mine.pk]


# Cost


def own_queries(captured: CaptureQueriesContext) -> list[str]:
    return [
        query["sql"]
        for query in captured.captured_queries
        if "django_jobs_" in query["sql"] and not query["sql"].startswith("EXPLAIN")
    ]


def test_pages_ask_few_questions_however_much_there_is(boss: Client, group: FailureGroup) -> None:
    for number in range(2, 30):
        make_group(number)
        failed_job(fingerprint=group.pk)
    failures.retry_as_canary(group)
    for url in (list_of("failuregroup"), page_of(group)):
        boss.get(url)
        with CaptureQueriesContext(connection) as captured:
            boss.get(url)
        asked = own_queries(captured)
        assert len(asked) <= 8, asked
        assert not [
            sql
            for sql in asked
            if "COUNT" in sql and 'FROM "django_jobs_job" ' in sql and "LIMIT" not in sql
        ], asked
