"""The tests' own ground: what they stand on must hold."""

from __future__ import annotations

import signal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from django_jobs.models import Job
from django_jobs.states import Status
from tests.harness.databases import worst
from tests.harness.environment import url_of_the_test_database
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker


def test_a_missing_side_does_not_hide_the_other() -> None:
    assert worst([0, 5]) == 0
    assert worst([5, 1]) == 1
    assert worst([5, 5]) == 5


def test_waiting_ends_with_a_reason() -> None:
    with pytest.raises(AssertionError, match="the moon not within"):
        wait_until(lambda: 0, timeout=0.01, message="the moon")


@pytest.mark.processes
def test_a_command_works_on_the_test_database(worker_process: StartWorker) -> None:
    code = (
        "from django.contrib.auth.models import Group; Group.objects.create(name='other process')"
    )
    command = worker_process("-c", code, command="shell")
    assert command.wait() == 0, command.output
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM auth_group")
        assert list(cursor.fetchall()) == [("other process",)]


@pytest.mark.processes
def test_no_process_outlives_its_test(worker_process: StartWorker) -> None:
    code = "import os, time; os.fork() or (os.setpgid(0, 0), print('child ready')); time.sleep(60)"
    command = worker_process("-c", code, command="shell")
    wait_until(lambda: "child ready" in command.output, message="a child")
    command.send(signal.SIGKILL)
    command.wait()
    assert command.children(), "the child in a group of its own goes on"
    command.kill()
    assert not command.members()


@pytest.mark.django_db
def test_the_url_names_the_database_in_use() -> None:
    assert str(connection.settings_dict["NAME"]) in url_of_the_test_database()


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Status.PENDING, Status.SCHEDULED])
def test_a_job_is_born_waiting(status: Status) -> None:
    assert Job.objects.create(job_name="any", status=status).status == status


@pytest.mark.django_db
def test_the_database_refuses_an_illegal_birth() -> None:
    with pytest.raises(IntegrityError, match="illegal"), transaction.atomic():
        Job.objects.create(job_name="any", status=Status.RUNNING)


@pytest.mark.django_db
def test_the_database_refuses_an_illegal_move() -> None:
    job = Job.objects.create(job_name="any", status=Status.PENDING)
    with pytest.raises(IntegrityError, match="illegal"), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(status=Status.COMPLETED, completed_at=Now())
    Job.objects.filter(pk=job.pk).update(status=Status.CANCELLED, completed_at=Now())


def test_a_scene_may_have_any_status(any_status: None) -> None:
    job = Job.objects.create(job_name="any", status=Status.FAILED, completed_at=Now())
    assert job.status == Status.FAILED
