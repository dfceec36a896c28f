"""The action “Run job on selected…” on the lists of other people's models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_jobs.admin import RunJobsAdmin, run_job_on_selected
from django_jobs.admin.forms import once
from django_jobs.admin.own_pages.run_on_selected import ACTION, OBJECTS_MAX
from django_jobs.models import AuditAction, AuditSource, Job, JobAudit
from testproject.quakes.models import Quake
from tests.admin import typed_jobs
from tests.admin.pages import told

LIST = reverse("admin:auth_user_changelist")
EACH = "typed.user user_id each"
ALL = "typed.users users all"


@pytest.fixture(autouse=True)
def _for_every_list() -> Iterator[None]:
    admin.site.add_action(run_job_on_selected)
    yield
    admin.site.disable_action(ACTION)


@pytest.fixture
def users(db: None) -> list[User]:
    return [User.objects.create(username=f"user-{number}") for number in range(3)]


def choose(client: Client, rows: Any, url: str = LIST, **more: str) -> Any:
    ids = [str(row.pk) for row in rows]
    return client.post(url, {"action": ACTION, ACTION_CHECKBOX_NAME: ids, "index": "0", **more})


def send(client: Client, rows: Any, target: str, url: str = LIST, **typed: str) -> Any:
    opened = choose(client, rows, url, jobs_target=target, **_across(typed))
    found = re.search(rf'name="{once.FIELD}" value="([^"]+)"', opened.content.decode())
    assert found, opened.content.decode()
    again = {once.FIELD: found[1], "jobs_send": "yes", **typed}
    return choose(client, rows, url, jobs_target=target, **again)


def _across(typed: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in typed.items() if name == "select_across"}


def test_the_first_page_offers_the_jobs_that_take_the_objects(
    boss: Client, users: list[User]
) -> None:
    response = choose(boss, users)
    keys = [one.key for one in response.context["jobs_targets"]]
    assert keys == [EACH, ALL, "typed.text_pk object_id each"]
    keys = [one.key for one in response.context["jobs_other_targets"]]
    assert "typed.user group_id each" in keys
    assert "typed.kinds numbers all" in keys
    assert not [key for key in keys if key.startswith(("typed.kinds secret", "jobs."))]
    assert "tests.echo value each" in keys
    assert "tests.echo value all" in keys
    text = response.content.decode()
    assert "3 users selected." in text
    assert "Look after a user." in text


def test_one_job_for_each_object(boss: Client, users: list[User]) -> None:
    response = send(
        boss,
        users,
        EACH,
        **{"params-group_id": "7", "options-queue": "mail", "options-reason": "late"},
    )
    assert response.status_code == 302
    assert told(response)[0].startswith("3 jobs typed.user were enqueued. <a href=")
    jobs = list(Job.objects.order_by("params__user_id"))
    assert [job.params for job in jobs] == [{"user_id": one.pk, "group_id": 7} for one in users]
    assert {job.queue for job in jobs} == {"mail"}
    (correlation,) = {job.correlation_id for job in jobs}
    assert correlation in told(response)[0]
    entry = JobAudit.objects.get()
    assert (entry.action, entry.source, entry.actor, entry.target, entry.reason, entry.count) == (
        AuditAction.ENQUEUE,
        AuditSource.ADMIN,
        "boss",
        "typed.user",
        "late",
        3,
    )
    assert sorted(entry.details["ids"]) == sorted(str(job.pk) for job in jobs)
    assert entry.details["model"] == "auth.User"
    assert entry.details["objects"] == 3


def test_one_job_with_the_list_of_all(boss: Client, users: list[User]) -> None:
    send(boss, users, ALL, **{"params-note": "<b>"})
    job = Job.objects.get()
    assert job.job_name == "typed.users"
    assert sorted(job.params["users"]) == [one.pk for one in users]
    assert job.params["note"] == "<b>"


def test_keys_are_texts_where_the_job_takes_texts(boss: Client, users: list[User]) -> None:
    send(boss, users[:1], "typed.text_pk object_id each")
    assert Job.objects.get().params == {"object_id": str(users[0].pk)}
    assert typed_jobs.about_text.name == Job.objects.get().job_name


def test_a_parameter_named_like_a_unique_field_gets_its_values(boss: Client) -> None:
    quake = Quake.objects.create(
        usgs_id="ci1", region="CA", happened_at=timezone.now(), latitude=1.0, longitude=2.0
    )
    url = reverse("admin:quakes_quake_changelist")
    first = choose(boss, [quake], url).context["jobs_targets"][0]
    assert first.is_meant
    assert first.field == "usgs_id"
    send(boss, [quake], "testproject.quakes.jobs.send_alert usgs_id each", url)
    send(boss, [quake], "testproject.quakes.jobs.find_nearest_airports usgs_ids all", url)
    assert [job.params for job in Job.objects.order_by("pk")] == [
        {"usgs_id": "ci1"},
        {"usgs_ids": ["ci1"]},
    ]


def test_all_of_the_list_in_one_transaction(boss: Client, users: list[User]) -> None:
    Group.objects.bulk_create(Group(name=f"g{number}") for number in range(1201))
    url = reverse("admin:auth_group_changelist")
    rows = [Group.objects.all()[0]]
    response = send(boss, rows, "typed.user group_id each", url, select_across="1")
    assert response.status_code == 200, "user_id is missing"
    assert not Job.objects.exists()
    more = {"select_across": "1", "params-user_id": "1"}
    response = send(boss, rows, "typed.user group_id each", url, **more)
    assert told(response)[-1].startswith("1,201 jobs")
    assert Job.objects.count() == 1201
    assert JobAudit.objects.get().count == 1201


def test_too_many_are_refused(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert OBJECTS_MAX == 10_000
    monkeypatch.setattr("django_jobs.admin.own_pages.run_on_selected.OBJECTS_MAX", 2)
    rows = [User.objects.create(username=f"u{number}") for number in range(3)]
    response = choose(boss, rows)
    assert "at most 2 objects" in told(response)[0]
    assert not Job.objects.exists()


def test_errors_are_shown_and_nothing_is_enqueued(boss: Client, users: list[User]) -> None:
    response = send(boss, users, EACH, **{"params-group_id": "x", "options-priority": "x"})
    text = response.content.decode()
    assert text.count("Enter a whole number.") == 2
    assert response.status_code == 200
    response = choose(boss, users, jobs_target=EACH, jobs_send="yes", jobs_once="nonsense")
    assert "too old" in response.content.decode()
    for odd in ("", "tests.add", "jobs.cleanup x each", "\0", "typed.user user_id all"):
        assert "jobs_targets" in choose(boss, users, jobs_target=odd, jobs_send="yes").context
    assert not Job.objects.exists()
    assert not JobAudit.objects.exists()


def test_a_form_that_is_sent_twice_enqueues_once(boss: Client, users: list[User]) -> None:
    opened = choose(boss, users, jobs_target=EACH)
    found = re.search(rf'name="{once.FIELD}" value="([^"]+)"', opened.content.decode())
    assert found
    for _ in range(2):
        response = choose(boss, users, jobs_target=EACH, jobs_send="yes", **{once.FIELD: found[1]})
    assert "sent before" in told(response)[-1]
    assert Job.objects.count() == 3
    assert JobAudit.objects.count() == 1


def _staff(*codenames: str) -> tuple[User, Client]:
    user = User.objects.create_user(f"staff-{len(codenames)}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return user, client


def test_who_may_not_enqueue_is_refused(users: list[User]) -> None:
    _, client = _staff("view_user")
    for more in ({}, {"jobs_target": EACH}, {"jobs_target": EACH, "jobs_send": "yes"}):
        assert choose(client, users, **more).status_code == 403
    assert not Job.objects.exists()
    _, client = _staff("view_user", "enqueue_job")
    response = send(client, users, EACH)
    assert told(response) == ["3 jobs typed.user were enqueued."], "no link to a list it can't see"


class GroupAdmin(RunJobsAdmin, admin.ModelAdmin):  # type: ignore[type-arg]
    """A page of somebody else."""


class NoActions(GroupAdmin):
    actions = None


def test_the_mixin_offers_it_to_those_who_may(rf: RequestFactory, db: None) -> None:
    own = admin.AdminSite(name="own")
    page, without = GroupAdmin(Group, own), NoActions(Group, own)
    request = rf.get("/")
    request.user = _staff("view_group")[0]
    assert ACTION not in page.get_actions(request)
    request.user = _staff("view_group", "enqueue_job")[0]
    assert dict(page.get_action_choices(request))[ACTION] == "Run job on selected…"
    assert without.get_actions(request) == {}
    popup = rf.get("/", {"_popup": "1"})
    popup.user = request.user
    assert page.get_actions(popup) == {}


def test_the_pages_ask_the_database_little(boss: Client, users: list[User]) -> None:
    for more in ({}, {"jobs_target": EACH}):
        choose(boss, users, **more)
        with CaptureQueriesContext(connection) as captured:
            choose(boss, users, **more)
        own = [
            one["sql"] for one in captured if not re.search("django_session|SAVEPOINT", one["sql"])
        ]
        assert len(own) <= 8, own
