"""``jobs_pause`` and ``jobs_resume``."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from django_jobs.models import Queue
from tests.commands.conftest import Manage

pytestmark = pytest.mark.django_db


def test_pause_tells_who_and_why(manage: Manage) -> None:
    outcome = manage("jobs_pause", "mails", "reports", "--reason", "the server moves")

    assert (outcome.code, outcome.out) == (0, "mails: paused\nreports: paused\n")
    queue = Queue.objects.get(name="mails")
    assert queue.is_paused
    assert queue.pause_reason == "the server moves"
    assert queue.paused_by.endswith(f"cli:{getpass.getuser()}")


def test_resume_takes_it_back(manage: Manage) -> None:
    manage("jobs_pause", "mails")

    assert manage("jobs_resume", "mails").out == "mails: resumed\n"
    assert not Queue.objects.get(name="mails").is_paused


def test_once_more_changes_nothing_and_is_no_error(manage: Manage) -> None:
    manage("jobs_pause", "mails")
    paused = manage("jobs_pause", "mails", "--json")
    resumed = manage("jobs_resume", "mails", "mails", "never-paused", "--json")

    assert paused.document == {"queues": [{"name": "mails", "paused": True, "changed": False}]}
    assert resumed.document == {
        "queues": [
            {"name": "mails", "paused": False, "changed": True},
            {"name": "never-paused", "paused": False, "changed": False},
        ]
    }
    assert manage("jobs_resume", "mails").out == "mails: was not paused\n"


@pytest.mark.parametrize("command", ["jobs_pause", "jobs_resume"])
@pytest.mark.parametrize("name", ["", "ab", "a b", "../x", "x" * 51, "mails\n", "Ｄefault"])
def test_one_bad_name_and_nothing_is_done(manage: Manage, command: str, name: str) -> None:
    outcome = manage(command, "mails", name)

    assert (outcome.code, outcome.out) == (2, "")
    assert "argument QUEUE: queue: 3 to 50 letters" in outcome.err
    assert not Queue.objects.exists()


def test_no_name_is_no_command(manage: Manage) -> None:
    assert manage("jobs_pause").code == 2


def test_a_pause_may_end_by_itself(manage: Manage) -> None:
    assert manage("jobs_pause", "mails", "--for", "90m").out == "mails: paused\n"
    queue = Queue.objects.get()
    assert queue.paused_until is not None
    length = queue.paused_until - timezone.now()
    assert timedelta(minutes=89) < length <= timedelta(minutes=90)
    assert manage("jobs_pause", "mails", "--until", "2030-01-31T08:00:00+01:00").code == 0
    queue.refresh_from_db()
    assert queue.paused_until == datetime(2030, 1, 31, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    "options",
    [
        ("--for", "soon"),
        ("--for", "0s"),
        ("--until", "2001-01-01T00:00:00+00:00"),
        ("--until", "2030-01-31T08:00:00"),
        ("--for", "1h", "--until", "2030-01-31T08:00:00+01:00"),
    ],
)
def test_a_bad_end_pauses_nothing(manage: Manage, options: tuple[str, ...]) -> None:
    assert manage("jobs_pause", "mails", *options).code == 2
    assert not Queue.objects.exists()
