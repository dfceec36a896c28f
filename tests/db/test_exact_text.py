"""Text that differs only a little is different, on every database."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection

from django_jobs.models import Job
from django_jobs.stores.base import Store
from tests import jobs
from tests.factories import JobFactory
from tests.scenes import claim, claim_one

pytestmark = pytest.mark.django_db

#: Alike to whom ignores case, accents or trailing spaces.
PAIRS = [("night", "Night"), ("cafe", "café"), ("end", "end "), ("strasse", "straße")]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_unique_keys(store: Store, one: str, other: str) -> None:
    first = jobs.add.using(unique_key=one).later(1)
    second = jobs.add.using(unique_key=other).later(1)
    assert not second.was_already_enqueued
    assert jobs.add.using(unique_key=one).later(1).pk == first.pk
    assert jobs.add.using(unique_key=other).later(1).pk == second.pk
    assert Job.objects.count() == 2


def test_queues(store: Store) -> None:
    small, large = JobFactory.build(queue="mail"), JobFactory.build(queue="MAIL")
    store.enqueue([small, large])
    store.pause("mail", "somebody", "")
    assert not store.is_paused("MAIL")
    assert claim(10, "mail") == []
    assert claim_one("MAIL").id == large.id


def test_job_names(store: Store) -> None:
    JobFactory(job_name="tests.ADD")
    assert claim(10, names=["tests.add"]) == []
    assert len(claim(10, names=["tests.ADD"])) == 1


@pytest.mark.skipif(connection.vendor != "mysql", reason="others compare bytes by themselves")
def test_no_column_of_ours_was_forgotten() -> None:
    """Fields of text are ``ExactCharField`` and ``ExactTextField``, in migrations as well."""
    tables = {model._meta.db_table for model in apps.get_app_config("django_jobs").get_models()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, collation_name FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND collation_name IS NOT NULL"
        )
        found = [row for row in cursor.fetchall() if row[0] in tables]
    assert found
    assert [row for row in found if not row[2].endswith("_bin")] == []
