"""Who enqueued a job, and what it is about."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import isolate_apps

from django_jobs.exceptions import InvalidOption
from django_jobs.models import Job, Queue
from django_jobs.models.subjects import subject_of
from tests import jobs
from tests.scenes import fresh, nothing_written, worked

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("parent", [jobs.enqueue_child, jobs.enqueue_child_async])
def test_a_child_knows_its_parent(parent: Any) -> None:
    job = worked(parent.later())
    child = fresh(UUID(job.result))
    assert child.parent_id == job.pk
    assert list(Job.objects.children_of(job.pk)) == [child]
    assert fresh(job).parent_id is None


def test_a_child_of_now_as_well() -> None:
    result = jobs.enqueue_child.now()
    assert result.data is not None
    assert fresh(UUID(result.data)).parent_id == result.metadata.job_id


def test_a_parent_without_a_row_is_none() -> None:
    """Neither in a unit test nor with ``persist=False`` could anybody find it."""
    assert fresh(UUID(jobs.enqueue_child())).parent_id is None
    result = jobs.enqueue_child.using(persist=False).now()
    assert result.data is not None
    assert fresh(UUID(result.data)).parent_id is None


def test_a_correlation_of_its_own_does_not_hide_the_parent() -> None:
    job = worked(jobs.enqueue_child.using(correlation_id="c").later())
    child = fresh(UUID(job.result))
    assert (child.correlation_id, child.parent_id) == ("c", job.pk)


def test_a_subject_is_remembered() -> None:
    group = Group.objects.create(name="crew")
    job = jobs.add.using(subject=group).later(1)
    many = jobs.add.using(subject=group).later_many([{"a": 1}, {"a": 2}])
    assert fresh(job).subject == job.subject == f"auth.group:{group.pk}"
    assert set(Job.objects.about(group)) == {job, *many}
    assert not Job.objects.about(Group.objects.create(name="other")).exists()


@isolate_apps("tests")
def test_a_proxy_is_the_same_subject() -> None:
    class Team(Group):
        class Meta:
            app_label = "tests"
            proxy = True

    group = Group.objects.create(name="crew")
    assert subject_of(Team.objects.get()) == subject_of(group)


def test_no_subject_is_the_default_and_can_be_taken_back() -> None:
    about = jobs.add.using(subject=Group.objects.create(name="crew"))
    assert jobs.add.later(1).subject == ""
    assert about.using(subject=None).later(1).subject == ""


@pytest.mark.parametrize(
    "value",
    [
        Group(name="not saved"),
        Group(pk=7, name="not saved either"),
        Group,
        "auth.group:1",
        1,
        [],
        Job.objects.none(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_subject_is_a_saved_row(value: Any) -> None:
    with pytest.raises(InvalidOption, match=r"^subject: a saved model instance"):
        jobs.add.using(subject=value)
    assert nothing_written()


def test_a_deleted_row_is_not_saved_any_more() -> None:
    user = User.objects.create_user("ada")
    user.delete()
    with pytest.raises(InvalidOption, match="subject"):
        jobs.add.using(subject=user)


def test_a_subject_must_fit() -> None:
    row = Queue(name="x" * 300)
    row._state.adding = False
    with pytest.raises(InvalidOption, match="subject: a text of"):
        jobs.add.using(subject=row)


def test_rows_of_an_older_release_have_no_subject() -> None:
    """Its INSERT does not know the column."""
    job = jobs.add.later(1)
    columns = [
        field.column
        for field in Job._meta.concrete_fields
        if field.column not in ("id", "parent_id", "subject")
    ]
    listed = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO django_jobs_job (id, {listed}) "
            f"SELECT %s, {listed} FROM django_jobs_job WHERE id <> %s",
            ["0" * 32, "1" * 32],
        )
    other = Job.objects.exclude(pk=job.pk).get()
    assert (other.subject, other.parent_id) == ("", None)
