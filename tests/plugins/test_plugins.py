"""A plugin is an app in INSTALLED_APPS; everything that it brings takes part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_jobs import signals
from django_jobs.chains import claim_chain, enqueue_chain, execute_chain
from django_jobs.exceptions import EnqueueUnavailable, InvalidConfiguration
from django_jobs.models import CronJob, Job
from django_jobs.plugins import PluginConfig, installed_plugins, plugin_services
from django_jobs.services import all_services
from django_jobs.services.cron import fire_due_crons
from tests import jobs
from tests.factories import CronJobFactory
from tests.plugins.audit import middleware, receivers
from tests.plugins.audit.apps import AuditConfig
from tests.scenes import Configure, claim, fresh, nothing_written, work, worked

pytestmark = pytest.mark.django_db
CHAINS: list[list[Any]] = [enqueue_chain, execute_chain, claim_chain, plugin_services]
SEALING = "tests.plugins.audit.codec.SealingCodec"


@pytest.fixture
def audit(settings: Any) -> Iterator[AuditConfig]:
    """The plugin, installed for the time of a test."""
    before = [list(chain) for chain in CHAINS]
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.plugins.audit"]
    config = apps.get_app_config("audit")
    assert isinstance(config, AuditConfig)
    middleware.seen.clear()
    receivers.completed.clear()
    yield config
    for chain, parts in zip(CHAINS, before, strict=True):
        chain[:] = parts
    for signal, receiver in config.receivers.items():
        getattr(signals, signal).disconnect(dispatch_uid=f"{config.name}:{signal}:{receiver}")


def test_it_is_found(audit: AuditConfig) -> None:
    assert audit in installed_plugins()


def test_without_it_nothing_happens() -> None:
    assert "tests.plugins.audit" not in {one.name for one in installed_plugins()}
    assert jobs.add.later(1).tags == []


# Enqueueing


def test_every_way_to_enqueue_goes_through_it(audit: AuditConfig) -> None:
    jobs.add.later(1)
    jobs.add.using(tags=["mine"]).later_many([{"a": 1}, {"a": 2}])
    jobs.add.now(1)
    jobs.add.batch([{"a": 1}], concurrency=1)
    CronJobFactory()
    fire_due_crons()
    tags = list(Job.objects.order_by("id").values_list("tags", flat=True))
    many = ["mine", "audited"]
    assert tags == [["audited"], many, many, ["audited"], ["audited"], ["cron", "audited"]]


def test_it_may_refuse(audit: AuditConfig) -> None:
    forbidden = jobs.add.using(queue="forbidden")
    with pytest.raises(middleware.NotAdmitted):
        forbidden.later(1)
    with pytest.raises(middleware.NotAdmitted):
        forbidden.later_many([{"a": 1}])
    with pytest.raises(middleware.NotAdmitted):
        forbidden.now(1)
    assert nothing_written()


def test_it_may_keep_a_job() -> None:
    """As a buffer would: whoever wants to run it now hears of it."""

    def keep(call_next: Any, new: Any) -> Any:
        return new

    enqueue_chain.append(keep)
    try:
        assert jobs.add.later(1).params == {"a": 1}
        with pytest.raises(EnqueueUnavailable, match="middleware"):
            jobs.add.now(1)
    finally:
        enqueue_chain.remove(keep)
    assert nothing_written()


# Executing


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (lambda: worked(jobs.add.later(1, 2)), ("tests.add", 3)),
        (lambda: worked(jobs.fail.later()), ("tests.fail", "ValueError")),
        (lambda: worked(jobs.snooze.later(5)), ("tests.snooze", "Snooze")),
        (lambda: jobs.add.now(1, 2), ("tests.add", 3)),
        (lambda: jobs.add.using(persist=False).now(1, 2), ("tests.add", 3)),
        (lambda: jobs.add_async.now(1, 2), ("tests.add_async", "awaitable")),
    ],
    ids=["worker", "failure", "snooze", "now", "unpersisted", "async"],
)
def test_every_way_to_execute_goes_through_it(
    audit: AuditConfig, run: Any, expected: tuple[str, Any]
) -> None:
    run()
    assert middleware.seen == [expected]


def test_a_middleware_decides_what_the_job_returns() -> None:
    def double(call_next: Any, context: Any) -> Any:
        return 2 * call_next(context)

    def increase(call_next: Any, context: Any) -> Any:
        return 1 + call_next(context)

    execute_chain.extend([double, increase])
    try:
        assert worked(jobs.add.later(1, 2)).result == 8, "the first is the outermost"
    finally:
        execute_chain.remove(double)
        execute_chain.remove(increase)


def test_a_middleware_that_breaks_fails_the_job() -> None:
    def broken(call_next: Any, context: Any) -> Any:
        raise RuntimeError("of the middleware")

    execute_chain.append(broken)
    try:
        job = worked(jobs.add.later(1))
    finally:
        execute_chain.remove(broken)
    assert job.status == "retrying"
    assert "of the middleware" in job.error


# Claiming


def test_a_filter_narrows_what_is_claimed(audit: AuditConfig) -> None:
    left, taken = jobs.add.using(priority=100).later(1), jobs.add.using(priority=99).later(2)
    assert [claimed.id for claimed in claim()] == [taken.pk]
    assert fresh(left).status == "pending"


# Services and signals


def test_its_service_is_a_duty_of_every_worker(audit: AuditConfig) -> None:
    (service,) = [one for one in all_services() if one.name == "audit.count"]
    jobs.add.later(1)
    assert (service.interval(), service.run()) == (60.0, 1)
    assert {"promote", "rescue", "cron"} <= {one.name for one in all_services()}


def test_its_receiver_is_told(audit: AuditConfig) -> None:
    job = jobs.add.later(1)
    work()
    assert receivers.completed == [job.pk]


# Codecs


def test_a_codec_sees_everything_that_is_stored(configure: Configure) -> None:
    configure(CODEC=SEALING)
    job = jobs.add.later(1, 2)
    assert fresh(job).params.keys() == {"sealed"}
    work()
    row = fresh(job)
    assert row.result.keys() == {"sealed"}
    assert row.as_result().data == 3
    assert jobs.add.now(4).data == 4
    failed = worked(jobs.fail_once.later("secret"))
    assert failed.status == "failed"


def test_a_schedule_keeps_plain_arguments_and_its_jobs_are_sealed(configure: Configure) -> None:
    configure(CODEC=SEALING)
    CronJobFactory(job_name="tests.add", params={"a": 5})
    fire_due_crons()
    assert CronJob.objects.get().params == {"a": 5}
    job = Job.objects.get()
    assert job.params.keys() == {"sealed"}
    assert worked(job).as_result().data == 5


@pytest.mark.parametrize("path", ["tests.plugins.audit.codec.Missing", "tests.factories.ago"])
def test_a_codec_that_is_none(configure: Configure, path: str) -> None:
    configure(CODEC=path)
    with pytest.raises(InvalidConfiguration):
        jobs.add.later(1)
    assert nothing_written()


# Taking part


def test_getting_ready_twice_changes_nothing(audit: AuditConfig) -> None:
    before = [list(chain) for chain in CHAINS]
    audit.ready()
    assert [list(chain) for chain in CHAINS] == before
    job = jobs.add.later(1)
    work()
    assert receivers.completed == [job.pk]


class NeedsMore(PluginConfig):
    name = "tests.plugins.audit"
    label = "needs_more"
    requires = ("django_jobs", "acme.missing", "acme.absent")
    enqueue_middleware = ("tests.plugins.audit.middleware.stamp",)


def test_a_missing_requirement_stops_the_start() -> None:
    import tests.plugins.audit

    with pytest.raises(ImproperlyConfigured, match=r"needs acme\.missing, acme\.absent in INST"):
        NeedsMore("tests.plugins.audit", tests.plugins.audit).ready()
    assert middleware.stamp not in enqueue_chain


def test_it_is_refused_without_the_package(settings: Any) -> None:
    wanted = [app for app in settings.INSTALLED_APPS if app != "django.contrib.auth"]
    wanted = [app for app in wanted if app != "django.contrib.admin"]
    changed = override_settings(INSTALLED_APPS=[*wanted, "tests.plugins.audit"])
    with pytest.raises(ImproperlyConfigured, match=r"django\.contrib\.auth"):
        changed.enable()
