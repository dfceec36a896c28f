"""``jobs_doctor``: the table, the document, the exit code."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tests.commands.conftest import Manage
from tests.factories import JobFactory, WorkerFactory, WorkerProcessFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def healthy() -> None:
    worker = WorkerFactory(queues={"default": 1}, state="running")
    WorkerProcessFactory(worker=worker)


@pytest.mark.usefixtures("healthy")
def test_a_healthy_site(manage: Manage) -> None:
    outcome = manage("jobs_doctor")
    assert outcome.code == 0, outcome.out
    lines = outcome.out.splitlines()
    assert lines[0].split()[:3] == ["ok", "system", "checks"]
    assert {line.split()[0] for line in lines if line.strip()} <= {
        "ok",
        "warn",
        "n.a.",
        "→",
        "Problems:",
    }
    assert "Problems: none, " in lines[-1]


@pytest.mark.usefixtures("healthy")
def test_a_problem_is_exit_code_1_and_comes_with_its_fix(manage: Manage) -> None:
    JobFactory(queue="reports")
    outcome = manage("jobs_doctor")
    assert outcome.code == 1
    row, fix = outcome.out.split("problem ")[1].splitlines()[:2]
    assert row.split()[:2] == ["unserved", "queues"]
    assert row.endswith("jobs are due that no live worker serves: reports")
    assert fix.strip().startswith("→ Start a worker for it")
    assert "Problems: 1, " in outcome.err


@pytest.mark.usefixtures("healthy")
def test_the_document(manage: Manage) -> None:
    JobFactory(queue="reports")
    outcome = manage("jobs_doctor", "--json")
    assert outcome.code == 1
    document = outcome.document
    assert document["problems"] == 1
    (problem,) = [one for one in document["findings"] if one["condition"] == "problem"]
    assert problem["check"] == "unserved queues"
    assert set(problem) == {"check", "condition", "found", "fix"}


def test_bad_settings_and_old_tables_do_not_keep_it_from_telling(
    manage: Manage, settings: Any
) -> None:
    settings.DJANGO_JOBS = {"LEASES": 1}
    MigrationRecorder(connection).record_unapplied("django_jobs", "0002_lean_indexes")
    outcome = manage("jobs_doctor")
    assert outcome.code == 1
    assert "E001 LEASES" in outcome.out
    assert "not applied: 0002_lean_indexes" in outcome.out


def test_what_others_named_cannot_act_on_the_terminal(manage: Manage) -> None:
    JobFactory(job_name="\x1b[31mred", queue="\x1b]0;x")
    outcome = manage("jobs_doctor")
    assert "\x1b" not in outcome.out
    assert "\\x1b[31mred" in outcome.out
