"""Cluster locks: one holder, an expiry, and no way to free what another holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now

from django_jobs.locks import cluster_lock
from django_jobs.models import ClusterLock

pytestmark = pytest.mark.django_db


def test_one_holder() -> None:
    with cluster_lock("import") as first:
        with cluster_lock("import") as second:
            assert (first, second) == (True, False)
        with cluster_lock("import") as third:
            assert not third, "the second did not free what the first holds"
        with cluster_lock("export") as other:
            assert other
    assert not ClusterLock.objects.exists()


def test_it_is_free_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), cluster_lock("import"):
        raise ZeroDivisionError
    with cluster_lock("import") as held:
        assert held


def test_a_dead_holder_loses_it() -> None:
    with cluster_lock("import", lease=60) as first:
        assert first
        ClusterLock.objects.update(expires_at=Now() - timedelta(seconds=1))
        with cluster_lock("import") as second:
            assert second
            holder = ClusterLock.objects.get().holder
    assert holder is not None


def test_the_late_holder_does_not_free_the_next_one() -> None:
    with cluster_lock("import") as first:
        ClusterLock.objects.update(expires_at=Now() - timedelta(seconds=1))
        second = cluster_lock("import")
        assert first
        assert second.__enter__()
    assert ClusterLock.objects.count() == 1
    second.__exit__(None, None, None)
    assert not ClusterLock.objects.exists()


def test_not_getting_it_leaves_the_transaction_usable() -> None:
    with transaction.atomic(), cluster_lock("import"), cluster_lock("import") as second:
        assert not second
        assert ClusterLock.objects.count() == 1
