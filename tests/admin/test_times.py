"""Times are told both ways: when it was, and how long ago that is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client, override_settings
from django.utils import timezone
from django.utils.translation import override

from django_jobs.admin.shared import shown
from django_jobs.states import Status
from tests.admin.failing import make_group
from tests.admin.pages import list_of, page_of
from tests.factories import CronJobFactory, JobFactory, QueueFactory, ago, ahead

#: A time, and beside it its age.
BOTH = r"<time [^>]+>{}</time> <span class=\"jobs-age\">{}</span>"


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Whatever the latest page of another test spoke."""
    with override("en"):
        yield


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(), "now"),
        (timedelta(seconds=40), "40 s ago"),
        (timedelta(minutes=3, seconds=50), "3 min ago"),
        (timedelta(hours=5, minutes=10), "5 h ago"),
        (timedelta(days=3, hours=2), "3 days ago"),
        (-timedelta(minutes=3, seconds=50), "in 3 min"),
        (-timedelta(days=3, hours=2), "in 3 days"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(length: timedelta, said: str) -> None:
    assert shown.age(timezone.now() - length) == said


def test_an_age_is_declined() -> None:
    with override("de"):
        assert shown.age(ago(days=3)) == "vor 3 Tagen"
        assert shown.age(ago(minutes=3, seconds=1)) == "vor 3 min"


@override_settings(TIME_ZONE="UTC")
def test_a_short_time_has_its_date_unless_it_is_of_today() -> None:
    long_ago = shown.moment_and_age(ago(days=3), short=True)
    assert re.match(BOTH.format(r"(\d{4}-)?\d\d-\d\d [\d:]{8}", "3 days ago"), long_ago)
    assert re.match(BOTH.format(r"[\d:]{8}", "now"), shown.moment_and_age(ago(), short=True))
    assert shown.moment_and_age(None) == shown.NOTHING


def test_pages_tell_how_long_ago_it_was(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.FAILED, completed_at=ago(minutes=3, seconds=5))
    group = make_group(last_seen_at=ago(minutes=4, seconds=5))
    queue = QueueFactory(
        name="mail", paused_at=ago(minutes=6, seconds=5), paused_until=ahead(minutes=9, seconds=5)
    )
    schedule = CronJobFactory(next_run_at=ahead(minutes=7, seconds=5))
    for url, said in (
        (page_of(job), "3 min ago"),
        (list_of("failuregroup"), "4 min ago"),
        (page_of(group), "4 min ago"),
        (page_of(queue), "6 min ago"),
        (list_of("queue"), "in 9 min"),
        (list_of("cronjob"), "in 7 min"),
    ):
        page = boss.get(url).content.decode()
        assert re.search(BOTH.format("[^<]+", said), page), url
        assert "django_jobs/age.js" in page, url
    assert page_of(schedule) in page


def test_a_length_breaks_between_its_units_only() -> None:
    assert shown.duration(timedelta(minutes=28, seconds=41)) == "28\xa0min 41\xa0s"


def test_the_list_of_jobs_that_ended_tells_when(any_status: None, boss: Client) -> None:
    JobFactory(
        status=Status.FAILED, scheduled_for=ago(hours=5), completed_at=ago(minutes=3, seconds=5)
    )
    failed = boss.get(f"{list_of('job')}?status=failed").content.decode()
    assert re.search(
        r'data-label="Ended" class="field-ended_shortly[^>]+>' + BOTH.format("[^<]+", "3 min ago"),
        failed,
    )
    assert "field-scheduled_shortly" not in failed
    assert "field-scheduled_shortly" in boss.get(list_of("job")).content.decode()


def test_a_pause_that_nobody_ends_stands_out(any_status: None, boss: Client) -> None:
    due = QueueFactory(name="due", paused_at=ago(hours=1), paused_until=ago(minutes=5))
    QueueFactory(name="paused", paused_at=ago(hours=1), paused_until=ahead(minutes=5))
    for url in (list_of("queue"), page_of(due)):
        assert "overdue: no worker resumes it" in boss.get(url).content.decode()
    due.delete()
    assert "overdue" not in boss.get(list_of("queue")).content.decode()


def test_numbers_are_grouped_as_the_reader_does() -> None:
    with override("de"):
        assert shown.number(1234) == "1.234"
        assert shown.duration(timedelta(seconds=2.4)) == "2,4\xa0s"
    assert shown.number(1234) == "1,234"
    assert shown.duration(timedelta(seconds=2.4)) == "2.4\xa0s"
