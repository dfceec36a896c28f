"""The audit: every act of an operator leaves an entry, which everybody allowed can find again."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_jobs import failures, operations
from django_jobs.admin import audit as page
from django_jobs.auditing import audit
from django_jobs.models import AuditAction, AuditSource, JobAudit, Queue
from django_jobs.services.cron import fire_due_crons
from tests.admin.conftest import LogIn
from tests.admin.failing import make_group
from tests.admin.pages import act, list_of, page_of
from tests.factories import CronJobFactory, JobFactory, WorkerFactory, ago, failed_job


def listed(client: Client, **query: str) -> list[JobAudit]:
    return list(client.get(list_of("jobaudit"), query).context["cl"].result_list)


def test_every_act_in_the_admin_says_so(boss: Client) -> None:
    job, worker, cron_job = failed_job(), WorkerFactory(), CronJobFactory(enabled=True)
    boss.post(page_of(job, "press"), {"button": "retry", "reason": "fixed"})
    act(boss, "queue", "pause", ["default"])
    boss.post(page_of(worker, "press"), {"button": "drain", "reason": "upgrade"})
    boss.post(page_of(cron_job, "press"), {"button": "enqueue_now"})
    act(boss, "cronjob", "disable", [cron_job])
    entries = listed(boss)
    assert [entry.action for entry in reversed(entries)] == [
        AuditAction.RETRY,
        AuditAction.PAUSE,
        AuditAction.TELL_WORKER,
        AuditAction.RUN_CRON,
        AuditAction.CHANGE_CRON,
    ]
    assert {(entry.source, entry.actor) for entry in entries} == {(AuditSource.ADMIN, "boss")}
    told = next(entry for entry in entries if entry.action == AuditAction.TELL_WORKER)
    assert (told.target, told.reason) == (worker.name, "upgrade")


def test_commands_say_so_too(db: None) -> None:
    call_command("jobs_pause", "reports")
    assert JobAudit.objects.get().source == AuditSource.COMMAND


def test_what_the_clock_does_is_no_act_of_an_operator(db: None) -> None:
    CronJobFactory()
    assert fire_due_crons() == 1
    assert not JobAudit.objects.exists()


def test_an_entry_leads_to_what_it_is_about(boss: Client) -> None:
    operations.pause_queue("reports", by="ann", reason="the <b>feed</b> is down")
    text = boss.get(list_of("jobaudit")).content.decode()
    assert page_of(Queue(name="reports")) in text
    assert "&lt;b&gt;feed" in text
    assert "&lt;b&gt;feed" in boss.get(page_of(JobAudit.objects.get())).content.decode()


def test_entries_are_found_by_who_what_and_when(boss: Client) -> None:
    audit(AuditAction.PAUSE, by="ann", target="reports")
    audit(AuditAction.LIMIT, by="bob", target="reports")
    audit(AuditAction.PAUSE, by="bob", target="mails")
    JobAudit.objects.filter(target="mails").update(at=ago(days=20))
    found = {
        "actor": listed(boss, actor="bob"),
        "target": listed(boss, q="reports"),
        "who": listed(boss, q="ann"),
        "action": listed(boss, action__exact="pause"),
        "source": listed(boss, source__exact="admin"),
        "week": listed(boss, when="7"),
        "month": listed(boss, when="30"),
    }
    assert {name: len(entries) for name, entries in found.items()} == {
        "actor": 2,
        "target": 2,
        "who": 1,
        "action": 2,
        "source": 0,
        "week": 2,
        "month": 3,
    }


@pytest.mark.parametrize(
    "query", [{"when": "x"}, {"at__gte": "x"}, {"details": "1"}, {"actor": "\0"}]
)
def test_bad_filters_are_no_error(boss: Client, query: dict[str, str]) -> None:
    audit(AuditAction.PAUSE, by="ann", target="reports")
    assert boss.get(list_of("jobaudit"), query, follow=True).status_code == 200


def test_nobody_writes_it(boss: Client) -> None:
    audit(AuditAction.PAUSE, by="ann", target="reports")
    entry = JobAudit.objects.get()
    assert boss.get(f"{list_of('jobaudit')}add/").status_code == 403
    assert boss.post(page_of(entry), {"actor": "x"}).status_code == 403
    assert boss.post(page_of(entry, "delete"), {"post": "yes"}).status_code == 403
    act(boss, "jobaudit", "delete_selected", [entry], post="yes")
    assert JobAudit.objects.get().actor == "ann"


def test_it_needs_its_own_permission(log_in: LogIn) -> None:
    assert log_in("view_job").get(list_of("jobaudit")).status_code == 403
    assert log_in("view_job", "view_jobaudit").get(list_of("jobaudit")).status_code == 200


def test_the_number_of_queries_does_not_grow_and_nothing_big_is_counted(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "LIST_MAX", 5)
    JobFactory()
    for _ in range(20):
        audit(AuditAction.PAUSE, by="ann", target="reports")
    with CaptureQueriesContext(connection) as captured:
        response = boss.get(list_of("jobaudit"), {"actor": "ann"})
    assert "there may be more" in response.content.decode()
    assert len(captured) <= 8, [one["sql"] for one in captured]
    counts = [one["sql"] for one in captured if "COUNT(" in one["sql"]]
    assert all("LIMIT" in sql for sql in counts), counts


def test_an_entry_leads_to_the_failure_that_it_is_about(boss: Client) -> None:
    group = make_group()
    failures.mute(group, by="ann")
    assert f'href="{page_of(group)}"' in boss.get(list_of("jobaudit")).content.decode()
    (entry,) = listed(boss)
    audit(AuditAction.RETRY, by="ann", target=group.pk, count=1)
    text = boss.get(page_of(JobAudit.objects.exclude(pk=entry.pk).get())).content.decode()
    assert f'href="{page_of(group)}"' in text
