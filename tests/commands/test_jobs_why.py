"""``jobs_why``."""

from __future__ import annotations

import pytest

from django_jobs import operations
from django_jobs.ids import uuid7
from tests.commands.conftest import Manage
from tests.factories import JobFactory

pytestmark = pytest.mark.django_db


def test_it_says_why(manage: Manage) -> None:
    job = JobFactory(queue="reports")
    operations.pause_queue("reports", by="ada", reason="the printer burns")
    outcome = manage("jobs_why", str(job.pk))
    assert outcome.code == 0
    first, second, *_ = outcome.out.splitlines()
    assert first == f"tests.add ({job.pk}): pending"
    assert "ada" in second
    assert "the printer burns" in second


def test_as_json(manage: Manage) -> None:
    job = JobFactory()
    found = manage("jobs_why", str(job.pk), "--json").document
    assert found["claimable"] is True
    assert [reason["code"] for reason in found["reasons"]] == ["no_worker"]
    assert (found["id"], found["status"]) == (str(job.pk), "pending")


def test_a_job_that_is_not_there(manage: Manage) -> None:
    outcome = manage("jobs_why", str(uuid7()))
    assert outcome.code == 1
    assert "no job" in outcome.err


def test_a_name_is_no_id(manage: Manage) -> None:
    outcome = manage("jobs_why", "tests.add")
    assert outcome.code == 2
    assert "not the id of a job" in outcome.err
