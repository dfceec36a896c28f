"""Schedules in code become rows when a worker starts; operators own the switch."""

from __future__ import annotations

from typing import Any

import pytest

from django_jobs import cron
from django_jobs.models import CronJob
from django_jobs.schedules import schedules
from django_jobs.services.sync import sync_schedules
from tests import jobs
from tests.factories import CronJobFactory, ahead
from tests.scenes import Configure

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_schedules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "_by_name", {})


def row(name: str = "tests.add") -> CronJob:
    return CronJob.objects.get(name=name)


def test_a_schedule_becomes_a_row() -> None:
    cron(
        "0 3 * * *",
        name="nightly",
        timezone="Europe/Berlin",
        params={"a": 1},
        queue="reports",
        priority=4,
        missed="all",
        missed_max=3,
        overlap="skip",
    )(jobs.add)
    sync_schedules()
    made = row("nightly")
    assert (made.job_name, made.cron_expression, made.timezone) == (
        "tests.add",
        "0 3 * * *",
        "Europe/Berlin",
    )
    assert (made.params, made.queue, made.priority) == ({"a": 1}, "reports", 4)
    assert (made.missed_policy, made.missed_max, made.overlap_policy) == ("all", 3, "skip")
    assert (made.enabled, made.managed_by_code, made.next_run_at) == (True, True, None)


def test_syncing_again_changes_nothing() -> None:
    cron("@daily", params={"a": 1})(jobs.add)
    sync_schedules()
    CronJob.objects.update(next_run_at=ahead(hours=1))
    before = CronJob.objects.values().get()
    sync_schedules()
    assert CronJob.objects.values().get() == before


def changed(monkeypatch: pytest.MonkeyPatch, expression: str, **options: Any) -> CronJob:
    """The row after the schedule in the code was changed."""
    monkeypatch.setattr(schedules, "_by_name", {})
    cron(expression, **options)(jobs.add)
    sync_schedules()
    return row()


def test_a_changed_expression_is_planned_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    cron("@daily", params={"a": 1})(jobs.add)
    sync_schedules()
    planned = ahead(hours=1)
    CronJob.objects.update(next_run_at=planned)
    assert changed(monkeypatch, "@daily", params={"a": 2}).next_run_at == planned
    assert changed(monkeypatch, "@hourly", params={"a": 2}).next_run_at is None
    CronJob.objects.update(next_run_at=planned)
    moved = changed(monkeypatch, "@hourly", params={"a": 2}, timezone="Asia/Tokyo")
    assert (moved.next_run_at, moved.timezone) == (None, "Asia/Tokyo")


def test_the_switch_belongs_to_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    cron("@daily", params={"a": 1}, enabled=False)(jobs.add)
    sync_schedules()
    assert not row().enabled
    CronJob.objects.update(enabled=True)
    assert changed(monkeypatch, "@daily", params={"a": 1}, enabled=False).enabled
    CronJob.objects.update(enabled=False)
    assert not changed(monkeypatch, "@weekly", params={"a": 1}).enabled


def test_what_left_the_code_is_deleted_and_the_rest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    cron("@daily", params={"a": 1})(jobs.add)
    cron("@daily", params={"a": 1}, name="second")(jobs.add)
    sync_schedules()
    CronJobFactory(name="of an operator")
    changed(monkeypatch, "@daily", params={"a": 1})
    assert set(CronJob.objects.values_list("name", flat=True)) == {"tests.add", "of an operator"}


def test_an_operators_entry_of_the_same_name_is_not_touched() -> None:
    CronJobFactory(name="tests.add", cron_expression="0 9 * * *")
    cron("@daily", params={"a": 1})(jobs.add)
    sync_schedules()
    kept = row()
    assert (kept.cron_expression, kept.managed_by_code) == ("0 9 * * *", False)


@pytest.mark.parametrize(("enabled", "expected"), [(True, ["jobs.cleanup"]), (False, [])])
def test_the_built_in_cleanup_can_be_switched_off(
    configure: Configure, enabled: bool, expected: list[str]
) -> None:
    from django_jobs.jobs import cleanup

    cron("@daily", name="jobs.cleanup", builtin=True)(cleanup)
    configure(CLEANUP_ENABLED=enabled)
    sync_schedules()
    assert list(CronJob.objects.values_list("name", flat=True)) == expected
