from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import override_settings

from django_jobs import cron, job
from django_jobs.exceptions import (
    CronNeverFires,
    CronTooFrequent,
    DuplicateSchedule,
    InvalidArguments,
    InvalidCron,
    InvalidJob,
    InvalidOption,
    InvalidQueueName,
    InvalidTimezone,
    JobsError,
)
from django_jobs.registry import registry
from django_jobs.schedules import Schedule, schedules


def report(region: str = "CA", top: int = 10) -> str:
    return f"{region} {top}"


def cleanup() -> None:
    """Stands in for the package's own."""


@pytest.fixture(autouse=True)
def no_schedules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "_by_name", {})


@pytest.fixture
def definition() -> Iterator[Any]:
    yield job(name="unit.report", queue="reports", priority=5)(report)
    registry.unregister("unit.report")


@pytest.fixture
def other() -> Iterator[Any]:
    yield job(name="unit.cleanup")(cleanup)
    registry.unregister("unit.cleanup")


def the_schedule(name: str) -> Schedule:
    schedule = schedules.get(name)
    assert schedule is not None
    return schedule


def test_the_defaults(definition: Any) -> None:
    assert cron("0 3 * * *")(definition) is definition
    schedule = the_schedule("unit.report")
    assert schedule.definition is definition
    assert (schedule.crontab.expression, schedule.crontab.timezone) == ("0 3 * * *", "UTC")
    assert schedule.params == definition.schema.bind((), {})
    assert (schedule.queue, schedule.priority) == (None, None)
    assert (schedule.missed, schedule.missed_max, schedule.overlap) == ("latest", 10, "queue")
    assert schedule.enabled
    assert not schedule.builtin


def test_everything_given(definition: Any) -> None:
    cron(
        "@daily",
        name="report:ny",
        timezone="America/New_York",
        params={"region": "NY"},
        queue="bulk",
        priority=-20,
        missed="all",
        missed_max=1000,
        overlap="skip",
        enabled=False,
    )(definition)
    schedule = the_schedule("report:ny")
    assert schedule.crontab.timezone == "America/New_York"
    assert schedule.crontab.name == "report:ny"
    assert schedule.params == definition.schema.bind((), {"region": "NY"})
    assert (schedule.queue, schedule.priority) == ("bulk", -20)
    assert (schedule.missed, schedule.missed_max, schedule.overlap) == ("all", 1000, "skip")
    assert not schedule.enabled


def test_the_time_zone_of_the_site_is_the_default(definition: Any) -> None:
    with override_settings(TIME_ZONE="Europe/Berlin"):
        cron("0 3 * * *")(definition)
    assert the_schedule("unit.report").crontab.timezone == "Europe/Berlin"


def test_a_job_may_have_several_schedules(definition: Any) -> None:
    stacked = cron("0 3 * * *", name="night")(cron("0 12 * * *", name="noon")(definition))
    assert stacked is definition
    assert [schedule.name for schedule in schedules.all()] == ["night", "noon"]


@pytest.mark.parametrize(
    ("expression", "options", "error", "message"),
    [
        ("60 * * * *", {}, InvalidCron, "minute"),
        ("0 0 30 2 *", {}, CronNeverFires, "no date"),
        ("0 0 * * *", {"timezone": "Mars/X"}, InvalidTimezone, "Mars/X"),
        ("0 0 * * *", {"timezone": ""}, InvalidTimezone, "timezone"),
        ("0 0 * * *", {"name": ""}, InvalidOption, "name: a schedule's name has 1 to 200"),
        ("0 0 * * *", {"name": "a b"}, InvalidOption, "name"),
        ("0 0 * * *", {"name": "x\n"}, InvalidOption, "name"),
        ("0 0 * * *", {"name": "x" * 201}, InvalidOption, "name"),
        ("0 0 * * *", {"name": 5}, InvalidOption, "name"),
        ("0 0 * * *", {"params": {"nope": 1}}, InvalidArguments, "nope"),
        ("0 0 * * *", {"params": {"top": "many"}}, InvalidArguments, "top"),
        ("0 0 * * *", {"params": ["CA"]}, InvalidArguments, "params"),
        ("0 0 * * *", {"params": {1: 2}}, InvalidArguments, "params"),
        ("0 0 * * *", {"queue": "../x"}, InvalidQueueName, "queue"),
        ("0 0 * * *", {"priority": 2**31}, InvalidOption, "priority"),
        ("0 0 * * *", {"priority": True}, InvalidOption, "priority"),
        ("0 0 * * *", {"priority": "high"}, InvalidOption, "priority"),
        ("0 0 * * *", {"missed": "some"}, InvalidOption, "'skip', 'latest', 'all'"),
        ("0 0 * * *", {"missed_max": 0}, InvalidOption, "missed_max: a whole number from"),
        ("0 0 * * *", {"missed_max": 1001}, InvalidOption, "missed_max"),
        ("0 0 * * *", {"missed_max": 1.0}, InvalidOption, "missed_max"),
        ("0 0 * * *", {"overlap": "all"}, InvalidOption, "'skip', 'queue'"),
        ("0 0 * * *", {"overlap": []}, InvalidOption, "overlap"),
        ("0 0 * * *", {"name": "nіghtly"}, InvalidOption, "name"),
        ("0 0 * * *", {"name": "a\u202eb"}, InvalidOption, "name"),
        ("0 0 * * *", {"timezone": "utc\0"}, InvalidTimezone, "timezone"),
        ("0 0 * * *", {"timezone": ["UTC"]}, InvalidTimezone, "timezone"),
        ("0 0 * * *", {"params": {"region": float("nan")}}, InvalidArguments, "region"),
        ("0 0 * * *", {"params": iter("ab")}, InvalidArguments, "params"),
        ("0 0 * * *", {"priority": -0.0}, InvalidOption, "priority"),
        ("0 0 * * *", {"missed_max": True}, InvalidOption, "missed_max"),
        ("0 0 * * *", {"missed_max": 10**400}, InvalidOption, "missed_max"),
        ("0 0 * * *", {"missed": None}, InvalidOption, "missed"),
        ("0 0 * * *", {"enabled": 1}, InvalidOption, "enabled"),
        ("0 0 * * *", {"enabled": "no"}, InvalidOption, "enabled: True or False"),
    ],
)
def test_bad_values_are_refused_and_register_nothing(
    definition: Any, expression: str, options: Any, error: type[JobsError], message: str
) -> None:
    with pytest.raises(error, match=message):
        cron(expression, **options)(definition)
    assert schedules.all() == []


def test_the_smallest_interval_is_a_setting(definition: Any) -> None:
    with (
        override_settings(DJANGO_JOBS={"CRON_MIN_INTERVAL": 600}),
        pytest.raises(CronTooFrequent, match="600 s"),
    ):
        cron("*/5 * * * *")(definition)


def test_a_bad_setting_elsewhere_does_not_stop_the_import(
    definition: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with override_settings(DJANGO_JOBS={"LEASE": "5m"}):
        monkeypatch.setattr(apps, "ready", False)
        cron("*/5 * * * *")(definition)
    assert schedules.get("unit.report") is not None


@pytest.mark.parametrize("decorated", [report, lambda: None, 5, None, "unit.report"])
def test_only_jobs_can_be_scheduled(decorated: Any) -> None:
    with pytest.raises(InvalidJob, match="write @cron\\(…\\) above @job\\(…\\)"):
        cron("0 3 * * *")(decorated)


def test_options_of_using_are_not_lost_silently(definition: Any) -> None:
    with pytest.raises(InvalidJob, match="give queue and priority to @cron"):
        cron("0 3 * * *")(definition.using(queue="bulk"))


def test_d85_a_name_is_taken_once(definition: Any, other: Any) -> None:
    cron("0 3 * * *", name="nightly")(definition)
    for again in (definition, other):
        with pytest.raises(DuplicateSchedule, match="'nightly' exists already"):
            cron("0 4 * * *", name="nightly")(again)
    assert the_schedule("nightly").crontab.expression == "0 3 * * *"


def test_a_reloaded_module_replaces_its_schedules(definition: Any) -> None:
    cron("0 3 * * *", name="nightly")(definition)

    def reloaded() -> None: ...

    reloaded.__module__, reloaded.__qualname__ = report.__module__, report.__qualname__
    reloaded.__name__ = report.__name__
    again = job(name="unit.report")(reloaded)
    cron("0 4 * * *", name="nightly")(again)
    assert the_schedule("nightly").crontab.expression == "0 4 * * *"


@pytest.mark.parametrize("users_first", [True, False])
def test_a_users_schedule_replaces_a_builtin_one(
    definition: Any, other: Any, users_first: bool
) -> None:
    steps = [
        lambda: cron("0 3 * * *", name="jobs.cleanup")(other),
        lambda: cron("0 * * * *", name="jobs.cleanup", builtin=True)(definition),
    ]
    for step in steps if users_first else steps[::-1]:
        step()
    schedule = the_schedule("jobs.cleanup")
    assert (schedule.definition, schedule.builtin) == (other, False)


def test_clear_forgets_all(definition: Any) -> None:
    cron("0 3 * * *")(definition)
    schedules.clear()
    assert schedules.all() == []
    assert schedules.get("unit.report") is None
