"""``cluster_lock``: one holder in the whole cluster, by a row with an expiry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import IntegrityError, router, transaction
from django.db.models.functions import Now

from django_jobs.ids import uuid7
from django_jobs.models import ClusterLock


@contextmanager
def cluster_lock(name: str, *, lease: float = 300.0) -> Iterator[bool]:
    """Try to hold the lock ``name`` for the block; yield whether it was got.

    No session state is involved, so it works behind any pooler. A holder that dies frees it
    when ``lease`` seconds have passed; make the lease longer than the block can take.

    Example::

        with cluster_lock("nightly-import") as held:
            if held:
                ...
    """
    locks = ClusterLock.objects.using(router.db_for_write(ClusterLock))
    holder = uuid7()
    expires_at = Now() + timedelta(seconds=lease)
    held = bool(
        locks.filter(name=name, expires_at__lt=Now()).update(holder=holder, expires_at=expires_at)
    )
    if not held:
        try:
            with transaction.atomic(using=locks.db):
                locks.create(name=name, holder=holder, expires_at=expires_at)
            held = True
        except IntegrityError:
            held = False
    try:
        yield held
    finally:
        if held:
            locks.filter(name=name, holder=holder).delete()
