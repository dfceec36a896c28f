"""The catalogue: what it says of each job, and enqueueing from it."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from inspect import signature
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_jobs import stats
from django_jobs.admin.forms import once
from django_jobs.models import AuditAction, AuditSource, Job, JobAudit, JobRollup
from django_jobs.names import INTERNAL
from django_jobs.registry import registry
from django_jobs.states import Status
from testproject.quakes.jobs import import_chunk
from tests.admin import typed_jobs
from tests.admin.conftest import LogIn
from tests.admin.pages import page_of, told, twin
from tests.factories import CronJobFactory, JobFactory
from tests.harness.at_once import AtOnce
from tests.scenes import Configure

LIST = reverse("admin:django_jobs_catalogue")
#: Without the session and the user.
QUERIES_MAX = 8


def page(name: str) -> str:
    return reverse("admin:django_jobs_catalogue_job", args=[name])


def ticket(response: Any) -> str:
    found = re.search(rf'name="{once.FIELD}" value="([^"]+)"', response.content.decode())
    assert found, "the page has no form"
    return found[1]


def enqueue(client: Client, name: str, **typed: str) -> Any:
    """Open the page and send its form."""
    data = {once.FIELD: ticket(client.get(page(name))), **typed}
    return client.post(page(name), data)


def ended(name: str, count: int = 5, outcome: str = Status.COMPLETED) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    JobRollup.objects.create(
        start=hour, job_name=name, queue="default", outcome=outcome, count=count, run_total=1.0
    )


# Looking


def test_the_list_names_every_job(boss: Client) -> None:
    ended("tests.add", 1234)
    ended("tests.add", 7, Status.FAILED)
    CronJobFactory(job_name="tests.do_nothing")
    text = boss.get(LIST).content.decode()
    for name in (one.name for one in registry if one.name not in INTERNAL):
        assert f">{name}</a>" in text
    assert "Add two numbers." in text
    assert "1,241" in text
    assert '<span class="jobs-error">7</span>' in text
    row = text[text.index(">tests.do_nothing</a>") :]
    assert "scheduled" in row[: row.index("</tr>")]


def test_the_list_is_searched_without_scripts(boss: Client) -> None:
    def names(term: str) -> list[str]:
        response = boss.get(LIST, {"q": term})
        return [entry.name for entry in response.context["jobs_entries"]]

    assert names("TWO NUMBERS") == ["tests.add"]
    assert names("tests.older_name") == ["tests.renamed"]
    assert "typed.kinds" in names("reports")
    assert names(" typed.kin ") == ["typed.kinds"]
    for odd in ("%00", "\0", "<script>", "x" * 10_000):
        assert boss.get(LIST, {"q": odd}).status_code == 200
        assert names(odd) == []


def test_the_page_of_a_job_says_everything(boss: Client) -> None:
    ended("typed.kinds", 12)
    schedule = CronJobFactory(job_name="typed.kinds", name="nightly")
    text = boss.get(page("typed.kinds")).content.decode()
    assert "Whatever it is, nothing is done with it." in text
    assert "&lt;b&gt;there&lt;/b&gt;" in text
    assert "<b>there" not in text
    assert "def kinds(\n    whole: int,\n    real: float = …,\n" in text
    assert "tests.admin.typed_jobs.kinds" in text
    assert "0000" not in text, "the default of a secret"
    assert "<strong>reports</strong>" in text
    assert "by the setting MAX_ATTEMPTS" in text
    assert 'aria-label="Attempts that ended in each of the last 24 hours: 12 in all"' in text
    assert page_of(schedule) in text
    assert f"{reverse('admin:django_jobs_job_changelist')}?job=typed.kinds" in text


def test_every_job_that_people_may_enqueue_has_a_page(boss: Client) -> None:
    # Pages of jobs that are called alike differ in words only.
    names = {str(signature(one.function)): one.name for one in registry}.values()
    for name in {*names, *INTERNAL}:
        assert boss.get(page(name)).status_code == (404 if name in INTERNAL else 200), name


def test_a_template_does_not_run_a_job(boss: Client) -> None:
    context = Context({"definition": registry.get("tests.fail")})
    assert Template("{{ definition.name }}").render(context) == "tests.fail"


def test_what_no_job_is_called_is_not_found(boss: Client) -> None:
    for name in ("tests.old_name", "tests.unknown", "x", "%00", "a b"):
        assert boss.get(page(name)).status_code == 404
        assert boss.post(page(name)).status_code == 404
    assert boss.put(page("tests.add")).status_code == 405


def test_a_job_that_cannot_be_enqueued_says_why(boss: Client) -> None:
    response = boss.get(page("typed.unresolvable"))
    assert "NoSuchThing" in response.content.decode()
    assert once.FIELD not in response.content.decode()
    assert boss.post(page("typed.unresolvable")).status_code == 403


def test_pages_ask_the_database_little(boss: Client) -> None:
    for name in ("tests.add", "typed.kinds"):
        ended(name)
        CronJobFactory(job_name=name)
    for url in (LIST, page("typed.kinds")):
        boss.get(url)
        with CaptureQueriesContext(connection) as captured:
            boss.get(url)
        own = [
            one["sql"]
            for one in captured
            if not re.search("django_session|auth_user|SAVEPOINT", one["sql"])
        ]
        assert len(own) <= QUERIES_MAX, own
        assert not [sql for sql in own if 'FROM "django_jobs_job"' in sql]


# Enqueueing


def test_a_form_enqueues_one_job(boss: Client) -> None:
    response = enqueue(
        boss,
        "tests.add",
        **{
            "params-a": "4",
            "options-queue": "reports",
            "options-priority": "-5",
            "options-delay": "600",
            "options-reason": "by hand",
        },
    )
    job = Job.objects.get()
    assert response["Location"] == page_of(job)
    assert told(response) == ["Enqueued. This is the new job."]
    assert (job.job_name, job.params, job.queue, job.priority) == (
        "tests.add",
        {"a": 4},
        "reports",
        -5,
    )
    assert job.status == Status.SCHEDULED
    entry = JobAudit.objects.get()
    assert (entry.action, entry.source, entry.actor) == (
        AuditAction.ENQUEUE,
        AuditSource.ADMIN,
        "boss",
    )
    assert (entry.target, entry.reason, entry.count) == ("tests.add", "by hand", 1)
    assert entry.details == {"ids": [str(job.pk)]}
    assert LogEntry.objects.get().object_id == str(job.pk)


def test_a_form_that_is_sent_twice_enqueues_once(boss: Client) -> None:
    data = {once.FIELD: ticket(boss.get(page("tests.add"))), "params-a": "4"}
    first = boss.post(page("tests.add"), data)
    with connection.cursor() as cursor:  # even when the first one has ended long ago
        cursor.execute("UPDATE django_jobs_job SET priority = 1")
    again = boss.post(page("tests.add"), data)
    assert again["Location"] == first["Location"]
    assert "sent before" in told(again)[-1]
    assert Job.objects.count() == JobAudit.objects.count() == LogEntry.objects.count() == 1
    assert enqueue(boss, "tests.add", **{"params-a": "4"})["Location"] != first["Location"]


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_enqueue_once(boss: Client, at_once: AtOnce) -> None:
    data = {once.FIELD: ticket(boss.get(page("tests.add"))), "params-a": "4"}
    answers = at_once(*[partial(twin(boss).post, page("tests.add"), data) for _ in range(2)])
    assert len({answer["Location"] for answer in answers}) == 1
    assert Job.objects.count() == JobAudit.objects.count() == 1


def test_errors_are_shown_and_nothing_is_written(boss: Client) -> None:
    response = enqueue(
        boss, "tests.add", **{"params-a": "x", "params-b": "<b>", "options-queue": "a b"}
    )
    text = response.content.decode()
    assert response.status_code == 200
    assert "Enter a whole number." in text
    assert "queue: 3 to 50 letters" in text
    assert 'value="&lt;b&gt;"' in text
    assert not Job.objects.exists()
    assert not JobAudit.objects.exists()
    data = {once.FIELD: ticket(response), "params-a": "1"}
    assert boss.post(page("tests.add"), data).status_code == 302


def test_a_ticket_is_good_for_one_user_and_one_job(boss: Client, log_in: LogIn) -> None:
    staff = log_in("view_job", "enqueue_job")
    other = ticket(staff.get(page("tests.add")))
    elsewhere = ticket(boss.get(page("tests.echo")))
    for bad in ("", "x", "\0", other, elsewhere):
        response = boss.post(page("tests.add"), {once.FIELD: bad, "params-a": "1"})
        assert "too old" in response.content.decode()
        fresh = {once.FIELD: ticket(response), "params-a": "1"}
        assert fresh[once.FIELD] != bad
    assert not Job.objects.exists()
    assert boss.post(page("tests.add"), fresh).status_code == 302


def test_an_old_ticket_is_refused(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    data = {once.FIELD: ticket(boss.get(page("tests.add"))), "params-a": "1"}
    monkeypatch.setattr(once, "MAX_AGE", timedelta(seconds=-1))
    assert "too old" in boss.post(page("tests.add"), data).content.decode()
    assert not Job.objects.exists()


def test_who_may_only_look_gets_no_form(log_in: LogIn) -> None:
    client = log_in("view_job")
    response = client.get(page("tests.add"))
    assert response.status_code == 200
    assert '<form method="post" action="/admin/django_jobs' not in response.content.decode()
    assert client.post(page("tests.add"), {"params-a": "1"}).status_code == 403
    assert not Job.objects.exists()


def test_a_permission_to_enqueue_alone_opens_no_page(log_in: LogIn) -> None:
    client = log_in("enqueue_job")
    assert client.get(LIST).status_code == 403
    assert client.get(page("tests.add")).status_code == 403
    assert client.post(page("tests.add"), {"params-a": "1"}).status_code == 403


def only_default(user: Any, permission: str, job_name: str | None, queue: str | None) -> bool:
    return job_name != "tests.echo" and queue in (None, "default")


def test_a_site_may_allow_some_jobs_and_queues_only(log_in: LogIn, configure: Configure) -> None:
    configure(PERMISSION_HOOK=f"{__name__}.only_default")
    client = log_in("view_job", "enqueue_job")
    response = enqueue(client, "tests.add", **{"params-a": "1", "options-queue": "reports"})
    assert "You may not enqueue this job into the queue reports." in response.content.decode()
    assert client.post(page("tests.echo"), {"params-value": "1"}).status_code == 403
    assert not Job.objects.exists()
    assert enqueue(client, "tests.add", **{"params-a": "1"}).status_code == 302


def test_the_statistics_are_those_of_the_last_day(boss: Client) -> None:
    ended("tests.add", 3)
    (times,) = stats.job_times(timezone.now() - timedelta(hours=24))
    assert times.ended == 3
    text = boss.get(page("tests.add")).content.decode()
    assert "<dt>Ended attempts</dt><dd>3</dd>" in text
    # Unlike the overview, which counts jobs that failed for good.
    assert "<dt>Failed attempts</dt>" in text


def test_the_id_of_a_ticket_becomes_that_of_the_job(boss: Client) -> None:
    response = enqueue(boss, "typed.nothing")
    assert UUID(response["Location"].split("/")[-3]) == Job.objects.get().pk
    assert typed_jobs.takes_nothing.name == Job.objects.get().job_name


def test_the_first_line_of_a_docstring_is_words(any_status: None, boss: Client) -> None:
    words = "Import count records of the feed"  # ``count`` in the code
    job = JobFactory(job_name=import_chunk.name)
    for url in (reverse("admin:django_jobs_catalogue"), page_of(job)):
        assert words in boss.get(url).content.decode()
