"""Several questions in one statement: the same answers as one by one."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import connection
from django.db.models import CharField, F, Value
from django.test.utils import CaptureQueriesContext

from django_jobs.models import Job, Queue
from django_jobs.states import Status
from django_jobs.stats.together import counted, together
from tests.factories import JobFactory, QueueFactory, ago

pytestmark = pytest.mark.django_db


def test_parts_keep_their_order_and_their_limit() -> None:
    for number in range(5):
        JobFactory(queue=f"queue-{number}", scheduled_for=ago(hours=number))
    QueueFactory(name="100 %", paused_at=ago(hours=1))
    late = Job.objects.order_by("scheduled_for").values_list("queue", "scheduled_for")[:2]
    paused = Queue.objects.filter(name__contains="%").values_list("name", "paused_at")
    nothing = Queue.objects.none().values_list("name", "paused_at")
    with CaptureQueriesContext(connection) as captured:
        rows = together(nothing, late, paused, nothing)
    assert len(captured) == 1
    assert [name for name, _ in rows] == ["queue-4", "queue-3", "100 %"]
    assert rows == [*late, *paused]
    assert all(isinstance(moment, datetime) for _, moment in rows)


def test_nothing_is_asked_for_nothing() -> None:
    with CaptureQueriesContext(connection) as captured:
        assert together(Queue.objects.none().values_list("name")) == []
        assert counted(Queue.objects.none().values_list("name", "name", "paused_at")) == []
    assert not captured.captured_queries


def test_rows_are_counted_as_far_as_their_part_goes(any_status: None) -> None:
    first = ago(hours=2)
    JobFactory(queue="a", scheduled_for=first)
    JobFactory.create_batch(4, queue="a")
    JobFactory.create_batch(2, queue="b", status=Status.FAILED)
    pending = Job.objects.pending().order_by("scheduled_for")
    failed = Job.objects.failed().annotate(kind=Value("lost", output_field=CharField()))
    found = counted(
        pending.annotate(kind=F("status")).values_list("kind", "queue", "scheduled_for")[:3],
        failed.values_list("kind", "queue", "scheduled_for"),
    )
    assert {row[:3] for row in found} == {("pending", "a", 3), ("lost", "b", 2)}
    assert {moment for _, queue, _, moment in found if queue == "a"} == {first}
