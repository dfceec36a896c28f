"""A secret goes through everything that can happen to a job, and is nowhere to be read."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from django_jobs import operations
from django_jobs.models import CronJob, Job, JobLog, JobTransition
from django_jobs.sensitive import HIDDEN
from django_jobs.states import Status
from tests.admin.pages import act, list_of, page_of
from tests.factories import ago
from tests.harness.workers import StartWorker
from tests.jobs import pay, pay_apart

#: As nasty as a secret can be: quotes, an escape, an umlaut, two lines.
CARD = "HEADCANARY'\"\\ü /&\nTAILCANARY"
#: Another one, with a number and a key that a default pattern knows.
NESTED = {"number": 4111222233334444, "more": [{"year": 20312031}]}
TRACES = ("HEADCANARY", "TAILCANARY", "4111222233334444", "20312031")

#: The only columns that may hold it.
KEPT = {(Job, "params"), (Job, "result"), (CronJob, "params")}

HOWS = (
    "",
    "progress",
    "log",
    "raise",
    "chain",
    "group",
    "retry",
    "snooze",
    "discard",
    "cancel",
    "unserialisable",
)
#: In a process of its own.
APART = ("raise", "group", "log", "progress")


def found_in(text: str) -> list[str]:
    return [trace for trace in TRACES if trace in text]


@pytest.fixture
def told(worker_process: StartWorker) -> str:
    """What a worker says, as loud as it can, while the jobs run; and a schedule enqueues one."""
    for card in (CARD, NESTED):
        pay.later_many([{"card": card, "region": "CA", "how": how} for how in HOWS])
        pay_apart.later_many([{"card": card, "how": how} for how in APART])
    CronJob.objects.create(
        name="tests.pay",
        job_name="tests.pay",
        params={"card": CARD, "how": "raise"},
        cron_expression="0 0 1 1 *",
        next_run_at=ago(seconds=1),
    )
    # One that can't run: its parameters are of no use.
    CronJob.objects.create(
        name="tests.bad",
        job_name="tests.pay",
        params={"card": CARD, "region": 5},
        cron_expression="nonsense",
        next_run_at=ago(seconds=1),
    )
    worker = worker_process("--drain", "-v", "3")
    assert worker.wait(60) == 0, worker.output
    return worker.output


def test_a_secret_is_nowhere_to_be_read(told: str, capsys: pytest.CaptureFixture[str]) -> None:
    ended = Job.objects.exclude(status=Status.SCHEDULED)
    assert ended.count() == 2 * (len(HOWS) + len(APART)) + 1 - 2, "all ran"
    assert JobTransition.objects.exclude(error="").count() >= 2 * 5
    assert JobLog.objects.count() == 4

    assert "gave up" in told
    assert HIDDEN in told
    assert "'tests.bad' can't run" in told or "'tests.bad' can't be read" in told
    assert not found_in(told), told

    _operate()
    assert not _columns_with_traces()
    _read_all_pages()
    capsys.readouterr()
    assert not found_in(_output_of_commands(capsys))


def _operate() -> None:
    """As an operator does, so that the admin's own log has entries too."""
    client = _boss()
    failed = list(Job.objects.filter(status=Status.FAILED)[:2])
    act(client, "job", "retry", failed)
    client.post(page_of(failed[0], "press"), {"button": "discard", "reason": "enough"})
    act(client, "cronjob", "disable", CronJob.objects.all())
    act(client, "cronjob", "enqueue_now", CronJob.objects.all())
    act(client, "job", "delete_selected", failed[1:], confirmed="yes")
    operations.cancel(Job.objects.filter(status=Status.SCHEDULED), by="ada")
    assert LogEntry.objects.count() >= 5


def _boss() -> Client:
    client = Client()
    client.force_login(
        User.objects.get_or_create(username="boss", is_staff=True, is_superuser=True)[0]
    )
    return client


def _columns_with_traces() -> list[str]:
    """Every column of every table of ours, and of the admin's log, that tells a secret."""
    models: list[Any] = [*apps.get_app_config("django_jobs").get_models(), LogEntry]
    return [
        f"{model.__name__}.{field.name}: {row.pk}"
        for model in models
        for row in model._default_manager.all()
        for field in model._meta.concrete_fields
        if (model, field.name) not in KEPT and found_in(str(getattr(row, field.attname)))
    ]


def _read_all_pages() -> None:
    client = _boss()
    urls = [list_of(model) for model in ("job", "cronjob", "queue", "worker")]
    urls += [f"{list_of('job')}?status={status}" for status in Status.values]
    urls.append(reverse("admin:index"))
    for job in Job.objects.all():
        urls += [page_of(job, page) for page in ("change", "live", "history", "delete")]
    for cron_job in CronJob.objects.all():
        urls += [page_of(cron_job, page) for page in ("change", "history", "delete")]
    hidden = 0
    for url in urls:
        text = client.get(url).content.decode()
        hidden += HIDDEN in text
        assert not found_in(text), url
    assert hidden > Job.objects.count(), "masked on every page of a job"
    for trace in TRACES:
        assert client.get(list_of("job"), {"q": trace}).context["cl"].result_count == 0


def _output_of_commands(capsys: pytest.CaptureFixture[str]) -> str:
    for command in ("jobs_list", "jobs_stats"):
        call_command(command)
        call_command(command, "--json")
    text = capsys.readouterr().out
    assert HIDDEN in text, "the errors are listed"
    assert "tests.pay" in text
    return text
