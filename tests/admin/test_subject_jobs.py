"""“Jobs” on the page of any object."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path, reverse

from django_jobs.admin import SubjectJobsMixin
from django_jobs.admin.own_pages import subject_jobs
from django_jobs.models import Job
from tests import jobs
from tests.admin.pages import list_of, page_of
from tests.factories import JobFactory


class GroupAdmin(SubjectJobsMixin, admin.ModelAdmin):
    pass


site = admin.AdminSite(name="other")
site.register(Group, GroupAdmin)
urlpatterns = [path("admin/", admin.site.urls), path("other/", site.urls)]

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture
def group(db: None) -> Group:
    return Group.objects.create(name="crew")


def text_of(client: Client, group: Group) -> str:
    response = client.get(reverse("other:auth_group_change", args=[group.pk]))
    assert response.status_code == 200
    return response.content.decode()


def test_the_latest_jobs_of_the_object(
    boss: Client, group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject_jobs, "JOBS_MAX", 2)
    about = jobs.add.using(subject=group)
    first, second, third = (about.later(number) for number in range(3))
    other = jobs.add.later(1)
    text = text_of(boss, group)
    for job, is_there in ((first, False), (second, True), (third, True), (other, False)):
        assert (page_of(job) in text) == is_there
    assert text.index(page_of(third)) < text.index(page_of(second))
    assert "show all" in text


def test_the_link_leads_to_all_of_them(boss: Client, group: Group) -> None:
    made = [jobs.add.using(subject=group).later(number) for number in range(3)]
    JobFactory()
    address = f"{list_of('job')}?q=subject%3A%22auth.group%3A{group.pk}%22"
    assert address in text_of(boss, group)
    assert {job.pk for job in boss.get(address).context["cl"].result_list} == {
        job.pk for job in made
    }


def test_an_object_without_jobs(boss: Client, group: Group) -> None:
    assert "No job is about it." in text_of(boss, group)
    # Nor is there anything on the page for a new one.
    assert "jobs-of-subject" not in boss.get(reverse("other:auth_group_add")).content.decode()


def test_jobs_are_for_those_who_may_view_them(group: Group) -> None:
    job = jobs.add.using(subject=group).later(1)
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_group"))
    client = Client()
    client.force_login(user)
    text = text_of(client, group)
    assert "jobs-of-subject" not in text
    assert page_of(job) not in text


def test_it_costs_one_query(boss: Client, group: Group) -> None:
    jobs.add.using(subject=group).later_many([{"a": number} for number in range(20)])
    with CaptureQueriesContext(connection) as captured:
        text_of(boss, group)
    assert sum("django_jobs_job" in one["sql"] for one in captured) == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's plans")
def test_an_index_finds_them(group: Group) -> None:
    """And one finds the children of a job; both are empty for jobs that have neither."""
    for sql in (
        "SELECT id FROM django_jobs_job WHERE NOT (subject = '') AND subject = 'a.b:1' "
        "ORDER BY id DESC LIMIT 11",
        "SELECT id FROM django_jobs_job WHERE subject = 'a.b:1' ORDER BY id DESC LIMIT 11",
        f"SELECT id FROM django_jobs_job WHERE parent_id = '{jobs.add.later(1).pk}' "
        "ORDER BY id LIMIT 21",
    ):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN " + sql)
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "django_jobs_subject" in plan or "django_jobs_parent" in plan, plan
        assert "Sort" not in plan, plan


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's plans")
def test_sqlite_knows_the_index(group: Group) -> None:
    plan = Job.objects.about(group).order_by("-pk").explain()
    assert "django_jobs_subject" in plan, plan
    assert "TEMP B-TREE" not in plan, plan
    plan = Job.objects.children_of(jobs.add.later(1).pk).order_by("pk").explain()
    assert "django_jobs_parent" in plan, plan
